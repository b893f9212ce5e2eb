"""Resamples accounts once for several models, so that their differences are paired.

The one bootstrap: accounts are drawn with replacement (Efron and Tibshirani 1993, chapter 16).
All functions draw the same accounts for the same seed, so what they return can be paired.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from serving_model.evaluation.metrics import CALIBRATION_GAP, METRICS, Metric
from serving_model.evaluation.weighted_ranking import WeightedRanking
from transforms.arrays import Floats, Floats32, Integers

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
