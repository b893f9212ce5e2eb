"""What became of the accounts after a cutoff: when they were lost, as far as that was seen.

Moments are whole microseconds, Postgres's own resolution. An account counts as lost from
the first microsecond after its churn date, or at the end of the first `horizon` days
without a row. So a window [cutoff, cutoff + days) holds the loss exactly where
days_to_churn <= days, whatever the label's source.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from components.feedback_example_gen.reading.feedback_reader import Churn, Feedback
from transforms import event_spec
from transforms.arrays import Integers

DAY_US: Final = event_spec.DAY_SECONDS * 1_000_000
_NEVER: Final = np.iinfo(np.int64).max

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Labels:
    """The labels of S examples at one cutoff.

    Attributes:
        churned: int64 [S], 1 where 0 <= days_to_churn <= horizon, else 0.
        days_to_churn: float32 [S], days from the cutoff until the account was lost,
            -1 where no loss was seen. Rounded up, so that comparing it with whole days
            is exact.
        days_observed: float32 [S], days from the cutoff that could be seen. Rounded down;
            no days_to_churn lies beyond it.
    """

    churned: Integers
    days_to_churn: Float32s
    days_observed: Float32s

    def of(self, rows: npt.NDArray[np.bool_]) -> "Labels":
        """Returns the labels of some examples, bool [S]."""
        return Labels(self.churned[rows], self.days_to_churn[rows], self.days_observed[rows])


def first_loss(
    feedback: Feedback, churn: Churn | None, cutoff_us: int, horizon_days: int, end: Integers
) -> Integers:
    """Returns when each account was lost for the first time from the cutoff on.

    Args:
        feedback: The rows of the bucket.
        churn: Its churn dates; None where an account is lost by silence.
        cutoff_us: Microseconds since 1970-01-01 UTC.
        horizon_days: The length of a silence that counts as churn.
        end: int64 [A], one past the row of each account's newest event before the cutoff.

    Returns:
        int64 [A], microseconds since 1970-01-01 UTC, the largest int64 for never. Later
        rows may decide about a moment, but no row from that moment on does.
    """
    if churn is None:
        return _end_of_silence(feedback, cutoff_us, horizon_days * DAY_US, end)
    lost = np.full(len(end), _NEVER)
    later = churn.churned_us >= cutoff_us
    np.minimum.at(lost, churn.account[later], churn.churned_us[later] + 1)
    return lost


def as_labels(lost_us: Integers, cutoff_us: int, known_us: int, horizon_days: int) -> Labels:
    """Makes labels of losses, of which nothing is known from a moment on.

    Args:
        lost_us: int64 [S], as first_loss returns it.
        cutoff_us: Microseconds since 1970-01-01 UTC.
        known_us: The moment until which one could see, not before the horizon is over.
        horizon_days: Days after the cutoff that `churned` looks.
    """
    observed = _rounded(np.asarray((known_us - cutoff_us) / DAY_US), -np.inf)
    days = _rounded((lost_us - cutoff_us) / DAY_US, np.inf)
    to_churn = np.where(days <= observed, days, np.float32(-1))
    churned = (to_churn >= 0) & (to_churn <= horizon_days)
    return Labels(churned.astype(np.int64), to_churn, np.full(len(days), observed))


def _end_of_silence(feedback: Feedback, cutoff_us: int, horizon_us: int, end: Integers) -> Integers:
    """Ends of the first windows without a row that begin at the cutoff or after a later row."""
    created, starts = feedback.created_us, feedback.starts
    rows = np.flatnonzero(created >= cutoff_us)
    account = np.searchsorted(starts, rows, side="right") - 1
    silent = _next_row(feedback, rows + 1, account) - (created[rows] + 1) >= horizon_us
    lost = np.full(len(end), _NEVER)
    np.minimum.at(lost, account[silent], created[rows[silent]] + 1 + horizon_us)
    at_once = _next_row(feedback, end, np.arange(len(end))) - cutoff_us >= horizon_us
    lost[at_once] = cutoff_us + horizon_us
    return lost


def _next_row(feedback: Feedback, row: Integers, account: Integers) -> Integers:
    """Moments of rows that may lie one past the account's last: never, in that case."""
    moments = np.full(len(row), _NEVER)
    there = row < feedback.starts[account + 1]
    moments[there] = feedback.created_us[row[there]]
    return moments


def _rounded(days: npt.NDArray[np.float64], towards: float) -> Float32s:
    """Rounds to the next float32 up (towards inf) or down (towards -inf), if not one already."""
    nearest = days.astype(np.float32)
    passed = nearest < days if towards > 0 else nearest > days
    return np.where(passed, np.nextafter(nearest, np.float32(towards)), nearest)
