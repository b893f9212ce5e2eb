"""How long shadow scores are kept: as long as outcomes need them, and few of them after that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from components.contributions.retention import Dated, Retention, expired

DAYS: Final = 8
WEEKS_AFTER_CLOSING: Final = 5
"""For dates of churn that arrive late."""


@dataclass(frozen=True)
class ShadowLine:
    """A model beside a publication whose shadow scores are kept; as_of with a time zone."""

    publication_id: int
    model_version: str
    as_of: datetime
    undone: bool
    longest_horizon: int


def expired_shadows(lines: Sequence[ShadowLine], now: datetime, history_days: int) -> list[int]:
    """Returns the publications whose shadow scores are needed no more.

    Of each model the first publication of a week is kept until five weeks after its longest window
    has closed, the first of a month for as long as the history. What is kept for one model of a
    publication is kept for all of them, so that they can be compared with each other.

    Args:
        lines: All that are kept.
        now: The newest as_of of all publications.
        history_days: Days that the history reaches back.

    Returns:
        Ids, ascending.
    """
    kept: set[int] = set()
    for model in {one.model_version for one in lines}:
        own = [one for one in lines if one.model_version == model]
        weeks = math.ceil(max(one.longest_horizon for one in own) / 7) + WEEKS_AFTER_CLOSING
        rule = Retention(DAYS, weeks, history_days)
        dated = [Dated(one.publication_id, one.as_of, one.undone) for one in own]
        gone = set(expired(dated, rule, now=now, newest=0))
        kept |= {one.publication_id for one in own} - gone
    return sorted({one.publication_id for one in lines} - kept)
