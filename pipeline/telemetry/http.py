"""Posts to a sink over HTTP: once or twice, within a timeout, and no secret in any message."""

import base64
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pipeline.telemetry.sink import SinkFailed, place

_PAUSE_S: Final = 0.5
_OF_THE_SERVER: Final = 500


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect may lead a token to another host: it is an answer like any other."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


class _Passing(Exception):
    """A failure that may be over in a moment; the text is that of SinkFailed."""


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> None:
    """Posts, and wants an answer from 200 to 299, whose body is not read.

    A server that refuses, breaks off or answers with 5xx is asked once more; one that does not
    answer in time is not. User and password in the URL are sent as basic authentication. Proxies
    are those of the environment.

    Args:
        url: Of http or https.
        body: What is posted.
        headers: Beside the usual ones.
        timeout_s: Seconds for the connection and for each read.

    Raises:
        SinkFailed: No such answer.
    """
    request = urllib.request.Request(  # noqa: S310 -- the settings take http and https alone
        _without_user(url),
        data=body,
        headers={"User-Agent": "tens-insight", **_authorization(url), **headers},
        method="POST",
    )
    try:
        _post(request, url, timeout_s)
    except _Passing:
        time.sleep(_PAUSE_S)
    else:
        return
    try:
        _post(request, url, timeout_s)
    except _Passing as error:
        raise SinkFailed(str(error)) from None


def _post(request: urllib.request.Request, url: str, timeout_s: float) -> None:
    passing = True
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout_s):
            return
    except urllib.error.HTTPError as error:
        error.close()
        said = f"answers {error.code}"
        passing = error.code >= _OF_THE_SERVER
        if 300 <= error.code < 400:
            said += ", a redirect, which is not followed"
    except urllib.error.URLError as error:
        said = _why(error.reason, timeout_s)
        passing = not isinstance(error.reason, TimeoutError | ssl.SSLError)
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = _why(error, timeout_s)
        passing = not isinstance(error, TimeoutError | ValueError)
    # Outside of the handlers: errors of urllib hold the whole address, and are not chained.
    raise (_Passing if passing else SinkFailed)(f"{place(url)} {said}.")


def with_path(url: str, path: str, **query: str) -> str:
    """Returns a URL with more at the end of its path, and parameters beside those it has.

    Args:
        url: May have a path, a query, and user and password.
        path: Begins with a slash; empty for none.
        **query: Names and values that need no quoting.
    """
    parts = urlsplit(url)
    pairs = [parts.query, *(f"{name}={value}" for name, value in query.items())]
    joined = "&".join(filter(None, pairs))
    whole = parts._replace(path=parts.path.rstrip("/") + path, query=joined, fragment="")
    return whole.geturl()


def _why(reason: object, timeout_s: float) -> str:
    if isinstance(reason, TimeoutError):
        return f"does not answer within {timeout_s:g} s"
    if isinstance(reason, socket.gaierror):
        return "cannot be found: no such host name"
    if isinstance(reason, ConnectionRefusedError):
        return "refuses the connection"
    if isinstance(reason, ssl.SSLError):
        return "cannot be trusted: its certificate or TLS is not accepted"
    return f"cannot be reached ({type(reason).__name__})"


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _authorization(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if parts.username is None and parts.password is None:
        return {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
