"""One state of the database, shared by every reader of a run.

The exporter holds a transaction open and names its snapshot; readers on other
connections import it by that name, as pg_dump's workers do. It dies with its exporter.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone

import psycopg2
from psycopg2 import errorcodes as codes
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.postgres.connection import connect, describe
from components.postgres.failures import ServerBrokeOff, explained
from components.postgres.rows import one_record

_DEAD_SNAPSHOT_CODES = frozenset(
    {codes.INVALID_PARAMETER_VALUE, codes.UNDEFINED_OBJECT, codes.FEATURE_NOT_SUPPORTED}
)


@dataclass(frozen=True)
class DatabaseSnapshot:
    """A state of the database that others can join while it is held.

    Attributes:
        snapshot_id: Its name, for join_snapshot.
        now: When it was taken, by the server's clock, UTC.
        connection: The exporter's own, inside the snapshot's read-only transaction.
            Neither commit nor roll back on it: that ends the snapshot.
    """

    snapshot_id: str
    now: datetime
    connection: Connection = field(repr=False)


@dataclass(frozen=True)
class _Exported:
    """Name of a snapshot, and the server's clock in its transaction."""

    snapshot_id: str
    now: datetime


@contextmanager
def exported_snapshot() -> Iterator[DatabaseSnapshot]:
    """Takes a snapshot and holds it until the block ends.

    Raises:
        DatabaseUnreachable: As connect does, or the server went away.
    """
    with closing(connect("tens-insight snapshot")) as connection:
        _read_only(connection)
        with explained(connection), connection.cursor() as cursor:
            # This connection idles, for as long as the readers work.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot() AS snapshot_id, now() AS now")
            exported = one_record(cursor, _Exported)
        now = exported.now.astimezone(timezone.utc)
        yield DatabaseSnapshot(exported.snapshot_id, now, connection)


@contextmanager
def join_snapshot(snapshot_id: str, application_name: str) -> Iterator[Connection]:
    """Opens a connection that sees exactly what an exported snapshot sees.

    Args:
        snapshot_id: DatabaseSnapshot.snapshot_id, of the same database.
        application_name: As for connect.

    Yields:
        A connection inside a read-only transaction; it is closed with the block.

    Raises:
        DatabaseUnreachable: As connect does, or the snapshot is gone.
        ContractBroken: A table, column or privilege that the block needs is missing.
    """
    with closing(connect(application_name)) as connection:
        _read_only(connection)
        with explained(connection):
            _import(connection, snapshot_id)
            yield connection


def _read_only(connection: Connection) -> None:
    connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)


def _import(connection: Connection, snapshot_id: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION SNAPSHOT %s", (snapshot_id,))
    except psycopg2.Error as error:
        if error.pgcode not in _DEAD_SNAPSHOT_CODES:
            raise
        raise ServerBrokeOff(
            f"The snapshot {snapshot_id!r} is gone from {describe(connection)}: the transaction "
            "that held it has ended, or it belongs to another database. Run again.",
            reason="snapshot gone",
        ) from error
