"""Turns what Postgres says into an error that names the object and the next step.

Errors are told apart by their code (SQLSTATE), never by their class: a cancelled
query, a lock timeout, a shutdown and a deadlock are all OperationalError.
"""

import re
import select
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import psycopg2
from psycopg2 import errorcodes as codes
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.errors import (
    ContractBroken,
    DatabaseUnreachable,
    PublicationRefused,
    TensInsightError,
)
from components.postgres.address import format_address
from components.postgres.sqlstates import Decision, meaning_of
from components.postgres.tables import OUTPUT_TABLES, pipeline_rights

SERVER_GONE_CODES = frozenset(
    {codes.ADMIN_SHUTDOWN, codes.CRASH_SHUTDOWN, codes.CANNOT_CONNECT_NOW}
)
GAVE_UP_CODES = {
    codes.LOCK_NOT_AVAILABLE: "A lock was not granted in time (lock_timeout): somebody else holds "
    "it. See pg_stat_activity for long transactions, then run again.",
    codes.QUERY_CANCELED: "A statement was cancelled, by statement_timeout or by hand. "
    "Raise the timeout of this role, then run again.",
}


_CONNECTION_BAD: Final = 1
"""libpq's CONNECTION_BAD, which psycopg2 gives no name."""
_VALUE: Final = re.compile(r': ".*"$')
"""What a data exception quotes: feedback, perhaps."""
_CLOSED_BY_US: Final = 1
"""What psycopg2 says of a connection after close(); of one that broke it says 2."""


class ServerBrokeOff(DatabaseUnreachable):
    """The server or the line to it went away in mid-work, or a deadlock was broken.

    Attributes:
        reason: In short, for the log.
    """

    def __init__(self, message: str, reason: str = "connection lost"):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Place:
    """Whom and what an error message speaks of: read while the connection lives."""

    user: str
    database: str
    name: str


def lost_connection(error: psycopg2.Error, connection: Connection | None = None) -> bool:
    """Tells whether the error means that the server or the line to it is gone.

    The class of the error does not tell: a server that dies in COPY leaves an OperationalError or
    a bare DatabaseError ("error with status PGRES_COPY_OUT"), without a code, in words that
    differ by the direction. So libpq and the socket are asked.

    Args:
        error: As raised by psycopg2.
        connection: Where it was raised, if known; by default that of the error's cursor. Without
            either (a lost COMMIT), or where it was closed since, an operational error without a
            code counts as lost.
    """
    if error.pgcode is not None and _means_gone(error.pgcode):
        return True
    if error.pgcode is None and isinstance(error, psycopg2.ProgrammingError):
        return False  # psycopg2's own, such as of a value that it cannot send
    if connection is None and error.cursor is not None:
        connection = error.cursor.connection
    if connection is None or connection.closed == _CLOSED_BY_US:
        bare = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
        return error.pgcode is None and bare
    return is_dead(connection)


def is_dead(connection: Connection) -> bool:
    """Tells whether nothing can be said over a connection any more."""
    if connection.closed or connection.info.status == _CONNECTION_BAD:
        return True
    # libpq may not have looked since the server closed its end.
    watch = select.poll()
    watch.register(connection.fileno(), select.POLLRDHUP)  # POLLHUP and POLLERR come unasked
    return bool(watch.poll(0))


class StatementCancelled(DatabaseUnreachable):
    """A statement took longer than it may, or somebody cancelled it."""


def _means_gone(code: str) -> bool:
    return code in SERVER_GONE_CODES or code.startswith("08")


def is_transient(error: psycopg2.Error, connection: Connection | None = None) -> bool:
    """Tells whether the same work, done again from the start, may succeed."""
    if error.pgcode and meaning_of(error.pgcode).decision is Decision.RETRIED:
        return True
    return lost_connection(error, connection)


def transient_reason(error: psycopg2.Error) -> str:
    """Says in short why work is tried again."""
    return f"SQLSTATE {error.pgcode}" if error.pgcode else "connection lost"


@contextmanager
def explained(connection: Connection) -> Iterator[None]:
    """Translates psycopg2's errors in its block into ours, where the cause is known.

    Ours have no cause: the server's context and detail quote the row that it was at, and a
    traceback in a log must not hold one.

    Raises:
        DatabaseUnreachable: The server went away, gave up, is read-only or damaged.
        ContractBroken: A table, column or privilege is missing, or what the owner made of them
            fails.
        PublicationRefused: A constraint refuses rows.
    """
    place = place_of(connection)
    try:
        yield
    except psycopg2.Error as error:
        translated = translation(error, place, connection)
        if translated is None:
            raise
        raise translated from None


def place_of(connection: Connection) -> Place:
    """Reads user, database and address of a connection, never its password."""
    if connection not in _PLACES:
        info = connection.info
        name = format_address(info.user, info.host, str(info.port), info.dbname)
        _PLACES[connection] = Place(user=info.user, database=info.dbname, name=name)
    return _PLACES[connection]


