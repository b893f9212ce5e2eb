"""Fits the network: the same settings and examples give the same weights."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.learning.churn_model import NetworkShape, build_network
from serving_model.learning.linear_hazards import base_log_odds
from serving_model.learning.person_periods import PersonPeriods
from serving_model.learning.piecewise_linear import find_bins

BINS: Final = (10, 4)
"""Of a column: members take turns at them. Fine bins follow bends, coarse ones hold on to signals
that are weak, and the mean of both is near the better one on any history."""
L2_EXAMPLES: Final = 10_000
"""Training examples for which the l2 setting is stated, see FitSettings.network."""
PREDICT_BATCH: Final = 8192


@dataclass(frozen=True)
class FitSettings:
    """How the network is fitted.

    Attributes:
        network: Its shape. Its l2 holds for L2_EXAMPLES examples and shrinks in
            proportion with more: what is believed of the weights beforehand stays the
            same, however much there is to learn from.
        seed: Start of weights, dropout and the order of examples.
        batch_size: Examples per step.
        learning_rate: Of Adam at the first step; it falls to 0 along half a cosine.
        epochs: Passes over the examples.
    """

    network: NetworkShape
    seed: int
    batch_size: int
    learning_rate: float
    epochs: int


def fit_network(
    features: NDArray[np.float32], periods: PersonPeriods, settings: FitSettings
) -> keras.Model | None:
    """Fits the network on the examples that count in each period.

    Args:
        features: [n, columns].
        periods: Of the same n examples, K periods.
        settings: How to fit; nothing global is seeded or changed.

    Returns:
        As build_network; None if the settings have no hidden layer.
    """
    shape = settings.network
    if not shape.hidden_units:
        return None
    scaled = dataclasses.replace(shape, l2=shape.l2 * L2_EXAMPLES / len(features))
    bins = [find_bins(features, count) for count in BINS]
    base = base_log_odds(periods)
    network = build_network(features.shape[1], bins, base, scaled, settings.seed)
    steps = settings.epochs * -(-len(features) // settings.batch_size)
    one_pass = _one_pass(network, settings, steps)
    data = (
        tf.constant(features),
        tf.constant(periods.churned),
        tf.constant(periods.counted.astype(np.float32)),
    )
    random = np.random.default_rng(settings.seed)
    for _ in range(settings.epochs):
        one_pass(*data, tf.constant(random.permutation(len(features)), tf.int64))
    return network


def network_log_odds(network: keras.Model, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the mean of the members' log-odds, float64 [n, K], as it is served."""
    answer = tf.function(
        lambda batch: network(batch, training=False), reduce_retracing=True, autograph=False
    )
    parts = np.array_split(features, max(1, -(-len(features) // PREDICT_BATCH)))
    found = [answer(tf.constant(part)).numpy().mean(axis=1) for part in parts]
    return np.concatenate(found).astype(np.float64)


def _one_pass(network: keras.Model, settings: FitSettings, steps: int) -> Any:
    """Returns a function of features, churned, counted and row order that fits each row once.

    The whole pass is one graph: on a network this small, Keras's own loop spends more
    time between steps than in them.
    """
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(network.trainable_variables)
    size = settings.batch_size

    @tf.autograph.experimental.do_not_convert
    def step(features: tf.Tensor, churned: tf.Tensor, counted: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = _loss(churned, counted, network(features, training=True))
            loss += tf.add_n(network.losses)
        weights = network.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    @tf.function
    def one_pass(
        features: tf.Tensor, churned: tf.Tensor, counted: tf.Tensor, order: tf.Tensor
    ) -> None:
        for start in tf.range(0, tf.shape(order)[0], size):
            rows = order[start : start + size]
            step(tf.gather(features, rows), tf.gather(churned, rows), tf.gather(counted, rows))

    return one_pass


def _loss(churned: tf.Tensor, counted: tf.Tensor, log_odds: tf.Tensor) -> tf.Tensor:
    """Sum of the members' log-losses: side by side, each is trained as if alone."""
    truth = tf.broadcast_to(churned[:, None, :], tf.shape(log_odds))
    each = tf.nn.sigmoid_cross_entropy_with_logits(truth, log_odds) * counted[:, None, :]
    return tf.reduce_sum(tf.reduce_mean(each, axis=0))
