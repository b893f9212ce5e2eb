"""Where the history of the feedback begins: a few rows with an odd date do not make it longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

STRAY_SHARE: Final = 0.01
"""Rows before a gap that are at most this share of all are strays."""
GAP_WEEKS: Final = 4
"""Weeks without any row that make a gap."""
LONG_GAP_WEEKS: Final = 52
"""A gap after which the history begins again, no matter what lies before it."""


@dataclass(frozen=True)
class Week:
    """Rows with an account in one of the weeks counted from moments.EARLIEST; at least one.

    Attributes:
        number: Of the week.
        rows: Of it.
        first: The oldest of them, UTC.
        newest: The newest of them, UTC.
    """

    number: int
    rows: int
    first: datetime
    newest: datetime


def history_of(weeks: Sequence[Week]) -> Sequence[Week]:
    """Returns the weeks that count as history.

    What lies before a gap of GAP_WEEKS is left out if it is STRAY_SHARE of all rows at most, and
    what lies before a gap of LONG_GAP_WEEKS in any case: a cutoff there would have no population.

    Args:
        weeks: Those with rows, oldest first.
    """
    total, before, begin = sum(week.rows for week in weeks), 0, 0
    for index in range(1, len(weeks)):
        before += weeks[index - 1].rows
        gap = weeks[index].number - weeks[index - 1].number - 1
        if gap >= LONG_GAP_WEEKS or (gap >= GAP_WEEKS and before <= STRAY_SHARE * total):
            begin = index
    return weeks[begin:]
