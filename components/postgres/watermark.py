"""What the database held at as_of: the watermark that a run records."""

from dataclasses import dataclass
from datetime import datetime

import psycopg2.extensions

from components.postgres.sql import load_sql


@dataclass(frozen=True)
class Watermark:
    """State of feedback_enriched at as_of; rows at or after as_of are not counted.

    Attributes:
        rows: All rows.
        rows_without_account: Those whose account_id is NULL or empty.
        rows_in_future: Rows at or after as_of, which nothing reads.
        late_rows: Rows older than the last publication's as_of that were not there
            then (net of deletions); None where nothing was published before.
        first: created_at of the oldest row with an account, UTC; None without rows.
        newest: created_at of the newest row with an account, UTC; None without rows.
    """

    rows: int
    rows_without_account: int
    rows_in_future: int
    late_rows: int | None
    first: datetime | None
    newest: datetime | None


def read_watermark(connection: psycopg2.extensions.connection, as_of: datetime) -> Watermark:
    """Reads the watermark inside the connection's snapshot, in one scan."""
    previous = _previous_publication(connection, as_of)
    parameters = {"as_of": as_of, "previous_as_of": previous[0] if previous else as_of}
    with connection.cursor() as cursor:
        cursor.execute(load_sql("watermark"), parameters)
        rows, with_account, future, before_previous, first, newest = cursor.fetchone()
    return Watermark(
        rows=rows,
        rows_without_account=rows - with_account,
        rows_in_future=future,
        late_rows=before_previous - previous[1] if previous else None,
        first=first,
        newest=newest,
    )


def _previous_publication(
    connection: psycopg2.extensions.connection, as_of: datetime
) -> tuple[datetime, int] | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('tens_insight.publications') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(load_sql("previous_publication"), {"as_of": as_of})
        return cursor.fetchone()
