"""Fits the network: how long is found on newer snapshots, then all of them are used."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.churn_model import NetworkShape, build_logits, probability_model
from serving_model.metrics import log_loss
from serving_model.snapshots import Snapshots

L2_SNAPSHOTS: Final = 10_000
"""Training snapshots for which the l2 setting is stated, see FitSettings.network."""
PATIENCE: Final = 6
"""Epochs without a better log-loss before the search for the best one ends."""
PREDICT_BATCH: Final = 8192


@dataclass(frozen=True)
class FitSettings:
    """How the network is fitted.

    Attributes:
        network: Its shape. Its l2 holds for L2_SNAPSHOTS snapshots and shrinks in
            proportion with more: what is believed of the weights beforehand stays the
            same, however much there is to learn from.
        seed: Start of weights, dropout and the order of snapshots.
        batch_size: Snapshots per step.
        learning_rate: Of Adam.
        max_epochs: Passes over the snapshots, at most.
    """

    network: NetworkShape
    seed: int
    batch_size: int
    learning_rate: float
    max_epochs: int


class Stopping(NamedTuple):
    """For how long to train, and what the network was worth then."""

    epochs: int
    """From 1."""
    log_loss: float
    """On the rows that decided, which were not fitted."""
    probabilities: NDArray[np.float64]
    """Of those rows, in their order."""


class Fit:
    """A network in training: the same settings and rows give the same weights.

    Args:
        snapshots: Where the rows lie.
        rows: Row numbers to fit.
        settings: How to fit; nothing global is seeded or changed.
    """

    def __init__(
        self, snapshots: Snapshots, rows: NDArray[np.int64], settings: FitSettings
    ) -> None:
        self.logits = _network(snapshots, rows, settings)
        self._rows = rows
        self._random = np.random.default_rng(settings.seed)
        self._data = tf.constant(snapshots.features), tf.constant(snapshots.labels[:, None])
        self._pass = _one_pass(self.logits, settings)
        self._served = tf.function(probability_model(self.logits), reduce_retracing=True)

    def epoch(self) -> None:
        """Fits every row once, in a new order."""
        order = self._random.permutation(self._rows)
        self._pass(*self._data, tf.constant(order, tf.int64))

    def probabilities(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the averaged probability, as it is served, of `rows`."""
        batches = np.array_split(rows, -(-len(rows) // PREDICT_BATCH))
        found = [self._served(tf.gather(self._data[0], batch)).numpy() for batch in batches]
        return np.concatenate(found)[:, 0].astype(np.float64)


def best_epochs(
    snapshots: Snapshots,
    fit: NDArray[np.int64],
    stop: NDArray[np.int64],
    settings: FitSettings,
) -> Stopping:
    """Finds for how many epochs to train.

    Args:
        snapshots: All training snapshots.
        fit: Row numbers to fit.
        stop: Row numbers whose log-loss decides.
        settings: How to fit.

    Returns:
        The number of epochs with the lowest log-loss, and the network's answers then.
    """
    fitting = Fit(snapshots, fit, settings)
    best: Stopping | None = None
    for epoch in range(1, settings.max_epochs + 1):
        fitting.epoch()
        found = fitting.probabilities(stop)
        loss = log_loss(snapshots.labels[stop], found)
        if best is None or loss < best.log_loss:
            best = Stopping(epoch, loss, found)
        if epoch >= best.epochs + PATIENCE:
            break
    assert best is not None
    return best


def fit_all(snapshots: Snapshots, epochs: int, settings: FitSettings) -> Fit:
    """Fits all snapshots for `epochs` passes."""
    fitting = Fit(snapshots, np.arange(len(snapshots.labels)), settings)
    for _ in range(epochs):
        fitting.epoch()
    return fitting


def _network(snapshots: Snapshots, rows: NDArray[np.int64], settings: FitSettings) -> keras.Model:
    churned = float(snapshots.labels[rows].sum(dtype=np.float64))
    # Half a snapshot more of each class: the start stays finite if one of them is missing.
    base_rate = (churned + 0.5) / (len(rows) + 1)
    l2 = settings.network.l2 * L2_SNAPSHOTS / len(rows)
    network = dataclasses.replace(settings.network, l2=l2)
    return build_logits(snapshots.features.shape[1], network, base_rate, settings.seed)


def _one_pass(logits: keras.Model, settings: FitSettings) -> Any:
    """Returns a function of features, labels and row order that fits each row once.

    The whole pass is one graph: on a network this small, Keras's own loop spends more
    time between steps than in them.
    """
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(logits.trainable_variables)
    size = settings.batch_size

    @tf.function
    def one_pass(features: tf.Tensor, labels: tf.Tensor, order: tf.Tensor) -> None:
        for start in tf.range(0, tf.shape(order)[0], size):
            rows = order[start : start + size]
            with tf.GradientTape() as tape:
                found = logits(tf.gather(features, rows), training=True)
                loss = _loss(tf.gather(labels, rows), found) + tf.add_n(logits.losses)
            weights = logits.trainable_variables
            optimizer.apply(tape.gradient(loss, weights), weights)

    return one_pass


def _loss(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Sum of the members' log-losses: side by side, each is trained as if alone."""
    labels = tf.broadcast_to(labels, tf.shape(logits))
    each = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    return tf.reduce_sum(tf.reduce_mean(each, axis=0))
