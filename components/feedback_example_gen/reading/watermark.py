"""What the database held at as_of: the watermark that a run records."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg2.extensions
from psycopg2.extras import RealDictCursor

from components.postgres.failures import explained
from components.postgres.queries import queries

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
        rows_without_date: Rows whose created_at is NULL, -infinity or before the year 1,
            which nothing reads either.
        late_rows: Rows older than the last publication's as_of that were not there
            then (net of deletions); None where nothing was published before.
        first: created_at of the oldest row with an account, UTC; None without rows.
        newest: created_at of the newest row with an account, UTC; None without rows.
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
    last_week_rows: int = 0
    weeks_before_rows: int = 0
    previous: PreviousRun | None = None


def read_watermark(connection: psycopg2.extensions.connection, as_of: datetime) -> Watermark:
    """Reads the watermark inside the connection's snapshot, in one scan.

    Raises:
        ContractBroken: A table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor(cursor_factory=RealDictCursor) as cursor:
        previous = _previous_publication(cursor, as_of)
        parameters = {
            "as_of": as_of,
            "previous_as_of": previous.as_of if previous else as_of,
            "last_week": as_of - _WEEK,
            "weeks_before": as_of - (1 + WEEKS_BEFORE) * _WEEK,
        }
        cursor.execute(_QUERIES["watermark"], parameters)
        row = cursor.fetchone()
    assert row is not None
    before = row.pop("rows_before_previous")
    late = before - previous.feedback_rows if previous else None
    return Watermark(**row, late_rows=late, previous=previous)


def _previous_publication(cursor: RealDictCursor, as_of: datetime) -> PreviousRun | None:
    cursor.execute("SELECT to_regclass('tens_insight.publications') AS publications")
    found = cursor.fetchone()
    assert found is not None
    if found["publications"] is None:
        return None
    cursor.execute(_QUERIES["previous_publication"], {"as_of": as_of})
    row = cursor.fetchone()
    return PreviousRun(**row) if row else None
