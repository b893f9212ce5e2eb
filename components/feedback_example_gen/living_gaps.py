"""After how long a silence an account has left: proposed by the pauses of those that had not.

An account is known to have lived through a pause that its next event ended, and up to its churn
date. What it did after its newest event, without a date, is known of nobody: it may write
tomorrow, or its contract may have ended. So the limit comes from the pauses that are known alone.
At a random moment of them an account has been silent for longer than A days with probability
sum(max(pause - A, 0)) / sum(pause); the limit is the shortest that leaves out a hundredth of such
moments at most, and a hundredth of the churns. A pause is seen as a whole only if it fits before
as_of: those count that began in the first two fifths of the history, and no limit is proposed
that is longer than the rest of it.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from components.feedback_example_gen.labels import DAY_US
from components.feedback_example_gen.reading.copy_columns import microseconds
from components.feedback_example_gen.reading.feedback_reader import Churn, Feedback
from transforms.arrays import Booleans, Integers

MOST_LEFT_OUT: Final = 0.01
"""Share of the moments of living accounts, and of the churns, that the limit may leave out."""
FEWEST_PAUSES: Final = 200
FEWEST_CHURNS: Final = 20
_REST: Final = 0.6
"""Share of the history that must lie after the begin of a pause."""
_STEP_DAYS: Final = 10
"""The limit is rounded up, so that it is the same from one training to the next."""


@dataclass(frozen=True)
class ActiveLimit:
    """After how many days without an event an account is silent.

    Attributes:
        days: None where nobody is left out for being silent, or by inactivity the lookback counts.
        why: How it was found, in a sentence without a full stop; None where it was set.
    """

    days: int | None
    why: str | None = None


def propose_limit(
    feedback: Feedback,
    churn: Churn | None,
    first: datetime,
    as_of: datetime,
    *,
    churn_is_final: bool = False,
) -> ActiveLimit:
    """Proposes after how many days without an event an account counts as silent.

    Args:
        feedback: When accounts wrote before as_of: of all, or of some drawn by chance.
        churn: Their churn dates; None where the label is inactivity.
        first: When the history begins, UTC.
        as_of: The run's now, UTC.
        churn_is_final: Whether feedback after a churn date is an echo.
    """
    first_us, now_us = microseconds(first), microseconds(as_of)
    rest_us = round(_REST * (now_us - first_us))
    begin_us, length_us, churned = _known_pauses(feedback, churn, churn_is_final)
    seen = (begin_us >= first_us) & (begin_us <= now_us - rest_us)
    pauses, at_churn = length_us[seen] / DAY_US, length_us[seen & churned] / DAY_US
    if len(pauses) < FEWEST_PAUSES:
        few = f"too few pauses are known: {len(pauses)} of {FEWEST_PAUSES} needed"
        return ActiveLimit(None, few)
    if churn is not None and len(at_churn) < FEWEST_CHURNS:
        few = f"too few churns are known: {len(at_churn)} of {FEWEST_CHURNS} needed"
        return ActiveLimit(None, few)
    days = max(_limit_of_moments(pauses), _limit_of_churns(at_churn))
    if days > rest_us / DAY_US:
        return ActiveLimit(
            None,
            f"accounts that had not left were silent for up to {days} days, and the history tells "
            f"of silences up to {rest_us / DAY_US:.0f} days",
        )
    days = _STEP_DAYS * math.ceil(days / _STEP_DAYS)
    of_churns = f" and {len(at_churn)} churns" if churn is not None else ""
    return ActiveLimit(
        days, f"longer than all but {MOST_LEFT_OUT:.0%} of {len(pauses)} pauses{of_churns}"
    )


def _known_pauses(
    feedback: Feedback, churn: Churn | None, churn_is_final: bool
) -> tuple[Integers, Integers, Booleans]:
    """Returns begins and lengths of pauses, microseconds, and which of them a churn ended."""
    account = np.repeat(np.arange(len(feedback.account_ids)), np.diff(feedback.starts))
    moment, is_churn = feedback.created_us, np.zeros(len(account), dtype=np.bool_)
    if churn is not None:
        account = np.concatenate([account, churn.account])
        moment = np.concatenate([moment, churn.churned_us])
        is_churn = np.concatenate([is_churn, np.ones(len(churn.account), dtype=np.bool_)])
        order = np.lexsort((is_churn, moment, account))
        account, moment, is_churn = account[order], moment[order], is_churn[order]
    known = (account[1:] == account[:-1]) & ~is_churn[:-1]
    if churn_is_final:
        churns = np.concatenate([[0], np.cumsum(is_churn)])
        first = np.searchsorted(account, account)
        known &= (churns[:-1] == churns[first])[:-1]
    return moment[:-1][known], np.diff(moment)[known], is_churn[1:][known]


def _limit_of_moments(pauses: np.ndarray[tuple[int], np.dtype[np.float64]]) -> int:
    """Returns the shortest limit in whole days that leaves out few moments of the pauses."""
    longest_first = np.sort(pauses)[::-1]
    beyond = np.cumsum(longest_first)
    days = np.arange(math.ceil(longest_first[0]) + 1)
    longer = len(pauses) - np.searchsorted(longest_first[::-1], days, side="right")
    left_out = np.where(longer > 0, beyond[np.maximum(longer - 1, 0)] - longer * days, 0.0)
    return int(days[left_out <= MOST_LEFT_OUT * beyond[-1]][0])


def _limit_of_churns(at_churn: np.ndarray[tuple[int], np.dtype[np.float64]]) -> int:
    """Returns the shortest limit in whole days that few churns come after."""
    if not len(at_churn):
        return 0
    longest_first = np.sort(at_churn)[::-1]
    return math.ceil(longest_first[math.floor(MOST_LEFT_OUT * len(at_churn))])
