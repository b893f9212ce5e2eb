"""How good probabilities are: ranking, log-loss, and their uncertainty over accounts."""

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.stats import rankdata

from pipeline.demo.world_model import Booleans, Floats, Integers

REPLICATES: Final = 1000
CONFIDENCE: Final = 0.95
LEAST_PROBABILITY: Final = 1e-7


def auc(probability: Floats, churned: Booleans) -> float:
    """Returns the chance that a churner is ranked above a stayer; NaN without both.

    Args:
        probability: Shape [n].
        churned: Shape [n].
    """
    positives = int(churned.sum())
    pairs = positives * (len(churned) - positives)
    if not pairs:
        return float("nan")
    above = rankdata(probability)[churned].sum() - positives * (positives + 1) / 2
    return float(above / pairs)


def expected_best_auc(probability: Floats) -> float:
    """Returns the AUC that these probabilities have on average if they are true, shape [n]."""
    ordered = np.sort(probability)
    stays_below = np.concatenate([[0.0], np.cumsum(1 - ordered)[:-1]])
    own_pair = (ordered * (1 - ordered)).sum()
    return float((ordered * stays_below).sum() / (ordered.sum() * (1 - ordered).sum() - own_pair))


def log_loss(probability: Floats, churned: Booleans) -> float:
    """Returns the mean negative log-likelihood, in nats."""
    kept = np.clip(probability, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return float(-np.log(np.where(churned, kept, 1 - kept)).mean())


def constant_log_loss(churned: Booleans) -> float:
    """Returns the log-loss of giving every account the base rate."""
    return log_loss(np.full(len(churned), churned.mean()), churned)


def share_of_reachable(model: Floats, limit: Floats, churned: Booleans) -> float:
    """Returns how much of the limit's gain in log-loss over the base rate a model has."""
    constant = constant_log_loss(churned)
    reachable = constant - log_loss(limit, churned)
    return (constant - log_loss(model, churned)) / reachable


def bootstrap_interval(
    statistic: Callable[[Integers], float], size: int, seed: int
) -> tuple[float, float]:
    """Returns the interval of a statistic over accounts drawn with replacement.

    Args:
        statistic: Given the drawn positions, shape [size], returns a number.
        size: How many accounts there are.
        seed: Where the randomness starts.

    Returns:
        Lower and upper limit, at 95 % confidence.
    """
    rng = np.random.default_rng(seed)
    values = [statistic(rng.integers(0, size, size)) for _ in range(REPLICATES)]
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)
