"""Which training examples decide when to stop: the newest, as in the world to come."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving_model.learning.labelled_examples import LabelledExamples
from transforms.event_spec import DAY_SECONDS

ENOUGH_OF_A_CLASS: Final = 30
"""LabelledExamples of the rarer class, below which a log-loss is mostly chance."""
HELD_BACK_ACCOUNTS: Final = 5
"""One account in so many is held back where there is only one cutoff."""


class TimeSplit(NamedTuple):
    """Row numbers, int64, ascending."""

    fit: NDArray[np.int64]
    stop: NDArray[np.int64]
    """The rows whose log-loss says when to stop."""
    how: str
    """What was done, for the log and the model card."""


def split_by_time(examples: LabelledExamples, horizon_days: int) -> TimeSplit:
    """Divides training examples into those to fit and those to stop on.

    The newest cutoffs stop: as few as hold enough of both classes, at most a third.
    Fitted are the cutoffs whose label windows closed before; if they hold too little,
    all older cutoffs; with one cutoff alone, the accounts are divided.

    Args:
        examples: All training examples.
        horizon_days: Length of a label window.

    Returns:
        Disjoint row numbers, neither of them empty if there are two accounts.
    """
    cutoffs = np.unique(examples.cutoffs)
    if len(cutoffs) == 1:
        return _by_account(examples)
    first = _first_stopping_cutoff(examples, cutoffs)
    stop = examples.cutoffs >= first
    closed = examples.cutoffs + horizon_days * DAY_SECONDS <= first
    if rarer_class(examples.labels[closed]) >= ENOUGH_OF_A_CLASS:
        return _split(closed, stop, "newest cutoffs, label windows closed before them")
    return _split(~stop, stop, "newest cutoffs, older label windows still open")


def _first_stopping_cutoff(examples: LabelledExamples, cutoffs: NDArray[np.int64]) -> int:
    most = max(1, len(cutoffs) // 3)
    for count in range(1, most):
        chosen = examples.labels[examples.cutoffs >= cutoffs[-count]]
        if rarer_class(chosen) >= ENOUGH_OF_A_CLASS:
            return int(cutoffs[-count])
    return int(cutoffs[-most])


def _by_account(examples: LabelledExamples) -> TimeSplit:
    number = np.unique(examples.accounts.astype("S"), return_inverse=True)[1]
    stop = number % HELD_BACK_ACCOUNTS == min(HELD_BACK_ACCOUNTS - 1, number.max())
    return _split(~stop, stop, f"one account in {HELD_BACK_ACCOUNTS}: there is no second cutoff")


def rarer_class(labels: NDArray[np.float32]) -> int:
    """Returns how many examples the rarer of both outcomes has."""
    churned = int(labels.sum(dtype=np.float64))
    return min(churned, len(labels) - churned)


def _split(fit: NDArray[np.bool_], stop: NDArray[np.bool_], how: str) -> TimeSplit:
    return TimeSplit(np.flatnonzero(fit), np.flatnonzero(stop), how)
