"""Where the database is, as far as it may be said: DATABASE_URL without its password."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import parse_dsn

from components.errors import DatabaseUnreachable
from components.postgres.secret_manager import read_secret, secret_variable

URL_VARIABLE = "DATABASE_URL"
METADATA_URL_VARIABLE = "METADATA_DATABASE_URL"
_SECRETS = ("password", "sslpassword", "passfile")
_EXPECTED = (
    "Expected postgresql://user:password@host:port/database (postgres:// does too), with any "
    "of / @ : ? # % in the user or the password percent-encoded (@ is %40). "
    "The URL is not shown, because it may hold a password."
)


@dataclass(frozen=True)
class Address:
    """What libpq is given, and how to speak of it.

    Attributes:
        parameters: libpq's connection parameters found in the URL; empty when it is
            not set, so that libpq reads PGSERVICE, PGHOST and the like itself.
        name: "user@host:port/dbname", never with a password.
        source: The variables that it comes from.
        secrets: Texts that no message may hold.
    """

    parameters: dict[str, str]
    name: str
    source: str
    secrets: tuple[str, ...]

    def scrubbed(self, text: str) -> str:
        """Returns the text of a libpq error without any of the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())


def read_address(environ: Mapping[str, str], variable: str = URL_VARIABLE) -> Address:
    """Reads where a database is from the environment.

    Args:
        environ: The environment.
        variable: The one that holds the URL. If it does not, the one whose name ends in
            _SECRET beside it names a secret of Google Secret Manager that does.

    Raises:
        DatabaseUnreachable: It does not hold a URL of Postgres, or the secret cannot be read.
    """
    url, source = _url(environ, variable)
    parameters = _parse_url(url, source) if url else {}
    secrets = [parameters.get(name, "") for name in _SECRETS]
    secrets += [environ.get("PGPASSWORD", ""), url]
    return Address(
        parameters=parameters,
        name=_name(parameters, environ),
        source=source,
        secrets=tuple(sorted(filter(None, secrets), key=len, reverse=True)),
    )


def is_named(environ: Mapping[str, str], variable: str = URL_VARIABLE) -> bool:
    """Tells whether the environment holds a URL, or names the secret that does."""
    return bool(environ.get(variable) or environ.get(secret_variable(variable)))


def format_address(user: str, host: str, port: str, database: str) -> str:
    """Returns "user@host:port/database"; the host may be the folder of a socket."""
    return f"{user}@{host}:{port}/{database}"


def _url(environ: Mapping[str, str], variable: str) -> tuple[str, str]:
    """Returns the URL, if there is one, and which variables it or the rest comes from."""
    if url := environ.get(variable, ""):
        return url, variable
    if name := environ.get(secret_variable(variable), ""):
        return read_secret(name), secret_variable(variable)
    return "", "libpq's variables PGSERVICE, PGHOST, PGDATABASE, ..."


def _parse_url(url: str, variable: str) -> dict[str, str]:
    scheme = re.match(r"[a-z][a-z0-9+.-]{0,40}(?=://)", url, re.IGNORECASE)
    if scheme is None or scheme.group() not in ("postgresql", "postgres"):
        what = f"starts with {scheme.group()}://" if scheme else "is not a URL"
        raise DatabaseUnreachable(f"{variable} {what}. {_EXPECTED}")
    try:
        parameters = parse_dsn(url)
    except (psycopg2.Error, UnicodeError):
        # Both quote the part they stumbled over, which is often a piece of the password.
        parameters = None
    if parameters is None or _is_misread(url, parameters):
        raise DatabaseUnreachable(f"{variable} is not well-formed. {_EXPECTED}")
    return {name: str(value) for name, value in parameters.items()}


def _is_misread(url: str, parameters: Mapping[str, object]) -> bool:
    """Tells whether libpq took a piece of an unencoded password for host, port or name."""
    path = url.partition("://")[2].partition("?")[0].partition("/")[2]
    host, port = str(parameters.get("host", "")), str(parameters.get("port", ""))
    return "@" in path or "@" in host[1:] or not re.fullmatch(r"[0-9,]*", port)


def _name(parameters: Mapping[str, str], environ: Mapping[str, str]) -> str:
    def first(name: str, variable: str, otherwise: str) -> str:
        return parameters.get(name) or environ.get(variable) or otherwise

    service = first("service", "PGSERVICE", "")
    user = first("user", "PGUSER", "(default user)")
    host = parameters.get("hostaddr") or first("host", "PGHOST", "(default host)")
    database = first("dbname", "PGDATABASE", "(default database)")
    name = format_address(user, host, first("port", "PGPORT", "(default port)"), database)
    return f"service {service!r} ({name})" if service else name
