"""What each feature adds to the log-odds of churn: integrated gradients, in the graph."""

from collections.abc import Callable
from typing import Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import roots_legendre

from serving_model.reasons.factors import LARGEST_PROBABILITY, SMALLEST_PROBABILITY
from transforms.arrays import Floats32

NODES: Final = 32
"""Gauss-Legendre nodes on the way from the base-rate account to the account."""

Probability = Callable[[tf.Tensor], tf.Tensor]
"""From features float32 [n, columns] to probabilities of churn, float32 [n], row by row."""


def log_odds(probability: tf.Tensor) -> tf.Tensor:
    """Returns log(p / (1 - p)) of probabilities of any shape, finite for 0 and 1 too."""
    kept = tf.clip_by_value(probability, SMALLEST_PROBABILITY, LARGEST_PROBABILITY)
    return tf.math.log(kept) - tf.math.log1p(-kept)


def contributions(
    probability: Probability,
    features: tf.Tensor,
    base: tf.Tensor,
    change: tf.Tensor,
    nodes: int = NODES,
) -> tf.Tensor:
    """Divides a change of log-odds among the features.

    Sundararajan, Taly, Yan 2017 ("Axiomatic attribution for deep networks"): the gradient
    of the log-odds, averaged along the straight line from `base` to the account, times
    the distance of each feature. The average is a Gauss-Legendre sum. What it misses of
    `change`, because a network has bends, is shared among the features in proportion to
    what they contribute. So they always add up, a feature that the network does not read
    gets exactly 0, and in a linear model each gets its weight times its distance.

    Args:
        probability: The model; called once on all nodes of all accounts.
        features: Of the accounts, float32 [batch, columns].
        base: Features of the base-rate account, float32 [columns].
        change: Log-odds of the accounts less those of the base-rate account, [batch].
        nodes: How many points of the line are looked at.

    Returns:
        float32 [batch, columns]; each row adds up to its `change`.
    """
    distance = features - base
    return share_missed(distance * _mean_gradient(probability, distance, base, nodes), change)


def share_missed(found: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """Adds to contributions [batch, n] what they miss of a change [batch], by their size."""
    size = tf.abs(found)
    missed = change - tf.reduce_sum(found, axis=1)
    share = tf.math.divide_no_nan(size, tf.reduce_sum(size, axis=1, keepdims=True))
    return found + missed[:, None] * share


def _mean_gradient(
    probability: Probability, distance: tf.Tensor, base: tf.Tensor, nodes: int
) -> tf.Tensor:
    places, weights = gauss_legendre(nodes)
    points = base + places[:, None, None] * distance
    flat = tf.reshape(points, [-1, base.shape[0]])
    with tf.GradientTape() as tape:
        tape.watch(flat)
        found = log_odds(probability(flat))
    gradient = tf.reshape(tape.gradient(found, flat), tf.shape(points))
    return tf.tensordot(weights, gradient, 1)


def gauss_legendre(nodes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the places in (0, 1) and their weights, which add up to 1, [nodes] each."""
    places, weights = roots_legendre(nodes)
    return ((places + 1) / 2).astype(np.float32), (weights / 2).astype(np.float32)


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
