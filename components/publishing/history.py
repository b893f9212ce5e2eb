"""The rows that publications wrote: kept for comparing them and for undoing the newest.

Old ones are dropped, but never what the two newest states of a table are made of.
"""

import json
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import one_record, value
from components.postgres.tables import OutputTable
from components.publishing.details import drop_old_details
from components.publishing.lock import try_lock_table
from components.publishing.own_tables import require_line, require_rows
from components.publishing.publication_log import (
    EXISTING,
    PublicationLog,
    read_log,
    record_publication,
)
from components.publishing.staging import count_rows, summarize
from components.publishing.written import append_to

_QUERIES: Final = queries(__package__)

_APPEND = (
    "INSERT INTO {history} (publication_id, {columns}) "
    "SELECT {publication_id}, {columns} FROM {rows} ORDER BY {key}"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Existing:
    """The moment and the model of rows that are there without a publication."""

    as_of: datetime
    model_version: str


def append_history(
    cursor: Cursor, table: OutputTable, rows: sql.Composable, publication_id: int
) -> None:
    """Adds rows, all of one publication; sorted, so that the index grows leaf by leaf.

    Raises:
        PublicationRefused: The history did not take them as they are.
    """
    statement = sql.SQL(_APPEND).format(
        history=table.history_table,
        columns=table.column_list,
        publication_id=sql.Literal(publication_id),
        rows=rows,
        key=table.key_list,
    )
    history = f"tens_insight.{table.history}"
    append_to(cursor, statement, history, count_rows(cursor, rows))
    written = ("publication_id", publication_id)
    require_rows(cursor, table, history, table.column_list, rows, written)


def record_existing(cursor: Cursor, table: OutputTable, published_by: str) -> int:
    """Keeps the rows of somebody else that the first publication replaces.

    Returns:
        How many; 0 where there are none, or it is not the first.

    Raises:
        PublicationRefused: The log or the history did not take them as they are.
    """
    cursor.execute(_QUERIES["has_publications"], {"table": table.name})
    if value(cursor):
        return 0
    rows = sql.SQL("{} AS existing").format(table.rows)
    summary = summarize(cursor, table, rows)
    if summary.count == 0:
        return 0
    cursor.execute(sql.SQL(_QUERIES["existing_rows"]).format(rows=rows))
    existing = one_record(cursor, _Existing)
    mean = summary.mean_probability
    line = {
        "attempt": str(uuid.uuid4()),
        "table": table.name,
        "kind": EXISTING,
        "as_of": existing.as_of,
        "model_version": existing.model_version,
        "label_source": "unknown",
        "written": summary.count,
        "removed": 0,
        # Nobody promised that rows of others hold a probability.
        "mean_probability": mean if mean is not None and 0 <= mean <= 1 else None,
        "shares": json.dumps(summary.shares),
        "feedback_rows": None,
        "run_id": "",
        "removes_others": True,
        "published_by": published_by,
        "accepted_shift": None,
        "broken_limits": [],
        "risk_bands": None,
        "horizon_days": None,
        "horizons": [],
        "horizons_judged": None,
        "population": None,
        "holdout": None,
        "split": None,
        "increment": None,
    }
    recorded = record_publication(cursor, line)
    append_history(cursor, table, rows, recorded.publication_id)
    require_line(cursor, line, recorded.publication_id)
    return summary.count


def rebuilt_rows(table: OutputTable, layers: list[int]) -> sql.Composed:
    """Returns a state of the table as a subquery.

    Args:
        table: The table.
        layers: As PublicationLog.layers gives them; without any the state is empty.
    """
    query = sql.SQL(_QUERIES["rebuilt_rows"]).format(
        key=table.key_list,
        columns=table.column_list,
        history=table.history_table,
        layers=sql.Literal(layers),
    )
    return sql.SQL("({})").format(query)


def drop_old_history(connection: Connection, table: OutputTable, days: int) -> int:
    """Drops the rows of publications older than `days`, and details; the log of them stays.

    The rows that make up the two newest states are kept, however old they are: with
    departed rows kept in the table, they may be of any publication. What is published
    stays published whatever happens here, so a failure is logged and not raised.

    Args:
        connection: Outside of a transaction.
        table: The table.
        days: Age by the server's clock, counted from when it was published.

    Returns:
        How many rows were dropped.
    """
    try:
        connection.autocommit = False
        with connection, connection.cursor() as cursor:
            if not try_lock_table(cursor, table):
                return 0  # Somebody else publishes, and drops them afterwards.
            log = read_log(cursor, table)
            drop_old_details(cursor, table, log)
            return drop_expired(cursor, table, log, days)
    except psycopg2.Error as error:
        _log.warning(
            "Published, but the old history of %s was not dropped: %s",
            table.name, str(error).strip(),
        )  # fmt: skip
        return 0


def drop_expired(
    cursor: Cursor,
    table: OutputTable,
    log: PublicationLog,
    days: int,
    now: datetime | None = None,
) -> int:
    """Does the work of drop_old_history in the caller's transaction, under the lock.

    Args:
        cursor: Of the transaction.
        table: The table.
        log: Its log, read under the lock.
        days: As for drop_old_history.
        now: UTC; by default the server's.
    """
    if now is None:
        cursor.execute("SELECT now()")
        now = value(cursor)
    assert now is not None
    previous, expired = log.before_full, log.expired(now, days)
    layers = log.layers(previous)
    if previous is None or layers is None or not expired:
        return 0
    statement = sql.SQL(_QUERIES["drop_history"]).format(
        history=table.history_table, same=table.same_key("newer", "old")
    )
    bounds = {"expired": expired, "layers": layers, "up_to": previous.publication_id}
    cursor.execute(statement, bounds)
    return int(value(cursor))