_PLACES: Final[WeakKeyDictionary[Connection, Place]] = WeakKeyDictionary()
"""A server reads one for each statement; they stay as long as their connections are open."""


def translation(
    error: psycopg2.Error, place: Place, connection: Connection | None = None
) -> TensInsightError | None:
    """Returns our error for psycopg2's, or None where a statement of ours must be wrong."""
    said = _said(error)
    code = error.pgcode
    if code == codes.INSUFFICIENT_PRIVILEGE:
        return ContractBroken(
            f"{said}, in {place.name}. {_grant(said, place, reads=_only_reads(error))}"
        )
    if code in (codes.UNDEFINED_TABLE, codes.UNDEFINED_COLUMN, codes.INVALID_SCHEMA_NAME):
        return ContractBroken(
            f"{said}, in {place.name}. {_missing(said, code, ours=_asked_ours(error))}"
        )
    if code == codes.READ_ONLY_SQL_TRANSACTION:
        return DatabaseUnreachable(f"{read_only_problem(place)} It said: {said}")
    if code in GAVE_UP_CODES:
        kind = StatementCancelled if code == codes.QUERY_CANCELED else DatabaseUnreachable
        return kind(f"{GAVE_UP_CODES[code]} At {place.name}; it said: {said}")
    if is_transient(error, connection):
        return ServerBrokeOff(
            f"The work at {place.name} was broken off by the server: {said}. "
            "Nothing half-done was kept; run again when the server is up.",
            reason=transient_reason(error),
        )
    return _by_meaning(code, said, place) if code else None


_KINDS: Final = {
    Decision.UNAVAILABLE: DatabaseUnreachable,
    Decision.CONTRACT: ContractBroken,
    Decision.REFUSED: PublicationRefused,
}


def _by_meaning(code: str, said: str, place: Place) -> TensInsightError | None:
    meaning = meaning_of(code)
    kind = _KINDS.get(meaning.decision)
    return kind(f"{said} (SQLSTATE {code}), at {place.name}. {meaning.advice}") if kind else None


def read_only_problem(place: Place) -> str:
    """Says that a server takes no writes."""
    return (
        f"{place.name} is a standby or read-only: nothing can be written there. Name the primary "
        "server in DATABASE_URL; with several hosts in it, add target_session_attrs=read-write."
    )


def _said(error: psycopg2.Error) -> str:
    text = error.diag.message_primary or str(error) or "the connection is closed"
    text = " ".join(text.split())
    if (error.pgcode or "").startswith(codes.CLASS_DATA_EXCEPTION):
        return _VALUE.sub("", text)
    return text


def _quoted(said: str) -> str:
    """Returns the object that a message names, at its end or in quotes, else ""."""
    match = re.search(r'"([^"]+)"', said) or re.search(r"permission denied for \w+ (\S+)$", said)
    return match.group(1) if match else ""


def _grant(said: str, place: Place, *, reads: bool) -> str:
    name = _quoted(said)
    if "temporary" in said:
        right = f'TEMPORARY ON DATABASE "{place.database}"'
    elif "permission denied for schema" in said:
        # Everybody may use public, so there it is the right to create that is missing.
        right = f"{'CREATE' if name == 'public' else 'USAGE'} ON SCHEMA {name}"
    elif "permission denied for database" in said:
        right = f'CREATE ON DATABASE "{place.database}"'
    elif "permission denied" in said and name:
        # Who only looks is not told to take the pipeline's rights to write.
        full = pipeline_rights().get(name, f"SELECT ON {name}")
        right = f"SELECT ON {full.rpartition(' ON ')[2]}" if reads else full
    elif "row-level security" in said:
        return (
            "A GRANT does not help against a policy. Let a superuser run: "
            f'ALTER ROLE "{place.user}" BYPASSRLS, or the owner: CREATE POLICY tens_insight ON '
            f'{name} TO "{place.user}" USING (true) WITH CHECK (true).'
        )
    else:
        return f'Grant the right to the role "{place.user}", or use the role that owns the object.'
    return f'Let the owner run: GRANT {right} TO "{place.user}"'


def _only_reads(error: psycopg2.Error) -> bool:
    """Tells whether the connection was opened to look, so that no right to write is missing."""
    return error.cursor is not None and error.cursor.connection.readonly is True


def _asked_ours(error: psycopg2.Error) -> bool:
    """Tells whether the statement was about our own tables, which a migration may have to alter."""
    query = error.cursor.query if error.cursor is not None else None
    return b"tens_insight." in (query or b"")


def _missing(said: str, code: str, *, ours: bool) -> str:
    if code == codes.UNDEFINED_COLUMN and not ours:
        return "Let its owner add the column; `tens-insight db check` lists all that is missing."
    if ours or any(name in said for name in ("tens_insight", *(t.name for t in OUTPUT_TABLES))):
        return "Run `tens-insight db init`, which creates what is missing."
    return (
        "GoInsight's ETL creates it: check that DATABASE_URL names its database and that "
        "search_path holds its schema, or make a view of this name over tables of your own "
        "(docs/quickstart-your-database.md); `tens-insight db check` lists all that is missing."
    )
