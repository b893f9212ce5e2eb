"""What the database held at as_of: the watermark that a run records."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg2.extensions
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.history import Week, history_of
from components.postgres.failures import explained
from components.postgres.moments import EARLIEST
from components.postgres.queries import queries
from components.postgres.rows import record, records, value

_QUERIES: Final = queries(__package__)

WEEKS_BEFORE: Final = 8
"""Weeks whose mean the newest one is compared with."""
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class PreviousRun:
    """The last run before this as_of that published account scores and counted feedback.

    Attributes:
        as_of: Its now, UTC.
        feedback_rows: Rows of feedback before it that were there then.
        scored: Accounts that it published.
    """

    as_of: datetime
    feedback_rows: int
    scored: int


@dataclass(frozen=True)
class Watermark:
    """State of feedback_enriched at as_of; rows at or after as_of are not counted.

    Attributes:
        rows: All rows with a date.
        rows_without_account: Those whose account_id is NULL or empty.
        rows_in_future: Rows at or after as_of, which nothing reads.
        rows_without_date: Rows whose created_at is NULL or before moments.EARLIEST, such as a
            zero date, which nothing reads either.
        late_rows: Rows older than the last publication's as_of that were not there
            then (net of deletions); None where nothing was published before.
        first: created_at of the oldest row of the history, UTC; None without rows that have
            an account. See history.py.
        newest: created_at of the newest row with an account, UTC; None without rows.
        rows_before_history: Rows with an account and a possible date before `first`.
        last_week_rows: Rows of the last 7 days before as_of.
        weeks_before_rows: Rows of the WEEKS_BEFORE weeks before those.
        previous: The run to compare with; None where nothing was published before.
    """

    rows: int
    rows_without_account: int
    rows_in_future: int
    rows_without_date: int
    late_rows: int | None
    first: datetime | None
    newest: datetime | None
    rows_before_history: int = 0
    last_week_rows: int = 0
    weeks_before_rows: int = 0
    previous: PreviousRun | None = None


@dataclass(frozen=True)
class _CountedWeek:
    """Counts of one week, or, with week None, of the rows that nothing reads."""

    week: int | None
    rows: int
    named_rows: int
    rows_in_future: int
    rows_without_date: int
    rows_before_previous: int
    last_week_rows: int
    weeks_before_rows: int
    first: datetime | None
    newest: datetime | None


WHOLE_TABLE: Final = sql.SQL("feedback_enriched")
"""What the watermark is read from, unless a check takes a sample."""


def read_watermark(
    connection: psycopg2.extensions.connection,
    as_of: datetime,
    feedback: sql.Composable = WHOLE_TABLE,
) -> Watermark:
    """Reads the watermark inside the connection's snapshot, in one scan.

    Args:
        connection: Open.
        as_of: The run's now, UTC.
        feedback: The FROM item that yields the feedback.

    Raises:
        ContractBroken: A table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        previous = _previous_publication(cursor, as_of)
        parameters = {
            "as_of": as_of,
            "earliest": EARLIEST,
            "previous_as_of": previous.as_of if previous else as_of,
            "last_week": as_of - _WEEK,
            "weeks_before": as_of - (1 + WEEKS_BEFORE) * _WEEK,
        }
        cursor.execute(sql.SQL(_QUERIES["watermark"]).format(feedback=feedback), parameters)
        counted = records(cursor, _CountedWeek)
    return _watermark(counted, previous)


def _watermark(counted: list[_CountedWeek], previous: PreviousRun | None) -> Watermark:
    dated = [week for week in counted if week.week is not None]
    weeks = [
        Week(week.week, week.named_rows, week.first, week.newest)
        for week in dated
        if week.week is not None and week.first is not None and week.newest is not None
    ]
    history = history_of(weeks)
    rows, named = sum(week.rows for week in dated), sum(week.rows for week in weeks)
    before = sum(week.rows_before_previous for week in dated)
    return Watermark(
        rows=rows,
        rows_without_account=rows - named,
        rows_in_future=sum(week.rows_in_future for week in counted),
        rows_without_date=sum(week.rows_without_date for week in counted),
        late_rows=before - previous.feedback_rows if previous else None,
        first=history[0].first if history else None,
        newest=history[-1].newest if history else None,
        rows_before_history=named - sum(week.rows for week in history),
        last_week_rows=sum(week.last_week_rows for week in dated),
        weeks_before_rows=sum(week.weeks_before_rows for week in dated),
        previous=previous,
    )


def _previous_publication(cursor: Cursor, as_of: datetime) -> PreviousRun | None:
    cursor.execute("SELECT to_regclass('tens_insight.publications') IS NOT NULL")
    if not value(cursor):
        return None
    cursor.execute(_QUERIES["previous_publication"], {"as_of": as_of})
    return record(cursor, PreviousRun)
