"""Resamples accounts once for several models, so that their differences are paired.

The one bootstrap: accounts are drawn with replacement (Efron and Tibshirani 1993, chapter 16).
All functions draw the same accounts for the same seed, so what they return can be paired.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from serving_model.evaluation.metrics import AUC, CALIBRATION_GAP, METRICS, PR_AUC, Metric
from transforms.arrays import Floats, Floats32, Integers


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
        ordered = np.take(weights, self._order, axis=1)  # half the time of indexing
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


RESAMPLES: Final = 1000
CONFIDENCE: Final = 0.95
WITH_INTERVAL: Final = (
    *(metric for metric in METRICS.values() if metric.has_interval),
    CALIBRATION_GAP,
)
"""The metrics whose values get an interval."""
_CELLS: Final = 2_000_000
"""Resamples times accounts held in memory at once."""

Replicates = Mapping[str, Floats]
"""One model's metrics on every resample, by name, [resamples] each; NaN without a class."""


def paired_bootstrap(
    labels: Floats,
    models: Mapping[str, Floats],
    resamples: int = RESAMPLES,
    seed: int = 0,
    metrics: Sequence[Metric] = WITH_INTERVAL,
) -> dict[str, Replicates]:
    """Judges every model on the same resamples of accounts.

    A difference of two models' replicates carries no noise that both share.

    Args:
        labels: 0 or 1, one per account, [n], n at least 1.
        models: Probabilities by name of the model, [n] each.
        resamples: How many.
        seed: Start of the random numbers.
        metrics: What to compute. Those that are neither ranked nor means take about a thousand
            times as long.

    Returns:
        By name, its replicates, in the same order of resamples.
    """
    found: dict[str, dict[str, Floats]] = {name: {} for name in models}
    fast = [metric for metric in metrics if metric.ranked or metric.per_account]
    if fast:
        found = _by_weights(labels, models, fast, resamples, seed)
    for metric in metrics:
        if metric in fast:
            continue
        for name, scores in models.items():
            statistic = _of_drawn(metric, labels, scores)
            found[name][metric.name] = replicates_of(statistic, len(labels), resamples, seed)
    return dict(found)


def replicates_of(
    statistic: Callable[[Integers], float],
    accounts: int,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Returns a statistic of every resample, [resamples].

    Args:
        statistic: From the positions of the drawn accounts, [accounts], to a number.
        accounts: How many there are, at least 1; as many are drawn.
        resamples: How many.
        seed: Start of the random numbers.
    """
    blocks = _positions(accounts, resamples, seed)
    return np.array([statistic(drawn) for block in blocks for drawn in block])


def interval(values: Floats, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Returns the percentile interval of replicates; None if all of them are NaN."""
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def draws(accounts: int, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Floats32]:
    """Yields how often each account was drawn, [some resamples, accounts].

    Args:
        accounts: How many there are, at least 1; as many are drawn.
        resamples: How many, over all that is yielded.
        seed: Start of the random numbers; the same one gives the same resamples.
    """
    for block in _positions(accounts, resamples, seed):
        rows = len(block)
        block += np.arange(rows)[:, None] * accounts
        counts = np.bincount(block.ravel(), minlength=rows * accounts)
        yield counts.reshape(rows, accounts).astype(np.float32)


def _of_drawn(metric: Metric, labels: Floats, scores: Floats) -> Callable[[Integers], float]:
    return lambda at: metric.function(labels[at], scores[at])


def _by_weights(
    labels: Floats,
    models: Mapping[str, Floats],
    metrics: Sequence[Metric],
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Floats]]:
    """Computes ranked metrics and means for many resamples at once."""
    means = [metric for metric in metrics if metric.per_account]
    ranked = [metric.name for metric in metrics if metric.ranked]
    rankings = {name: WeightedRanking(labels, found) for name, found in models.items()}
    places = [(metric.name, model) for metric in means for model in models]
    summands = [
        metric.per_account(labels, found)
        for metric in means
        if metric.per_account
        for found in models.values()
    ]
    columns = np.stack(summands, axis=1).astype(np.float32) if summands else None
    parts: defaultdict[tuple[str, str], list[Floats]] = defaultdict(list)
    for weights in draws(len(labels), resamples, seed):
        for model, ranking in rankings.items() if ranked else ():
            areas = ranking.metrics(weights)
            for name in ranked:
                parts[name, model].append(areas[name])
        if columns is not None:
            mean = (weights @ columns).astype(np.float64) / len(labels)
            for column, key in enumerate(places):
                parts[key].append(mean[:, column])
    return {
        model: {metric.name: np.concatenate(parts[metric.name, model]) for metric in metrics}
        for model in models
    }


def _positions(accounts: int, resamples: int, seed: int) -> Iterator[Integers]:
    """Yields the positions of the drawn accounts, [some resamples, accounts]."""
    random = np.random.default_rng(seed)
    most = max(1, _CELLS // accounts)
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        yield random.integers(accounts, size=(rows, accounts))
