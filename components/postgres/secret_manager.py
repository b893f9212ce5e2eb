"""Reads a secret from Google Secret Manager, where nothing puts it into the environment."""

import base64
from functools import lru_cache
from typing import Any, Final

from components.errors import DatabaseUnreachable

ENDPOINT: Final = "https://secretmanager.googleapis.com"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT_S: Final = 30


def secret_variable(variable: str) -> str:
    """Returns the variable that names the secret to be had in place of another variable.

    Args:
        variable: Such as DATABASE_URL, for which it is DATABASE_URL_SECRET.
    """
    return f"{variable}_SECRET"


@lru_cache
def read_secret(name: str) -> str:
    """Returns what a version of a secret holds, as the service account of this process.

    Args:
        name: projects/<project>/secrets/<secret>/versions/<version or latest>.

    Raises:
        DatabaseUnreachable: There are no credentials, no such secret, or no right to read it.
    """
    import google.auth
    from google.auth import exceptions
    from google.auth.transport.requests import AuthorizedSession

    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except exceptions.GoogleAuthError as error:
        raise _unreadable(name, str(error)) from None
    return access_secret(AuthorizedSession(credentials), ENDPOINT, name)


def access_secret(session: Any, endpoint: str, name: str) -> str:
    """Asks the REST API, which needs no client library, for a version of a secret.

    Args:
        session: Of requests, with credentials.
        endpoint: Of the API.
        name: As for read_secret.

    Raises:
        DatabaseUnreachable: No answer, no such secret, or no right to read it.
    """
    import requests
    from google.auth import exceptions

    try:
        answer = session.get(f"{endpoint}/v1/{name}:access", timeout=_TIMEOUT_S)
    except (exceptions.GoogleAuthError, requests.RequestException) as error:
        raise _unreadable(name, str(error)) from None
    if not answer.ok:
        raise _unreadable(name, f"HTTP {answer.status_code} {answer.reason}")
    return base64.b64decode(answer.json()["payload"]["data"]).decode().strip()


def _unreadable(name: str, why: str) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        f"The address of the database is in the secret {name}, which cannot be read: {why}. "
        "Check the name, and that the service account of this process has the role "
        "roles/secretmanager.secretAccessor on it."
    )
