"""Quick looks at feedback_enriched for the check of a database: its size, a sample, its faults."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.watermark import WHOLE_TABLE
from components.postgres.moments import EARLIEST
from components.postgres.queries import queries
from components.postgres.rows import one_record, value
from transforms.columns import ACCOUNT_ID, COLUMNS, CREATED_AT, SENTIMENTS

_QUERIES: Final = queries(__package__)
_COLUMNS: Final = sql.SQL(", ").join(sql.Identifier(column.name) for column in COLUMNS)
_NEVER_NULL: Final = [column.name for column in COLUMNS if column not in (ACCOUNT_ID, CREATED_AT)]


@dataclass(frozen=True)
class Faults:
    """Rows that a run would refuse, of a possible date before as_of, and those beside them.

    Attributes:
        unsound_in_areas: In the window of the product areas, with an unknown sentiment or priority.
        named: Rows with an account, of any possible date.
        unknown_sentiment: Those of them since the oldest lookback with an unknown sentiment.
        unknown_priority: Likewise, with a priority outside 1 to 5.
        unsound_elsewhere: Rows with an unknown sentiment or priority of which the two former know
            nothing: older than their windows, at or after as_of, or without a possible date.
        nulls: Rows with an account in which a column is NULL that must not be, by column.
    """

    unsound_in_areas: int
    named: int
    unknown_sentiment: int
    unknown_priority: int
    unsound_elsewhere: int
    nulls: dict[str, int]


def estimate_rows(cursor: Cursor) -> int:
    """Returns how many rows the planner expects."""
    cursor.execute(_QUERIES["estimated_rows"])
    return int(value(cursor)[0]["Plan"]["Plan Rows"])


def sample_of(cursor: Cursor, rows: int, estimated: int) -> sql.Composable:
    """Returns a FROM item of about so many rows of the feedback.

    Blocks of a table are drawn at random, the same ones each time; of a view the first rows
    are taken.

    Args:
        cursor: Open.
        rows: How many are wanted.
        estimated: How many there are about.
    """
    cursor.execute(_QUERIES["kind_of_feedback"])
    if value(cursor):
        percent = min(100.0, 100 * rows / max(1, estimated))
        drawn = sql.SQL("feedback_enriched TABLESAMPLE SYSTEM ({}) REPEATABLE (1)")
        return drawn.format(sql.Literal(percent))
    first = sql.SQL("(SELECT {} FROM feedback_enriched LIMIT {}) AS first_rows")
    return first.format(_COLUMNS, sql.Literal(rows))


def count_faults(
    cursor: Cursor,
    as_of: datetime,
    *,
    areas_since: datetime,
    events_since: datetime,
    feedback: sql.Composable = WHOLE_TABLE,
) -> Faults:
    """Counts what a run would refuse, in one scan.

    Args:
        cursor: Open.
        as_of: The run's now, UTC.
        areas_since: When the window of the product areas begins, UTC.
        events_since: When the oldest lookback begins, UTC.
        feedback: The FROM item that yields the feedback.
    """
    nulls = [
        sql.SQL("{}, count(*) FILTER (WHERE named AND dated AND {} IS NULL)").format(
            sql.Literal(name), sql.Identifier(name)
        )
        for name in _NEVER_NULL
    ]
    statement = sql.SQL(_QUERIES["faults"]).format(
        columns=_COLUMNS, nulls=sql.SQL(", ").join(nulls), feedback=feedback
    )
    parameters = {
        "as_of": as_of,
        "earliest": EARLIEST,
        "areas_since": areas_since,
        "events_since": events_since,
        "sentiments": list(SENTIMENTS),
    }
    cursor.execute(statement, parameters)
    faults = one_record(cursor, Faults)
    return Faults(**{**vars(faults), "nulls": {k: n for k, n in faults.nulls.items() if n}})


def has_named_row(cursor: Cursor, as_of: datetime) -> bool:
    """Tells whether any row before as_of names an account."""
    cursor.execute(_QUERIES["has_named_row"], {"as_of": as_of, "earliest": EARLIEST})
    return bool(value(cursor))


def unsound_rows(cursor: Cursor) -> sql.Composable | None:
    """Returns a FROM item of the rows with an unknown sentiment or priority, found by index.

    Returns:
        None where the sentiment is of a type that does not sort as text does.
    """
    cursor.execute("SELECT pg_typeof(sentiment)::text FROM feedback_enriched LIMIT 1")
    kind = cursor.fetchone()
    if kind not in (("text",), ("character varying",)):
        return None
    return sql.SQL(_QUERIES["unsound_rows"]).format(columns=_COLUMNS)


def sampled_accounts(cursor: Cursor, feedback: sql.Composable, most: int) -> Sequence[str]:
    """Returns the ids of some accounts that a sample holds, at most so many."""
    statement = sql.SQL(_QUERIES["sampled_accounts"]).format(feedback=feedback)
    cursor.execute(statement, {"most": most})
    return [account for (account,) in cursor.fetchall()]
