"""The model that is served: linear part, network and trees, blended, as hazards over periods."""

from collections.abc import Iterator
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from serving_model.learning.calibration import Blend
from serving_model.learning.linear_hazards import LinearHazards
from serving_model.learning.network import (
    Network,
    bent_sums,
    first_sums,
    served_log_odds,
    served_weights,
)
from serving_model.learning.piecewise_linear import scaled_layer
from serving_model.learning.trees import Trees, reached_leaves, tree_log_odds
from serving_model.reasons.opened_model import Encoded, OpenableModel, OpenedModel, Steps

FEATURES: Final = "features"


def churn_model(
    width: int,
    linear: LinearHazards,
    network: Network | None,
    blend: Blend,
    trees: Trees | None = None,
) -> OpenableModel:
    """Builds the model that is served, which can be taken apart for reasons.

    P(h) = 1 - product of (1 - hazard) over the periods up to h, so it rises with h whatever
    the weights are.

    Args:
        width: Number of columns of `features`.
        linear: The linear part, of K periods.
        network: The network; None for the linear part alone.
        blend: How they are put together.
        trees: The trees; None for none.

    Returns:
        A model from float32 [batch, width] to probabilities, float32 [batch, K].
    """
    features = keras.Input([width], name=FEATURES)
    log_odds = blend.linear * _linear_layer(linear)(features) + blend.intercept
    if network is not None:
        log_odds = log_odds + blend.network * _NetworkLayer(network)(features)
    if trees is not None:
        log_odds = log_odds + blend.trees * _TreesLayer(trees)(features)
    hazards = keras.ops.sigmoid(log_odds)
    within = [hazards[:, :1]]
    for period in range(1, hazards.shape[1]):
        # Nothing below 0 is added, so that it rises in floating point too.
        within.append(within[-1] + (1 - within[-1]) * hazards[:, period : period + 1])
    outputs = keras.ops.concatenate(within, axis=1)
    return OpenableModel(features, outputs, _opened(linear, network, blend, trees))


def _opened(
    linear: LinearHazards, network: Network | None, blend: Blend, trees: Trees | None
) -> OpenedModel:
    straight = np.float32(blend.linear) * linear.weights
    constant = np.float32(blend.linear) * linear.bias + np.float32(blend.intercept)
    steps = None
    if trees is not None:
        steps = _steps(trees, blend.trees)
        # The splits of a leaf add up to its value less the mean of its tree.
        means = trees.value[:, 0] - trees.added[:, 0].sum(axis=1)
        constant = constant + np.float32(blend.trees) * (trees.start + means.sum())
    if network is None:
        return OpenedModel(straight, constant, steps=steps)
    count = 2 * len(network.bins)
    weights = served_weights(network)
    first, later = weights[:count], weights[count:]
    units, members, _ = later[0].shape

    def sums(features: tf.Tensor) -> tf.Tensor:
        return tf.reshape(
            first_sums(first, network.bins, features, scaled_layer), [-1, members * units]
        )

    def head(sums: tf.Tensor) -> tf.Tensor:
        bent = bent_sums(later, tf.reshape(sums, [-1, members, units]))
        return blend.network * tf.reduce_mean(bent, axis=1)

    return OpenedModel(straight, constant, tuple(_encoded_parts(network)), sums, head, steps)


def _steps(trees: Trees, weight: float) -> Steps:
    size = trees.value.size

    def leaves(features: tf.Tensor) -> tf.Tensor:
        return tf.reshape(reached_leaves(trees, features), [-1, size])

    return Steps(leaves, np.float32(weight) * trees.added.reshape(size, -1))


def _encoded_parts(network: Network) -> Iterator[Encoded]:
    """The encodings that the first layers read, which add to neighbouring sums."""
    before = 0
    for bins, kernel in zip(network.bins, network.kernels, strict=False):
        weights = kernel.reshape(len(kernel), -1) / bins.deviation[:, None]
        columns = (bins.column, bins.lower, bins.width, bins.least, bins.most)
        yield Encoded(*columns, weights, before)
        before += weights.shape[1]


def _linear_layer(linear: LinearHazards) -> keras.layers.Dense:
    return keras.layers.Dense(
        linear.weights.shape[1],
        kernel_initializer=keras.initializers.Constant(linear.weights),
        bias_initializer=keras.initializers.Constant(linear.bias),
        trainable=False,
    )


class _NetworkLayer(keras.layers.Layer):
    """The mean of the members' log-odds: [batch, columns] to [batch, K]."""

    def __init__(self, network: Network, **options: Any) -> None:
        super().__init__(trainable=False, name="members", **options)
        self._network = network
        self._tensors = [
            self.add_weight(
                shape=weight.shape,
                initializer=keras.initializers.Constant(weight),
                name=f"w{place}",
            )
            for place, weight in enumerate(served_weights(network))
        ]

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Returns the log-odds."""
        weights = [weight.value for weight in self._tensors]
        return tf.reduce_mean(served_log_odds(weights, self._network.bins, features), axis=1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """Returns [batch, K]."""
        return shape[0], self._network.weights[-1].shape[1]


class _TreesLayer(keras.layers.Layer):
    """The log-odds of the hazards that trees find: [batch, columns] to [batch, K]."""

    def __init__(self, trees: Trees, **options: Any) -> None:
        super().__init__(trainable=False, name="trees", **options)
        self._trees = trees

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Returns the log-odds."""
        return tree_log_odds(self._trees, features)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """Returns [batch, K]."""
        return shape[0], len(self._trees.start)
