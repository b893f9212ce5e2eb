"""Keeps the history from growing for ever, without losing what undo needs."""

import logging
from datetime import datetime, timezone
from typing import Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.tables import OutputTable
from components.publishing.details import drop_old_details
from components.publishing.publication_log import read_log
from components.publishing.publish_lock import try_lock_table

_QUERIES: Final = queries(__package__)

_log = logging.getLogger(__name__)


def drop_old_history(connection: Connection, target: OutputTable, days: int) -> int:
    """Drops the rows of publications older than `days`, and details; the log of them stays.

    The rows that make up the two newest states are kept, however old they are: with
    departed rows kept in the table, they may be of any publication. What is published
    stays published whatever happens here, so a failure is logged and not raised.

    Args:
        connection: Outside of a transaction.
        target: The table.
        days: Age by the server's clock, counted from when it was published.

    Returns:
        How many rows were dropped.
    """
    try:
        connection.autocommit = False
        with connection, connection.cursor() as cursor:
            if not try_lock_table(cursor, target):
                return 0  # Somebody else publishes, and drops them afterwards.
            if target.details is not None:
                drop_old_details(cursor, read_log(cursor, target))
            return drop_expired(cursor, target, days)
    except psycopg2.Error as error:
        _log.warning(
            "Published, but the old history of %s was not dropped: %s",
            target.name, str(error).strip(),
        )  # fmt: skip
        return 0


def drop_expired(
    cursor: Cursor, target: OutputTable, days: int, now: datetime | None = None
) -> int:
    """Does the work of drop_old_history in the caller's transaction, under the lock.

    Args:
        cursor: Of the transaction.
        target: The table.
        days: As for drop_old_history.
        now: UTC; by default the server's.
    """
    log = read_log(cursor, target)
    if now is None:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone() or (datetime.now(timezone.utc),)
    previous, expired = log.previous, log.expired(now, days)
    layers = log.layers(previous)
    if previous is None or layers is None or not expired:
        return 0
    statement = sql.SQL(_QUERIES["drop_history"]).format(
        history=target.history_table, same=target.same_key("newer", "old")
    )
    bounds = {"expired": expired, "layers": layers, "up_to": previous.publication_id}
    cursor.execute(statement, bounds)
    (dropped,) = cursor.fetchone() or (0,)
    return int(dropped)
