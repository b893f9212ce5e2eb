"""Feedback counted by day and kind, of the rows that a run has read anyway.

Monitor asks for the cause of a change in these counts. Of the rows that name an account it then
needs no scan of its own, which takes the server most of a second for two million rows. Who finds
nothing here asks the database, such as a node in a process of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from components.feedback_example_gen.labels import DAY_US
from components.feedback_example_gen.reading.copy_columns import (
    column,
    integers_of,
    microseconds,
)
from transforms.arrays import Integers
from transforms.columns import (
    CREATED_AT,
    CUSTOMER_TIER,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    PRIORITY,
    PRODUCT_AREA,
    REGION,
    SENTIMENT,
    SOURCE,
)
from transforms.product_area_impact import TOP_PRIORITY

DAYS: Final = 84
"""Twelve weeks: four in which a change is looked for, and eight before to know it by."""
YEAR_DAYS: Final = 364
"""Fifty-two weeks: the same days of the week a year before."""
KINDS: Final = (NEGATIVE, NEUTRAL, POSITIVE)
CELLS: Final = len(KINDS) * TOP_PRIORITY
"""A cell is a sentiment and a priority: priorities of the first sentiment come first."""
COUNTED: Final = (SOURCE.name, CUSTOMER_TIER.name, REGION.name, PRODUCT_AREA.name)
"""The columns by whose values rows are counted."""


@dataclass(frozen=True)
class CountedDays:
    """Rows that name an account; a day is 24 hours, counted back from a moment.

    Attributes:
        cells: By column, then by value without blanks around it: rows, [DAYS, CELLS], the newest
            day first.
        last_year: Rows of the same days a year before, [DAYS], the newest first.
    """

    cells: Mapping[str, Mapping[str, Integers]]
    last_year: Integers


def count_days(rows: pa.Table, as_of: datetime) -> CountedDays:
    """Counts rows as the queries of components/causes do.

    Args:
        rows: Columns of FEEDBACK_TYPES, without nulls; those that repeat another count too.
        as_of: Days are counted back from it, UTC.
    """
    created_us = integers_of(column(rows, CREATED_AT.name).view(pa.int64()))
    ago = microseconds(as_of) - created_us
    chosen = np.flatnonzero((ago > 0) & (ago < DAYS * DAY_US))
    priority = integers_of(column(rows, PRIORITY.name))[chosen]
    kind = _kinds(column(rows, SENTIMENT.name))[chosen]
    counted = (kind >= 0) & (priority >= 1) & (priority <= TOP_PRIORITY)
    chosen = chosen[counted]
    cell = kind[counted] * TOP_PRIORITY + priority[counted] - 1
    place = ago[chosen] // DAY_US * CELLS + cell
    earlier = ago - YEAR_DAYS * DAY_US
    earlier = earlier[(earlier > 0) & (earlier < DAYS * DAY_US)] // DAY_US
    return CountedDays(
        {name: _by_value(column(rows, name), chosen, place) for name in COUNTED},
        np.bincount(earlier, minlength=DAYS),
    )


def _kinds(sentiments: pa.DictionaryArray) -> Integers:
    """Returns the place of each row's sentiment among KINDS; -1 for any other."""
    known = {name.encode(): place for place, name in enumerate(KINDS)}
    places = [known.get(one, -1) for one in sentiments.dictionary.to_pylist()]
    return np.asarray([*places, -1], np.int64)[integers_of(sentiments.indices)]


def _by_value(values: pa.DictionaryArray, chosen: Integers, place: Integers) -> dict[str, Integers]:
    code = integers_of(values.indices)[chosen]
    # The values that occur: those of all days may be many more.
    present = np.flatnonzero(np.bincount(code, minlength=len(values.dictionary)))
    number = np.searchsorted(present, code)
    size = DAYS * CELLS
    counts = np.bincount(number * size + place, minlength=len(present) * size)
    found: dict[str, Integers] = {}
    names = values.dictionary.take(pa.array(present)).to_pylist()
    for one, rows in zip(names, counts.reshape(-1, DAYS, CELLS), strict=True):
        name = one.decode("utf-8").strip(" ")  # as btrim does
        found[name] = found[name] + rows if name in found else rows
    return found


_newest: list[tuple[str, datetime, CountedDays]] = []


def keep_counted(split: str, as_of: datetime, counted: CountedDays) -> None:
    """Keeps counts for the nodes of the same process, in place of those of the run before.

    Args:
        split: Folder of the split to score, which is made of the same rows.
        as_of: As for count_days.
        counted: What it returned.
    """
    _newest[:] = [(split.rstrip("/"), as_of, counted)]


def kept_counts(split: str, as_of: datetime) -> CountedDays | None:
    """Returns the counts of a run; None where nobody has kept them."""
    for folder, moment, counted in _newest:
        if (folder, moment) == (split.rstrip("/"), as_of):
            return counted
    return None
