"""Opens connections to the database that the environment names.

The address is read where a connection is opened and nowhere else, so that it is
never stored, logged or handed through TFX.
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import Final

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED, Float, make_dsn, register_adapter
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extras import LogicalReplicationConnection

from components.errors import AddressInvalid, DatabaseUnreachable
from components.postgres.address import (
    LIBPQ_VARIABLES,
    METADATA_URL_VARIABLE,
    URL_VARIABLE,
    Address,
    is_named,
    read_address,
)
from components.postgres.failures import (
    ServerBrokeOff,
    explained,
    place_of,
    read_only_problem,
)
from components.postgres.local_settings import SettledConnection
from components.postgres.moments import hold_all_moments
from components.postgres.queries import queries
from components.postgres.rows import value
from components.postgres.secret_manager import secret_variable

_QUERIES: Final = queries(__package__)

# psycopg2 writes a float as repr has it. numpy.float64 is a float too, and from numpy 2 on its
# repr is "np.float64(0.5)", which the server takes for a function of a schema.
register_adapter(float, lambda number: Float(float(number)))

LOCK_TIMEOUT_S = 30
IDLE_IN_TRANSACTION_TIMEOUT_S = 600
_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "6",
}
_NO_ANSWER = (
    "could not translate host name",
    "Connection refused",
    "timeout expired",
    "Connection timed out",
    "No such file or directory",
    "No route to host",
    "Network is unreachable",
    "server closed the connection unexpectedly",
    "the database system is",
    # A server that stops while it answers, and what PgBouncer says while it cannot reach its own.
    "Connection reset by peer",
    "Broken pipe",
    "EOF detected",
    "could not send startup packet",
    "terminating connection due to",
    "server login has been failing",
    "cannot connect to server",
    "server conn crashed",
    "query_wait_timeout",
    "bouncer is shut",
)
_WRONG_ADDRESS = re.compile(
    r"invalid (port number|integer value|[a-z_]+ value)|service file|definition of service"
    r"|invalid connection option|could not match \d+"
)
"""What libpq says before it asks any server."""
_FULL = ("too many connections", "too many clients", "remaining connection slots")
_REFUSED_LOGIN = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "role ")


class ServerNotAnswering(DatabaseUnreachable):
    """Nothing answers at the address, or the server is starting or stopping."""


def connect(
    application_name: str,
    *,
    statement_timeout_s: int = 0,
    address: Address | None = None,
    opened: Callable[[SettledConnection], None] = lambda connection: None,
) -> SettledConnection:
    """Opens a connection whose transactions have time zone UTC, encoding UTF-8 and timeouts.

    It reads every moment that Postgres can hold.

    The address comes from DATABASE_URL, from the secret that DATABASE_URL_SECRET names, or
    from libpq's own variables (PGSERVICE, PGHOST, PGPASSFILE, ...). What the address says,
    such as options, sslmode or connect_timeout, is kept.

    Args:
        application_name: As shown in pg_stat_activity, "tens-insight <what>".
        statement_timeout_s: Seconds until the server cancels a statement; 0 keeps
            what the server, the role or the address sets.
        address: Where to, in place of what the environment says.
        opened: Is told of the connection before its first statement, for who limits its time.

    Raises:
        DatabaseUnreachable: No server, wrong password, no such database.
        AddressInvalid: The address cannot be one.
    """
    address = address or read_address(os.environ)
    ours = {"application_name": application_name, "client_encoding": "utf8"}
    failure: AddressInvalid | DatabaseUnreachable
    try:
        connection = psycopg2.connect(
            make_dsn(None, **{**_defaults(os.environ), **address.parameters, **ours}),
            connection_factory=SettledConnection,
        )
    except (psycopg2.Error, UnicodeError) as error:
        failure = _explained(str(error), address)
    else:
        opened(connection)
        return _prepared(connection, statement_timeout_s, address)
    # Outside of the handler: libpq's own text, which may hold a password, is not chained.
    raise failure


def connect_replication(application_name: str) -> LogicalReplicationConnection:
    """Opens a connection over which a replication slot can be read; otherwise as `connect`.

    No pooler hands such a connection on.

    Args:
        application_name: As shown in pg_stat_replication.

    Raises:
        DatabaseUnreachable: No server, wrong password, no right to replicate.
        AddressInvalid: The address cannot be one.
    """
    address = read_address(os.environ)
    ours = {"application_name": application_name, "client_encoding": "utf8"}
    failure: AddressInvalid | DatabaseUnreachable
    try:
        return psycopg2.connect(
            make_dsn(None, **{**_defaults(os.environ), **address.parameters, **ours}),
            connection_factory=LogicalReplicationConnection,
        )
    except (psycopg2.Error, UnicodeError) as error:
        failure = _explained(str(error), address)
    raise failure


def metadata_address() -> Address | None:
    """Returns where ML Metadata lies if METADATA_DATABASE_URL or its secret says so, else None.

    Raises:
        AddressInvalid: It is not a URL of Postgres.
    """
    if not is_named(os.environ, METADATA_URL_VARIABLE):
        return None
    return read_address(os.environ, METADATA_URL_VARIABLE)


def database_is_configured(environ: Mapping[str, str]) -> bool:
    """Tells whether the environment names a database at all."""
    return naming_variable(environ) is not None


def naming_variable(environ: Mapping[str, str]) -> str | None:
    """Returns the variable that names the database; None where none does."""
    own = (URL_VARIABLE, secret_variable(URL_VARIABLE))
    return next((name for name in (*own, *LIBPQ_VARIABLES) if environ.get(name)), None)


def describe(connection: Connection) -> str:
    """Returns "user@host:port/dbname" of a connection, never its password."""
    return place_of(connection).name


def standby_problem(connection: Connection) -> str:
    """Says that the server is a standby, which nobody can write to; empty if it is none.

    Raises:
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        return read_only_problem(place_of(connection)) if value(cursor) else ""


