"""Resamples accounts once for several models, so that their differences are paired."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving_model.evaluation.metrics import SMALLEST_PROBABILITY
from serving_model.evaluation.weighted_ranking import WeightedRanking

Floats = NDArray[np.float64]

RESAMPLES: Final = 1000
CONFIDENCE: Final = 0.95
_CELLS: Final = 2_000_000
"""Resamples times accounts held in memory at once."""


class Replicates(NamedTuple):
    """One model's metrics on every resample, float64 [resamples] each; NaN without a class."""

    auc: Floats
    pr_auc: Floats
    """Average precision."""
    log_loss: Floats
    """Mean, in nats."""
    calibration_gap: Floats
    """Mean probability less the observed rate."""


def paired_bootstrap(
    labels: Floats, models: Mapping[str, Floats], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Replicates]:
    """Judges every model on the same resamples of accounts.

    Accounts are drawn with replacement (Efron and Tibshirani 1993, chapter 16); a
    difference of two models' replicates therefore carries no noise that both share.

    Args:
        labels: 0 or 1, one per account, [n], n at least 1.
        models: Probabilities by name of the model, [n] each.
        resamples: How many.
        seed: Of the drawing.

    Returns:
        By name, its replicates, in the same order of resamples.
    """
    rankings = {name: WeightedRanking(labels, found) for name, found in models.items()}
    # Per account what a mean adds up: log-loss of each model, then each one's gap.
    losses = [_losses(labels, found) for found in models.values()]
    gaps = [found - labels for found in models.values()]
    summands = np.stack([*losses, *gaps], axis=1).astype(np.float32)
    parts: dict[str, list[tuple[Floats, ...]]] = {name: [] for name in models}
    for weights in draws(len(labels), resamples, seed):
        means = (weights @ summands).astype(np.float64) / len(labels)
        for place, (name, ranking) in enumerate(rankings.items()):
            both = ranking.metrics(weights)
            parts[name].append((*both, means[:, place], means[:, len(models) + place]))
    return {
        name: Replicates(*(np.concatenate(column) for column in zip(*found, strict=True)))
        for name, found in parts.items()
    }


def interval(values: Floats, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Returns the percentile interval of replicates; None if all of them are NaN."""
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _losses(labels: Floats, probabilities: Floats) -> Floats:
    kept = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return -(labels * np.log(kept) + (1 - labels) * np.log1p(-kept))


def draws(
    accounts: int, resamples: int = RESAMPLES, seed: int = 0
) -> Iterator[NDArray[np.float32]]:
    """Yields how often each account was drawn, [some resamples, accounts].

    Args:
        accounts: How many there are, at least 1; as many are drawn.
        resamples: How many, over all that is yielded.
        seed: Of the drawing; the same one gives the same resamples.
    """
    random = np.random.default_rng(seed)
    most = max(1, _CELLS // accounts)
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        drawn = random.integers(accounts, size=(rows, accounts))
        drawn += np.arange(rows)[:, None] * accounts
        counts = np.bincount(drawn.ravel(), minlength=rows * accounts)
        yield counts.reshape(rows, accounts).astype(np.float32)
