"""How good probabilities are: the metrics that gate, report, comparison and benchmarks read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from sklearn import metrics as sklearn_metrics

from transforms.arrays import Floats

CALIBRATION_BINS: Final = 10
SMALLEST_PROBABILITY: Final = 1e-15


@dataclass(frozen=True)
class Metric:
    """One metric: a row of METRICS.

    Attributes:
        name: In decision.json, review.json, settings and names of checks.
        label: In tables and summaries.
        phrase: In sentences, after "better in" or "by".
        function: From labels, 0 or 1, [n] and probabilities [n] to one number; NaN where one
            class is not enough.
        higher_is_better: The direction.
        per_account: From the same arguments to [n], if the metric is the mean of these. The
            bootstrap then needs one multiplication for all resamples.
        ranked: Whether WeightedRanking computes it for all resamples at once. A metric that is
            neither a mean nor ranked is computed on one resample after the other.
        max_worsening: How much worse than a baseline or the champion a challenger may be,
            unless the setting MAX_WORSENING says another value; None if the gate does not
            compare by this metric.
        has_interval: Whether resamples lie around the value. Where they do not, only the
            difference of two models gets an interval.
        decimals: In summaries.
    """

    name: str
    label: str
    phrase: str
    function: Callable[[Floats, Floats], float]
    higher_is_better: bool = True
    per_account: Callable[[Floats, Floats], Floats] | None = None
    ranked: bool = False
    max_worsening: float | None = None
    has_interval: bool = True
    decimals: int = 4


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
    if len(np.unique(truth)) < 2:
        return float("nan")
    return float(sklearn_metrics.roc_auc_score(truth, scores))


def average_precision(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the area under the precision-recall curve, as a sum of steps.

    Args:
        labels: 0 or 1, [n].
        probabilities: [n]; equal ones share one step.

    Returns:
        0..1, the share of churned accounts for a ranking by chance; NaN if none churned.

    Raises:
        ValueError: If the inputs are empty, of unequal length, or not labels.
    """
    truth, scores = _checked(labels, probabilities)
    if not truth.any():
        return float("nan")
    return float(sklearn_metrics.average_precision_score(truth, scores))


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the mean negative log-likelihood in nats; 0 and 1 count as 1e-15 off.

    Args:
        labels: 0 or 1, [n].
        probabilities: Of label 1, [n].

    Raises:
        ValueError: If the inputs are empty, of unequal length, or not labels.
    """
    return float(np.mean(log_losses(*_checked(labels, probabilities))))


def log_losses(labels: Floats, probabilities: Floats) -> Floats:
    """Returns the negative log-likelihood of each label in nats, [n]; see log_loss."""
    # Not scikit-learn's: it returns the mean alone, and the bootstrap needs the summands.
    kept = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return -(labels * np.log(kept) + (1 - labels) * np.log1p(-kept))


def brier_score(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the mean squared difference of label and probability, 0..1.

    Args:
        labels: 0 or 1, [n].
        probabilities: Of label 1, [n].

    Raises:
        ValueError: If the inputs are empty, of unequal length, or not labels.
    """
    return float(np.mean(squared_errors(*_checked(labels, probabilities))))


def squared_errors(labels: Floats, probabilities: Floats) -> Floats:
    """Returns the squared difference of each label and its probability, [n]."""
    return np.square(probabilities - labels)


def calibration_gap(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Returns the mean probability less the observed rate, -1..1.

    Args:
        labels: 0 or 1, [n].
        probabilities: Of label 1, [n].

    Raises:
        ValueError: If the inputs are empty, of unequal length, or not labels.
    """
    return float(np.mean(_gaps(*_checked(labels, probabilities))))


def _gaps(labels: Floats, probabilities: Floats) -> Floats:
    return probabilities - labels


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


AUC: Final = Metric("auc", "AUC", "ranking (AUC)", auc, ranked=True, max_worsening=0.02, decimals=3)
PR_AUC: Final = Metric(
    "pr_auc",
    "PR AUC",
    "ranking at the top (PR AUC)",
    average_precision,
    ranked=True,
    max_worsening=0.03,
    decimals=3,
)
LOG_LOSS: Final = Metric(
    "log_loss",
    "log-loss",
    "probabilities (log-loss)",
    log_loss,
    higher_is_better=False,
    per_account=log_losses,
    max_worsening=0.02,
)
CALIBRATION_ERROR: Final = Metric(
    "calibration_error",
    "calibration error",
    "calibration error",
    expected_calibration_error,
    higher_is_better=False,
    # Drawing accounts adds noise to every bin, so the error of resamples lies above the value.
    has_interval=False,
)

METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {metric.name: metric for metric in (AUC, PR_AUC, LOG_LOSS, CALIBRATION_ERROR)}
)
"""All that a model is judged by, by name, in the order of tables.

A new metric is a row here and a row in its test. With max_worsening the gate compares by it.
"""

CALIBRATION_GAP: Final = Metric(
    "calibration_gap", "calibration gap", "calibration gap", calibration_gap, per_account=_gaps
)
"""No row of METRICS: neither direction is the better one, and the gate has a rule of its own."""
