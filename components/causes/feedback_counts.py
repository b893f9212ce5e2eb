"""Feedback counted by day and kind: no row, no text and no id leaves the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.counted_days import (
    CELLS,
    COUNTED,
    DAYS,
    KINDS,
    YEAR_DAYS,
    CountedDays,
)
from components.feedback_example_gen.reading.area_counts import NAMELESS
from components.postgres.queries import queries
from components.postgres.rows import records
from transforms.arrays import Integers
from transforms.product_area_impact import TOP_PRIORITY

_QUERIES: Final = queries(__package__)
DIMENSIONS: Final = ("source", "tier", "region", "area")
"""What people call the columns of COUNTED."""


@dataclass(frozen=True)
class Dimension:
    """Rows by day of each value of a column.

    Attributes:
        values: The values, in the order of the second axis.
        rows: [days, values, 3 sentiments, 5 priorities], the oldest day first.
    """

    values: tuple[str, ...]
    rows: Integers


@dataclass(frozen=True)
class FeedbackCounts:
    """Sketch of the feedback before a moment. A day is 24 hours, counted back from it.

    Attributes:
        dimensions: By name, as DIMENSIONS.
        last_year: Rows of each of the same days a year before, [days]; None where the feedback
            does not reach back so far.
    """

    dimensions: Mapping[str, Dimension]
    last_year: Integers | None


@dataclass(frozen=True)
class _Day:
    """Rows of one day a year before."""

    day: int
    rows: int


def read_feedback_counts(
    cursor: Cursor, as_of: datetime, known: CountedDays | None = None
) -> FeedbackCounts:
    """Counts the feedback of the last DAYS days, and of the same days a year before.

    Two statements that look at these days alone; what has an impossible sentiment or priority
    is not counted.

    Args:
        cursor: Of a transaction that sees one state of the database.
        as_of: Feedback of this moment or later does not count.
        known: What is counted already of the rows that name an account; None where all are to be
            counted.
    """
    chosen = sql.SQL("TRUE" if known is None else NAMELESS)
    days = {"as_of": as_of, "start": as_of - timedelta(days=DAYS), "kinds": list(KINDS)}
    query = sql.SQL(_QUERIES["feedback_by_day"]).format(chosen=chosen)
    cursor.execute(query, {**days, "top": TOP_PRIORITY})
    cells = cursor.fetchall()
    before = as_of - timedelta(days=YEAR_DAYS)
    year = {"as_of": before, "start": before - timedelta(days=DAYS)}
    cursor.execute(sql.SQL(_QUERIES["rows_by_day"]).format(chosen=chosen), year)
    last_year = np.zeros(DAYS, np.int64) if known is None else known.last_year.copy()
    for one in records(cursor, _Day):
        last_year[one.day] += one.rows
    dimensions = {}
    for number, (name, column) in enumerate(zip(DIMENSIONS, COUNTED, strict=True)):
        own = [cell for dimension, *cell in cells if dimension == number]
        dimensions[name] = _dimension(own, {} if known is None else known.cells[column])
    return FeedbackCounts(dimensions, _last_year(last_year[::-1]))


def _dimension(
    cells: Sequence[Sequence[Any]], known: Mapping[str, Integers] | None = None
) -> Dimension:
    """Returns the counts of one column.

    Args:
        cells: Value, day (0 is the newest), place among sentiments and priorities, and rows.
        known: Rows that are counted beside them, as CountedDays has them.
    """
    known = known or {}
    values = tuple(sorted({value for value, *_ in cells} | known.keys()))
    place = {value: number for number, value in enumerate(values)}
    rows = np.zeros([DAYS, len(values), CELLS], np.int64)
    if cells:
        named, day, cell, count = zip(*cells, strict=True)
        at = DAYS - 1 - np.array(day), [place[value] for value in named], np.array(cell)
        rows[at] = count
    for value, counted in known.items():
        rows[:, place[value]] += counted[::-1]
    return Dimension(values, rows.reshape([DAYS, len(values), len(KINDS), TOP_PRIORITY]))


def _last_year(rows: Integers) -> Integers | None:
    """Returns the rows by day, the oldest first; None unless the oldest week of them has some."""
    return rows if rows[:7].any() else None
