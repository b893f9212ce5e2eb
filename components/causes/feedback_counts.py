"""Feedback counted by day and kind: no row, no text and no id leaves the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import records
from transforms.arrays import Integers
from transforms.columns import NEGATIVE, NEUTRAL, POSITIVE
from transforms.product_area_impact import TOP_PRIORITY

_QUERIES: Final = queries(__package__)
DAYS: Final = 84
"""Twelve weeks: four in which a change is looked for, and eight before to know it by."""
YEAR_DAYS: Final = 364
"""Fifty-two weeks: the same days of the week a year before."""
DIMENSIONS: Final = ("source", "tier", "region", "area")
KINDS: Final = (NEGATIVE, NEUTRAL, POSITIVE)


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


def read_feedback_counts(cursor: Cursor, as_of: datetime) -> FeedbackCounts:
    """Counts the feedback of the last DAYS days, and of the same days a year before.

    Two statements that look at these days alone; what has an impossible sentiment or priority
    is not counted.

    Args:
        cursor: Of a transaction that sees one state of the database.
        as_of: Feedback of this moment or later does not count.
    """
    days = {"as_of": as_of, "start": as_of - timedelta(days=DAYS), "kinds": list(KINDS)}
    cursor.execute(_QUERIES["feedback_by_day"], {**days, "top": TOP_PRIORITY})
    cells = cursor.fetchall()
    before = as_of - timedelta(days=YEAR_DAYS)
    year = {"as_of": before, "start": before - timedelta(days=DAYS)}
    cursor.execute(_QUERIES["rows_by_day"], year)
    found = records(cursor, _Day)
    dimensions = {
        name: _dimension([cell for dimension, *cell in cells if dimension == number])
        for number, name in enumerate(DIMENSIONS)
    }
    return FeedbackCounts(dimensions, _last_year(found))


def _dimension(cells: Sequence[Sequence[Any]]) -> Dimension:
    """Returns the counts of one column.

    Args:
        cells: Value, day (0 is the newest), place among sentiments and priorities, and rows.
    """
    values = tuple(sorted({value for value, *_ in cells}))
    place = {value: number for number, value in enumerate(values)}
    rows = np.zeros([DAYS, len(values), len(KINDS) * TOP_PRIORITY], np.int64)
    if cells:
        named, day, cell, count = zip(*cells, strict=True)
        at = DAYS - 1 - np.array(day), [place[value] for value in named], np.array(cell)
        rows[at] = count
    return Dimension(values, rows.reshape([DAYS, len(values), len(KINDS), TOP_PRIORITY]))


def _last_year(days: list[_Day]) -> Integers | None:
    """Returns the rows by day; None unless the oldest week of them has some."""
    rows = np.zeros(DAYS, np.int64)
    for one in days:
        rows[DAYS - 1 - one.day] = one.rows
    return rows if rows[:7].any() else None
