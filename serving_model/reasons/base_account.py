"""The base-rate account: what every other account is compared with in its reasons."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from transforms.arrays import Floats32

BATCH: Final = 8192
BISECTIONS: Final = 40


def base_rate_account(answer: Callable[[Floats32], Floats32], features: Floats32) -> Floats32:
    """Finds the account whose answer is the mean answer.

    It lies on the line between two averages: that of the training examples that the model
    holds for safer than its mean answer, and that of the riskier ones. The mean of all
    features is on that line too, but a mean account is not one of mean risk. So an
    account's contributions start at the rate that is expected of anyone.

    Args:
        answer: The model, from features [n, columns] to probabilities of churn, [n].
        features: Of the training examples, [n, columns], and of nothing else.

    Returns:
        Features, float32 [columns]. The plain mean of all, if the two averages do not
        enclose the mean answer, as when the model gives the same to everyone.
    """
    found = _in_batches(answer, features)
    target = float(found.mean())
    riskier = found > target
    mean = features.mean(axis=0, dtype=np.float64)
    if not 0 < riskier.sum() < len(riskier):
        return mean.astype(np.float32)
    ends = [features[which].mean(axis=0, dtype=np.float64) for which in (~riskier, riskier)]
    low, high = (float(answer(end[None].astype(np.float32))[0]) for end in ends)
    if not low < target < high:
        return mean.astype(np.float32)
    return _between(answer, ends[0], ends[1], target)


def _between(
    answer: Callable[[Floats32], Floats32],
    safer: NDArray[np.float64],
    riskier: NDArray[np.float64],
    target: float,
) -> Floats32:
    below, above = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (below + above) / 2
        account = (safer + middle * (riskier - safer)).astype(np.float32)
        if answer(account[None])[0] < target:
            below = middle
        else:
            above = middle
    return account


def _in_batches(answer: Callable[[Floats32], Floats32], features: Floats32) -> NDArray[np.float64]:
    starts = range(0, len(features), BATCH)
    parts = [np.asarray(answer(features[start : start + BATCH])) for start in starts]
    return np.concatenate(parts).astype(np.float64)