def begin_writing(connection: Connection) -> None:
    """Makes the next transactions read committed and read-write.

    Args:
        connection: Outside of a transaction.

    Raises:
        DatabaseUnreachable: The server is a standby, or went away.
    """
    # Asked first: on a standby the words of psycopg2 would depend on the server's language.
    problem = standby_problem(connection)
    connection.rollback()
    if problem:
        raise DatabaseUnreachable(problem)
    connection.set_session(
        isolation_level=ISOLATION_LEVEL_READ_COMMITTED, readonly=False, autocommit=False
    )


def _defaults(environ: Mapping[str, str]) -> dict[str, str]:
    if environ.get("PGCONNECT_TIMEOUT"):
        return {name: value for name, value in _DEFAULTS.items() if name != "connect_timeout"}
    return _DEFAULTS


def _prepared(
    connection: SettledConnection, statement_timeout_s: int, address: Address
) -> SettledConnection:
    try:
        hold_all_moments(connection)
        with explained(connection):
            connection.local_settings = _local_settings(connection, statement_timeout_s)
    except ServerBrokeOff as error:
        # A pooler answers for a server that is away, and a server may stop between the two.
        connection.close()
        raise ServerNotAnswering(
            f"No database answers at {address.name} (from {address.source}), which broke off the "
            f"first statement. Check that the server runs. {error}"
        ) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _local_settings(connection: Connection, statement_timeout_s: int) -> str:
    """Returns the SET LOCAL statements with which each transaction begins."""
    parameters = {
        "lock_timeout": f"{LOCK_TIMEOUT_S}s",
        "idle_timeout": f"{IDLE_IN_TRANSACTION_TIMEOUT_S}s",
        "statement_timeout": f"{statement_timeout_s}s" if statement_timeout_s else None,
    }
    with connection, connection.cursor() as cursor:
        cursor.execute(_QUERIES["local_settings"], parameters)
        return "; ".join(statement for (statement,) in cursor.fetchall())


def _explained(text: str, address: Address) -> AddressInvalid | DatabaseUnreachable:
    where = f"{address.name} (from {address.source})"
    said = address.scrubbed(text)
    if _WRONG_ADDRESS.search(text):
        return AddressInvalid(
            f"The address of {where} is wrong in itself. Correct it. Postgres's library said: "
            f"{said}"
        )
    if "database" in text and "does not exist" in text and 'role "' not in text:
        return DatabaseUnreachable(
            f"The database of {where} does not exist. "
            f"Create it, or correct the name. Postgres said: {said}"
        )
    if any(sign in text for sign in _FULL):
        return ServerNotAnswering(
            f"The server of {where} has no connection left for us; user and password were not "
            "the reason. A run needs three at once. Wait for others to end theirs, which "
            "pg_stat_activity lists, or raise the limit: ALTER ROLE ... CONNECTION LIMIT, ALTER "
            f"DATABASE ... CONNECTION LIMIT or max_connections. Postgres said: {said}"
        )
    if "permission denied for database" in text:
        return DatabaseUnreachable(
            f"The role of {where} may not connect to this database: let its owner run GRANT "
            f"CONNECT ON DATABASE ... TO the role. Postgres said: {said}"
        )
    if any(sign in text for sign in _NO_ANSWER):
        return ServerNotAnswering(
            f"No database answers at {where}. Check that the server runs and accepts "
            f"connections from here, and that host and port are right. Postgres said: {said}"
        )
    if any(sign in text for sign in _REFUSED_LOGIN):
        return DatabaseUnreachable(
            f"The database server refused the login of {where}. "
            f"Check user and password. Postgres said: {said}"
        )
    return DatabaseUnreachable(f"Cannot connect to {where}. Postgres said: {said}")
