"""How good probabilities are: ranking, log-loss, calibration."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

CALIBRATION_BINS: Final = 10
SMALLEST_PROBABILITY: Final = 1e-15

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], float]
"""From labels [n] and probabilities [n] to one number."""


def auc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the chance that a churned account is ranked above one that stayed.

    Args:
        labels: 0 or 1, [n].
        probabilities: [n]; equal ones count as half.

    Returns:
        0..1, or NaN if all labels are the same.

    Raises:
        ValueError: If the inputs are empty, of unequal length, or not labels.
    """
    truth, scores = _checked(labels, probabilities)
    churned = truth.sum()
    stayed = truth.size - churned
    if churned == 0 or stayed == 0:
        return float("nan")
    rank_sum = _mean_ranks(scores)[truth == 1].sum()
    return float((rank_sum - churned * (churned + 1) / 2) / (churned * stayed))


def average_precision(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the area under the precision-recall curve, as a sum of steps.

    Args:
        labels: 0 or 1, [n].
        probabilities: [n]; equal ones share one step, as in scikit-learn.

    Returns:
        0..1, the share of churned accounts for a ranking by chance; NaN if none churned.

    Raises:
        ValueError: If the inputs are empty, of unequal length, or not labels.
    """
    truth, scores = _checked(labels, probabilities)
    if not truth.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(scores[order])), truth.size - 1]
    churned = np.cumsum(truth[order])[last]
    return float(np.sum(np.diff(churned, prepend=0) * churned / (last + 1)) / truth.sum())


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the mean negative log-likelihood in nats; 0 and 1 count as 1e-15 off.

    Args:
        labels: 0 or 1, [n].
        probabilities: Of label 1, [n].

    Raises:
        ValueError: If the inputs are empty, of unequal length, or not labels.
    """
    truth, scores = _checked(labels, probabilities)
    scores = np.clip(scores, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return float(-np.mean(truth * np.log(scores) + (1 - truth) * np.log1p(-scores)))


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the mean gap between predicted and observed rate over bins of equal size.

    Args:
        labels: 0 or 1, [n].
        probabilities: Of label 1, [n]. Sorted, they are cut into CALIBRATION_BINS bins
            that differ by one account at most. Equal probabilities have no order of
            their own: each of them carries their mean label.

    Returns:
        0..1, bins weighted by their accounts.

    Raises:
        ValueError: If the inputs are empty, of unequal length, or not labels.
    """
    truth, scores = _checked(labels, probabilities)
    return CalibrationBins(scores).error(truth)


class CalibrationBins:
    """Accounts by probability, sorted once for any number of labels.

    Args:
        probabilities: [n], n at least 1.
    """

    def __init__(self, probabilities: Floats) -> None:
        self._order = np.argsort(probabilities, kind="stable")
        self._sorted = probabilities[self._order]
        self._ties = np.flatnonzero(np.r_[True, np.diff(self._sorted) != 0])
        self._tied = np.diff(np.r_[self._ties, len(probabilities)])
        bins = np.array_split(np.arange(len(probabilities)), CALIBRATION_BINS)
        self._bins = [rows[0] for rows in bins if rows.size]

    def error(self, labels: Floats) -> float:
        """Returns the expected calibration error, as the function above does.

        Args:
            labels: 0 or 1, in the order of the probabilities, [n].
        """
        observed = np.add.reduceat(labels[self._order], self._ties) / self._tied
        gaps = np.add.reduceat(self._sorted - np.repeat(observed, self._tied), self._bins)
        return float(np.abs(gaps).sum() / labels.size)


def _mean_ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group]


def _checked(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Floats, Floats]:
    truth = np.asarray(labels, dtype=np.float64)
    scores = np.asarray(probabilities, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != scores.shape or truth.size == 0:
        raise ValueError(
            "Expected as many labels as probabilities, at least one: "
            f"found shapes {truth.shape} and {scores.shape}."
        )
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("Labels are 0 or 1: found others.")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("Probabilities are 0 to 1: found others, or NaN.")
    return truth, scores
