"""AUC and average precision of many weightings of the same accounts at once."""

import numpy as np

from serving_model.evaluation.metrics import AUC, PR_AUC
from transforms.arrays import Floats, Floats32


class WeightedRanking:
    """Accounts in the order of their probabilities, sorted once for all weightings.

    Args:
        labels: 0 or 1, [n].
        probabilities: [n]; equal ones share one place.
    """

    def __init__(self, labels: Floats, probabilities: Floats) -> None:
        self._order = np.argsort(-probabilities, kind="stable")
        ordered = probabilities[self._order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        ends = np.r_[starts[1:], len(ordered)]
        churned = np.flatnonzero(labels[self._order] == 1)
        place = np.searchsorted(starts, churned, side="right") - 1
        # Only places that hold a churned account add to either metric.
        held, first = np.unique(place, return_index=True)
        self._churned, self._first = churned, first
        self._starts, self._ends = starts[held], ends[held]

    def metrics(self, weights: Floats32) -> dict[str, Floats]:
        """Returns AUC and average precision of each weighting, by name in METRICS, [r] each.

        Args:
            weights: How often each account counts, [r, n], whole numbers below 2**24 in sum.

        Returns:
            0..1; NaN where a class has no weight. Average precision is the sum over places
            of (gain in recall) x (precision there), as scikit-learn has it.
        """
        if not len(self._churned):
            nothing = np.full(len(weights), np.nan)
            return {AUC.name: nothing, PR_AUC.name: nothing}
        ordered = weights[:, self._order]
        above = np.zeros((len(weights), ordered.shape[1] + 1), np.float32)
        np.cumsum(ordered, axis=1, out=above[:, 1:])
        before = above[:, self._starts].astype(np.float64)
        through = above[:, self._ends].astype(np.float64)
        churned = np.add.reduceat(ordered[:, self._churned], self._first, axis=1).astype(np.float64)
        churned_through = np.cumsum(churned, axis=1)
        positives = churned_through[:, -1]
        negatives = above[:, -1] - positives
        tied = through - before - churned
        below = negatives[:, None] - (before - churned_through + churned) - tied
        with np.errstate(divide="ignore", invalid="ignore"):
            auc = np.sum(churned * (below + tied / 2), axis=1) / (positives * negatives)
            precision = np.where(through > 0, churned_through / through, 0.0)
            average = np.sum(churned * precision, axis=1) / positives
        return {AUC.name: auc, PR_AUC.name: average}
