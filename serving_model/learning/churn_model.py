"""The model: a linear part and a small network, blended, as hazards over periods."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from serving_model.learning.calibration import Blend
from serving_model.learning.linear_hazards import LinearHazards
from serving_model.learning.piecewise_linear import Bins, PiecewiseLinear

FEATURES: Final = "features"


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


def build_network(
    width: int,
    bins: Sequence[Bins],
    base_log_odds: NDArray[np.float32],
    shape: NetworkShape,
    seed: int,
) -> keras.Model:
    """Builds the network that is trained.

    The activation is smooth, so that attributions by integrated gradients are near exact. No
    class is re-weighted and the bias starts at the base rate, so probabilities stay
    calibrated.

    Args:
        width: Number of columns of `features`.
        bins: Of those columns, see PiecewiseLinear; members take turns at them, and of a
            single member only the first count.
        base_log_odds: Of the hazard in each period, [K].
        shape: Size and regularisation; there is at least one hidden layer.
        seed: Where weights and dropout start; nothing global is seeded.

    Returns:
        A model from float32 [batch, width] to log-odds, float32 [batch, members, K].
    """
    features = keras.Input([width], name=FEATURES)
    first, *others = shape.hidden_units
    random = np.random.SeedSequence(seed)
    seeds = iter(random.generate_state(len(bins) + 2 * len(shape.hidden_units)).tolist())
    hidden = _first_layer(features, bins, first, shape, seeds)
    for units in others:
        hidden = keras.layers.Dropout(shape.dropout, seed=next(seeds))(hidden)
        hidden = _side_by_side(hidden, units, shape, next(seeds), activation="silu")
    hidden = keras.layers.Dropout(shape.dropout, seed=next(seeds))(hidden)
    start = keras.initializers.Constant(np.tile(base_log_odds, (shape.members, 1)))
    outputs = _side_by_side(hidden, len(base_log_odds), shape, next(seeds), start=start)
    return keras.Model(features, outputs)


def churn_model(
    width: int, linear: LinearHazards, network: keras.Model | None, blend: Blend
) -> keras.Model:
    """Builds the model that is served.

    P(h) = 1 - product of (1 - hazard) over the periods up to h, so it rises with h whatever
    the weights are.

    Args:
        width: Number of columns of `features`.
        linear: The linear part, of K periods.
        network: Of build_network; None for the linear part alone.
        blend: How both are put together.

    Returns:
        A model from float32 [batch, width] to probabilities, float32 [batch, K].
    """
    features = keras.Input([width], name=FEATURES)
    log_odds = blend.linear * _linear_layer(linear)(features) + blend.intercept
    if network is not None:
        log_odds = log_odds + blend.network * keras.ops.mean(network(features), axis=1)
    hazards = keras.ops.sigmoid(log_odds)
    within = [hazards[:, :1]]
    for period in range(1, hazards.shape[1]):
        # Nothing below 0 is added, so that it rises in floating point too.
        within.append(within[-1] + (1 - within[-1]) * hazards[:, period : period + 1])
    return keras.Model(features, keras.ops.concatenate(within, axis=1))


def _linear_layer(linear: LinearHazards) -> keras.layers.Dense:
    return keras.layers.Dense(
        linear.weights.shape[1],
        kernel_initializer=keras.initializers.Constant(linear.weights),
        bias_initializer=keras.initializers.Constant(linear.bias),
        trainable=False,
    )


def _first_layer(
    features: keras.KerasTensor,
    bins: Sequence[Bins],
    units: int,
    shape: NetworkShape,
    seeds: Iterator[int],
) -> keras.KerasTensor:
    """The layer that reads the encoded columns, [batch, members, units]."""
    layers = []
    for turn, one in enumerate(bins[: shape.members]):
        members = len(range(turn, shape.members, len(bins)))
        part = dataclasses.replace(shape, members=members)
        encoded = PiecewiseLinear(one)(features)
        layers.append(_side_by_side(encoded, units, part, next(seeds), activation="silu"))
    return keras.ops.concatenate(layers, axis=1)


def _side_by_side(
    inputs: keras.KerasTensor,
    units: int,
    shape: NetworkShape,
    seed: int,
    activation: str | None = None,
    start: Any = "zeros",
) -> keras.KerasTensor:
    """A layer of all members in one product: [batch, in] or [batch, members, in] to [.., units]."""
    equation = "bi,imo->bmo" if len(inputs.shape) == 2 else "bmi,imo->bmo"
    limit = float(np.sqrt(6 / (inputs.shape[-1] + units)))  # Glorot's, of one member's layer
    return keras.layers.EinsumDense(
        equation,
        output_shape=(shape.members, units),
        bias_axes="mo",
        activation=activation,
        bias_initializer=start,
        kernel_initializer=keras.initializers.RandomUniform(-limit, limit, seed=seed),
        kernel_regularizer=keras.regularizers.L2(shape.l2),
    )(inputs)
