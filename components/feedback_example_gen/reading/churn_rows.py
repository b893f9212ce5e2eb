"""What the table of the ground truth holds, and which of its ids name an account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg2.extensions
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.postgres.failures import explained
from components.postgres.moments import EARLIEST
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import one_record, record, value

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class ChurnCounts:
    """Rows of the table.

    Attributes:
        rows: Those that count: with an account and a date from the oldest feedback to as_of.
        rows_repeated: Of them, those that are equal to another.
        rows_without_account: The id is NULL or empty.
        rows_without_date: The date is NULL, infinite or before moments.EARLIEST (1990).
        rows_in_future: Dated at or after as_of.
        rows_before_feedback: Dated before the oldest feedback.
    """

    rows: int
    rows_repeated: int
    rows_without_account: int
    rows_without_date: int
    rows_in_future: int
    rows_before_feedback: int


@dataclass(frozen=True)
class ChurnRows:
    """What is to be judged of the table.

    Attributes:
        counts: Its rows, by kind.
        days: The last churn of each day (UTC) that has one, rising, and the rows of that day.
        unmatched: Rows of each id that no account has.
        written_after: Rows whose account has feedback after their date; about so many, where some
            of the rows were looked at.
    """

    counts: ChurnCounts
    days: Mapping[datetime, int]
    unmatched: Mapping[str, int]
    written_after: int


def read_churn_rows(
    connection: psycopg2.extensions.connection,
    source: ChurnSource,
    first: datetime,
    as_of: datetime,
    looked_at: int | None = None,
) -> ChurnRows:
    """Reads what has to be judged of the ground truth.

    Args:
        connection: Open, with time zone UTC.
        source: Its table and columns.
        first: created_at of the oldest feedback with an account, UTC.
        as_of: The run's now, UTC.
        looked_at: Of how many rows written_after is concluded; None: it is counted of all.

    Raises:
        ContractBroken: The table, a column or the right to read is missing.
        DatabaseUnreachable: The server went away.
    """
    names = {
        "table": table_identifier(source.table),
        "account_column": sql.Identifier(source.account_column),
        "date_column": sql.Identifier(source.date_column),
    }
    moments = {"first": first, "as_of": as_of, "earliest": EARLIEST, "most": looked_at}

    def run(cursor: Cursor, name: str) -> None:
        cursor.execute(sql.SQL(_QUERIES[name]).format(**names), moments)

    with explained(connection), connection.cursor() as cursor:
        run(cursor, "churn_counts")
        counts = one_record(cursor, ChurnCounts)
        run(cursor, "churn_days")
        days = dict(cursor.fetchall())
        run(cursor, "unmatched_churn")
        unmatched = dict(cursor.fetchall())
        if looked_at is None or counts.rows <= looked_at:
            run(cursor, "churn_written_after")
            return ChurnRows(counts, days, unmatched, value(cursor))
        run(cursor, "churn_written_after_sampled")
        written_after = round(value(cursor) / looked_at * counts.rows)
        return ChurnRows(counts, days, unmatched, written_after)


@dataclass(frozen=True)
class PublishedAccounts:
    """The accounts of the newest publication.

    Attributes:
        count: How many.
        gone: Those that have no feedback.
        new: Accounts whose first feedback is newer than the publication's as_of.
        ids: All of them; none where there is no new one to compare them with.
    """

    count: int
    gone: tuple[str, ...]
    new: tuple[str, ...]
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Publication:
    publication_id: int
    as_of: datetime


def read_account_ids(connection: psycopg2.extensions.connection) -> set[str]:
    """Returns all ids of the feedback, of whatever date."""
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["account_ids"])
        return {account for (account,) in cursor.fetchall()}


def read_published_accounts(
    connection: psycopg2.extensions.connection, as_of: datetime
) -> PublishedAccounts | None:
    """Returns the accounts of the newest publication up to as_of, and what came since.

    None where nothing was published, or this role may not see what was.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["may_read_published_accounts"])
        if not value(cursor):
            return None
        cursor.execute(_QUERIES["newest_publication"], {"as_of": as_of})
        if (newest := record(cursor, _Publication)) is None:
            return None
        values = {
            "publication_id": newest.publication_id,
            "as_of": as_of,
            "since": newest.as_of,
            "earliest": EARLIEST,
        }
        cursor.execute(_QUERIES["published_accounts"], values)
        count = value(cursor)
        gone = _ids(cursor, "published_without_feedback", values)
        new = _ids(cursor, "new_accounts", values)
        ids = _ids(cursor, "published_ids", values) if new else ()
        return PublishedAccounts(count, gone, new, frozenset(ids))


def _ids(cursor: Cursor, query: str, values: Mapping[str, object]) -> tuple[str, ...]:
    cursor.execute(_QUERIES[query], values)
    return tuple(account for (account,) in cursor.fetchall())
