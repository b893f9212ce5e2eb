"""Where the database is, as far as it may be said: DATABASE_URL without its password."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import psycopg2
from psycopg2.extensions import parse_dsn

from components.errors import AddressInvalid
from components.postgres.secret_manager import read_secret, secret_variable

URL_VARIABLE = "DATABASE_URL"
METADATA_URL_VARIABLE = "METADATA_DATABASE_URL"
LIBPQ_VARIABLES: Final = (
    *("PGSERVICE", "PGSERVICEFILE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE"),
    "PGPASSFILE",
)
"""Any of libpq's own variables that says where a database is; PGUSER only says who asks."""

_SECRETS: Final = ("password", "sslpassword", "passfile")
_PUBLIC: Final = ("user", "host", "hostaddr", "port", "dbname", "service")
_LIBPQ_QUOTES: Final = re.compile(r'"([^"]*)"')
_NEVER_SHOWN: Final = re.compile(r"postgres(ql)?://\S+|(?<=password=)\S+", re.IGNORECASE)
_LONG: Final = 6
"""Characters from which a secret with a digit or a sign can be no word of libpq's own."""
_HIDDEN: Final = "***"
_ENDS: Final = {
    "\r": "a carriage return (CR), as the line ends of Windows have it",
    "\n": "a line feed",
    "\t": "a tab",
    " ": "a blank",
}
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
        public: Texts that every message may hold: user, host, port, database.
    """

    parameters: dict[str, str]
    name: str
    source: str
    secrets: tuple[str, ...]
    public: frozenset[str] = frozenset()

    def scrubbed(self, text: str) -> str:
        """Returns the text of a libpq error without any of the secrets.

        By structure: libpq quotes what it was given, so that a quoted value is hidden if it is
        a secret and no public part of the address. Looking for a short password in libpq's own
        words would show by its holes what the password is.
        """
        said = _NEVER_SHOWN.sub(_HIDDEN, " ".join(text.split()))
        said = _LIBPQ_QUOTES.sub(lambda found: f'"{self._quoted(found[1])}"', said)
        for secret in filter(_is_no_word, self.secrets):
            if not any(secret in public for public in self.public):
                said = said.replace(secret, _HIDDEN)
        return said

    def _quoted(self, value: str) -> str:
        return _HIDDEN if value in self.secrets and value not in self.public else value


def _is_no_word(secret: str) -> bool:
    return len(secret) >= _LONG and not all(one.isalpha() or one.isspace() for one in secret)


def read_address(environ: Mapping[str, str], variable: str = URL_VARIABLE) -> Address:
    """Reads where a database is from the environment.

    Args:
        environ: The environment.
        variable: The one that holds the URL. If it does not, the one whose name ends in
            _SECRET beside it names a secret of Google Secret Manager that does.

    Raises:
        AddressInvalid: It does not hold a URL of Postgres, or ends with what nobody sees.
        DatabaseUnreachable: The secret cannot be read.
    """
    _require_clean(environ, variable)
    url, source = _url(environ, variable)
    parameters = _parse_url(url, source) if url else {}
    secrets = [parameters.get(name, "") for name in _SECRETS]
    secrets += [environ.get("PGPASSWORD", ""), url]
    return Address(
        parameters=parameters,
        name=_name(parameters, environ),
        source=source,
        secrets=tuple(sorted(filter(None, secrets), key=len, reverse=True)),
        public=frozenset(filter(None, _public(parameters, environ))),
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


def _require_clean(environ: Mapping[str, str], variable: str) -> None:
    """Names a variable with a character at an end that was not meant, such as that of a CR.

    Raises:
        AddressInvalid: Says which character; never the value.
    """
    ours = (variable, secret_variable(variable))
    libpq = (*LIBPQ_VARIABLES, "PGUSER", "PGPASSWORD", "PGSSLMODE")
    for name in (*ours, *libpq):
        value = environ.get(name, "")
        wrong = {value[:1], value[-1:]} & _ENDS.keys() if value else set()
        if name not in ours:
            wrong &= {"\r", "\n"}
        if wrong:
            raise AddressInvalid(
                f"{name} begins or ends with {_ENDS[min(wrong)]}. Set it again without; a file "
                "that was written on Windows is mended by dos2unix."
            )


def _public(parameters: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    for name in _PUBLIC:
        variable = "PGDATABASE" if name == "dbname" else f"PG{name.upper()}"
        yield parameters.get(name, "")
        yield environ.get(variable, "")


def _parse_url(url: str, variable: str) -> dict[str, str]:
    scheme = re.match(r"[a-z][a-z0-9+.-]{0,40}(?=://)", url, re.IGNORECASE)
    if scheme is None or scheme.group() not in ("postgresql", "postgres"):
        what = f"starts with {scheme.group()}://" if scheme else "is not a URL"
        raise AddressInvalid(f"{variable} {what}. {_EXPECTED}")
    try:
        parameters = parse_dsn(url)
    except (psycopg2.Error, UnicodeError):
        # Both quote the part they stumbled over, which is often a piece of the password.
        parameters = None
    if parameters is None or _is_misread(url, parameters):
        raise AddressInvalid(f"{variable} is not well-formed. {_EXPECTED}")
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
    numeric = parameters.get("hostaddr") or environ.get("PGHOSTADDR", "")
    host = numeric or first("host", "PGHOST", "(default host)")
    database = first("dbname", "PGDATABASE", "(default database)")
    name = format_address(user, host, first("port", "PGPORT", "(default port)"), database)
    return f"service {service!r} ({name})" if service else name
