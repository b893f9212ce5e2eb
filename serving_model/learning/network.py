"""The network: small networks of one shape side by side, whose log-odds are averaged."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.learning.piecewise_linear import (
    Bins,
    encoded_layer,
    scaled_kernel,
    scaled_layer,
)

_SEEDS: Final = 2**31 - 2
"""Stateless random operations take int32."""


@dataclass(frozen=True)
class NetworkShape:
    """How large the network is and how hard it is held back.

    Attributes:
        hidden_units: Width of each hidden layer; empty for the linear part alone.
        l2: Weight of the squared weights in the loss.
        dropout: Share of hidden units silenced in a training step, in [0, 1).
        members: Networks of the same shape whose log-odds are averaged: they start
            elsewhere and do not all read the same bins, so their mean depends less on
            either (Lakshminarayanan, Pritzel and Blundell 2017, "Simple and Scalable
            Predictive Uncertainty Estimation using Deep Ensembles").
    """

    hidden_units: tuple[int, ...]
    l2: float
    dropout: float
    members: int


class Network(NamedTuple):
    """Weights, and the bins that the first layer reads.

    One first layer for each of the bins comes first, then the layers of all members; each
    has a kernel float32 [inputs, members, outputs] and a bias [members, outputs].
    """

    bins: tuple[Bins, ...]
    weights: tuple[NDArray[np.float32], ...]
    """Kernel and bias of each layer in turn."""
    dropout_seeds: tuple[int, ...]
    """Of what is silenced before each layer that is none of the first."""

    @property
    def kernels(self) -> tuple[NDArray[np.float32], ...]:
        """What is penalised."""
        return self.weights[::2]


Silence = Callable[[tf.Tensor, int], tf.Tensor]
"""From hidden units and the number of the layer that reads them to those that are left."""

Layer = Callable[[Bins, tf.Tensor, Any, Any], tf.Tensor]
"""From bins, columns, kernel and bias to sums, as encoded_layer."""


def start_network(
    bins: Sequence[Bins], base_log_odds: NDArray[np.float32], shape: NetworkShape, seed: int
) -> Network:
    """Draws the weights that training starts with.

    No class is re-weighted and the last bias starts at the base rate, so probabilities stay
    calibrated.

    Args:
        bins: Of the columns; members take turns at them, and of a single member only the
            first count.
        base_log_odds: Of the hazard in each period, [K].
        shape: Size and regularisation; there is at least one hidden layer.
        seed: Where weights and dropout start; nothing global is seeded.
    """
    first, *others = shape.hidden_units
    random = np.random.SeedSequence(seed)
    drawn = random.generate_state(len(bins) + 2 * len(shape.hidden_units)).tolist()
    seeds = iter(one % _SEEDS for one in drawn)
    read = tuple(bins[: shape.members])
    weights: list[NDArray[np.float32]] = []
    silenced: list[int] = []
    for turn, one in enumerate(read):
        members = len(range(turn, shape.members, len(bins)))
        weights += _drawn_layer((len(one.column), members, first), next(seeds))
    for inputs, outputs in zip((first, *others), (*others, len(base_log_odds)), strict=True):
        silenced.append(next(seeds))
        weights += _drawn_layer((inputs, shape.members, outputs), next(seeds))
    weights[-1] = np.tile(base_log_odds, (shape.members, 1)).astype(np.float32)
    return Network(read, tuple(weights), tuple(silenced))


def member_log_odds(
    weights: Sequence[Any], bins: Sequence[Bins], features: tf.Tensor, silence: Silence | None
) -> tf.Tensor:
    """Returns each member's log-odds of the hazards, float32 [batch, members, K].

    The activation is smooth, so that attributions by integrated gradients are near exact.

    Args:
        weights: As Network has them, as tensors; sizes may be unknown while it is traced.
        bins: Those that the first layers read, likewise.
        features: float32 [batch, columns].
        silence: Dropout while it is trained.
    """
    return bent_sums(
        weights[2 * len(bins) :], first_sums(weights[: 2 * len(bins)], bins, features), silence
    )


def served_weights(network: Network) -> tuple[NDArray[np.float32], ...]:
    """Returns the weights with the first kernels scaled, as scaled_kernel does.

    Weights do not change any more: to scale them with each batch would take longer than a quarter
    of what a model takes for a single account.
    """
    scaled = list(network.weights)
    for place, bins in enumerate(network.bins):
        scaled[2 * place] = scaled_kernel(bins, scaled[2 * place]).numpy()
    return tuple(scaled)


def served_log_odds(weights: Sequence[Any], bins: Sequence[Bins], features: tf.Tensor) -> tf.Tensor:
    """Does as member_log_odds, with the weights of served_weights."""
    count = 2 * len(bins)
    return bent_sums(weights[count:], first_sums(weights[:count], bins, features, scaled_layer))


def first_sums(
    weights: Sequence[Any],
    bins: Sequence[Bins],
    features: tf.Tensor,
    layer: Layer = encoded_layer,
) -> tf.Tensor:
    """Returns what the first layers make of features, not bent yet: [batch, members, units].

    Args:
        weights: Of the first layers.
        bins: Those that they read.
        features: float32 [batch, columns].
        layer: encoded_layer, or scaled_layer where kernels are scaled.
    """
    columns = tf.transpose(features)
    layers = zip(weights[::2], weights[1::2], strict=True)
    first = [
        layer(one, columns, kernel, bias) for one, (kernel, bias) in zip(bins, layers, strict=True)
    ]
    return tf.concat(first, axis=1)


def bent_sums(weights: Sequence[Any], sums: tf.Tensor, silence: Silence | None = None) -> tf.Tensor:
    """Returns each member's log-odds of the hazards, float32 [batch, members, K].

    Args:
        weights: Of the layers after the first.
        sums: Of the first layers, [batch, members, units].
        silence: Dropout while it is trained.
    """
    hidden = sums
    for place, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        hidden *= tf.sigmoid(hidden)  # SiLU; TensorFlow's own saves functions of its gradient
        if silence is not None:
            hidden = silence(hidden, place)
        hidden = tf.einsum("bmi,imo->bmo", hidden, kernel) + bias
    return hidden


def _drawn_layer(shape: tuple[int, int, int], seed: int) -> Iterator[NDArray[np.float32]]:
    """Yields a kernel [inputs, members, outputs] and a bias of 0."""
    inputs, members, outputs = shape
    limit = float(np.sqrt(6 / (inputs + outputs)))  # Glorot's, of one member's layer
    yield tf.random.stateless_uniform(shape, [seed, 0], -limit, limit).numpy()
    yield np.zeros((members, outputs), np.float32)
