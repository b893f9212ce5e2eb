"""The network: a linear part beside small regularised layers, several times over."""

from dataclasses import dataclass
from typing import Final

import keras
import numpy as np

FEATURES: Final = "features"


@dataclass(frozen=True)
class NetworkShape:
    """How large the network is and how hard it is held back.

    Attributes:
        hidden_units: Width of each hidden layer; empty for logistic regression.
        l2: Weight of the squared weights in the loss.
        dropout: Share of hidden units silenced in a training step, in [0, 1).
        members: Networks of the same shape whose probabilities are averaged: they
            start elsewhere, so their mean depends less on where one of them started.
    """

    hidden_units: tuple[int, ...]
    l2: float
    dropout: float
    members: int


def build_logits(width: int, shape: NetworkShape, base_rate: float, seed: int) -> keras.Model:
    """Builds the network that is trained.

    The linear part carries what adds up; the hidden layers only what does not. No class
    is re-weighted and the bias starts at the base rate, so probabilities stay calibrated.

    Args:
        width: Number of columns of `features`.
        shape: Size and regularisation.
        base_rate: Share of churned snapshots, strictly between 0 and 1.
        seed: Where weights and dropout start; nothing global is seeded.

    Returns:
        A model from float32 [batch, width] to logits, float32 [batch, members].
    """
    features = keras.Input([width], name=FEATURES)
    log_odds = float(np.log(base_rate) - np.log1p(-base_rate))
    logits = keras.layers.Dense(
        shape.members,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(log_odds),
        kernel_regularizer=keras.regularizers.L2(shape.l2),
    )(features)
    if shape.hidden_units:
        logits = keras.layers.Add()([logits, _deep(features, shape, seed)])
    return keras.Model(features, logits)


def probability_model(logits: keras.Model) -> keras.Model:
    """Returns the model that is served: [batch, width] to probabilities [batch, 1]."""
    each = keras.layers.Activation("sigmoid")(logits.output)
    mean = keras.ops.mean(each, axis=1, keepdims=True)
    return keras.Model(logits.input, mean)


def _deep(features: keras.KerasTensor, shape: NetworkShape, seed: int) -> keras.KerasTensor:
    """The hidden layers of all members at once: one product per layer, however many."""
    seeds = np.random.SeedSequence(seed).generate_state(2 * len(shape.hidden_units) + 1)
    hidden = features
    for layer, units in enumerate(shape.hidden_units):
        hidden = _side_by_side(hidden, units, shape, int(seeds[2 * layer]), "relu")
        hidden = keras.layers.Dropout(shape.dropout, seed=int(seeds[2 * layer + 1]))(hidden)
    return keras.layers.Flatten()(_side_by_side(hidden, 1, shape, int(seeds[-1]), None))


def _side_by_side(
    inputs: keras.KerasTensor, units: int, shape: NetworkShape, seed: int, activation: str | None
) -> keras.KerasTensor:
    """A dense layer per member: [batch, in] or [batch, members, in] to [.., members, units]."""
    equation = "bi,imo->bmo" if len(inputs.shape) == 2 else "bmi,imo->bmo"
    limit = float(np.sqrt(6 / (inputs.shape[-1] + units)))  # Glorot's, of one member's layer
    return keras.layers.EinsumDense(
        equation,
        output_shape=(shape.members, units),
        bias_axes="mo" if activation else None,
        activation=activation,
        kernel_initializer=keras.initializers.RandomUniform(-limit, limit, seed=seed),
        kernel_regularizer=keras.regularizers.L2(shape.l2),
    )(inputs)
