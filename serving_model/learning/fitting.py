"""Fits the network: the same settings and examples give the same weights."""

import functools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.learning.linear_hazards import base_log_odds
from serving_model.learning.network import Network, NetworkShape, member_log_odds, start_network
from serving_model.learning.person_periods import PersonPeriods
from serving_model.learning.piecewise_linear import Bins, find_bins

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


class _Adam(NamedTuple):
    """Adam (Kingma and Ba 2015) on all weights as one vector: few operations a step."""

    weights: Any
    """float32 [N], those of all layers in turn."""
    mean: Any
    """Of the gradients, [N]."""
    square: Any
    """Mean of their squares, [N]."""
    step: Any
    """int32: how many were taken."""


class _Data(NamedTuple):
    """n examples over K periods."""

    features: Any
    """float32 [n, columns]."""
    churned: Any
    """float32 [n, K], as `counted`."""
    counted: Any


class _Options(NamedTuple):
    """What may differ between two fits without another graph."""

    batch_size: Any
    steps: Any
    """How many will be taken in all."""
    learning_rate: Any
    l2: Any
    dropout: Any
    seeds: Any
    """int32, one for each layer with dropout before it."""


class _Layout(NamedTuple):
    """What a graph depends on: members of each first layer, and the hidden units."""

    first: tuple[int, ...]
    hidden: tuple[int, ...]


_BETAS: Final = (0.9, 0.999)
_EPSILON: Final = 1e-7


def fit_network(
    features: NDArray[np.float32], periods: PersonPeriods, settings: FitSettings
) -> Network | None:
    """Fits the network on the examples that count in each period.

    May be called in several threads; none decides anything of what another one finds.

    Args:
        features: [n, columns].
        periods: Of the same n examples, K periods.
        settings: How to fit; nothing global is seeded or changed.

    Returns:
        The network; None if the settings have no hidden layer.
    """
    shape = settings.network
    if not shape.hidden_units:
        return None
    bins = [find_bins(features, count) for count in BINS]
    network = start_network(bins, base_log_odds(periods), shape, settings.seed)
    data = _Data(
        tf.constant(features),
        tf.constant(periods.churned),
        tf.constant(periods.counted.astype(np.float32)),
    )
    options = _options(settings, network, len(features))
    one_pass = _one_pass(_layout(network))
    start = _flat(network)
    state = _Adam(start, np.zeros_like(start), np.zeros_like(start), np.int32(0))
    random = np.random.default_rng(settings.seed)
    for _ in range(settings.epochs):
        state = one_pass(state, network.bins, data, random.permutation(len(features)), options)
    ends = np.cumsum([weight.size for weight in network.weights])[:-1]
    parts = zip(np.split(state.weights.numpy(), ends), network.weights, strict=True)
    return network._replace(weights=tuple(part.reshape(like.shape) for part, like in parts))


def network_log_odds(network: Network, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the mean of the members' log-odds, float64 [n, K], as it is served."""
    answer = _mean_log_odds(_layout(network))
    weights, periods = _flat(network), np.int32(network.weights[-1].shape[1])
    parts = np.array_split(features, max(1, -(-len(features) // PREDICT_BATCH)))
    found = [answer(weights, network.bins, part, periods).numpy() for part in parts]
    return np.concatenate(found).astype(np.float64)


def _options(settings: FitSettings, network: Network, rows: int) -> _Options:
    return _Options(
        batch_size=np.int32(settings.batch_size),
        steps=np.float32(settings.epochs * -(-rows // settings.batch_size)),
        learning_rate=np.float32(settings.learning_rate),
        l2=np.float32(settings.network.l2 * L2_EXAMPLES / rows),
        dropout=np.float32(settings.network.dropout),
        seeds=np.array(network.dropout_seeds, np.int32),
    )


def _layout(network: Network) -> _Layout:
    members = tuple(kernel.shape[1] for kernel in network.kernels[: len(network.bins)])
    return _Layout(members, tuple(kernel.shape[0] for kernel in network.kernels[len(members) :]))


def _flat(network: Network) -> NDArray[np.float32]:
    return np.concatenate([weight.ravel() for weight in network.weights])


def _unpacked(weights: tf.Tensor, layout: _Layout, bins: Sequence[Bins], periods: Any) -> list[Any]:
    """Kernel and bias of each layer in turn, from all weights in one vector."""
    first, *others = layout.hidden
    read = zip(bins, layout.first, strict=True)
    sizes = [(tf.shape(one.column)[0], members, first) for one, members in read]
    steps = zip(layout.hidden, (*others, periods), strict=True)
    sizes += [(inputs, sum(layout.first), outputs) for inputs, outputs in steps]
    shapes = [shape for size in sizes for shape in (size, size[1:])]
    parts = tf.split(weights, [functools.reduce(operator.mul, shape) for shape in shapes])
    return [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def _vector(dtype: tf.DType = tf.float32) -> tf.TensorSpec:
    return tf.TensorSpec([None], dtype)


def _matrix() -> tf.TensorSpec:
    return tf.TensorSpec([None, None], tf.float32)


def _scalar(dtype: tf.DType = tf.float32) -> tf.TensorSpec:
    return tf.TensorSpec([], dtype)


def _bins_specs(layout: _Layout) -> tuple[Bins, ...]:
    one = Bins(_vector(tf.int32), *[_vector()] * (len(Bins._fields) - 1))
    return (one,) * len(layout.first)


@functools.cache
def _mean_log_odds(layout: _Layout) -> Any:
    @tf.function(
        input_signature=[_vector(), _bins_specs(layout), _matrix(), _scalar(tf.int32)],
        autograph=False,
    )
    def answer(
        weights: tf.Tensor, bins: Sequence[Bins], features: tf.Tensor, periods: tf.Tensor
    ) -> tf.Tensor:
        layers = _unpacked(weights, layout, bins, periods)
        return tf.reduce_mean(member_log_odds(layers, bins, features, None), axis=1)

    return answer


@functools.cache
def _one_pass(layout: _Layout) -> Any:
    """Returns a function of state, bins, data, row order and options that fits each row once.

    The whole pass is one graph, traced once for all fits of a layout: on a network this small,
    a loop in Python spends more time between steps than in them, and tracing more than a fit.
    """

    @tf.autograph.experimental.do_not_convert
    def step(state: _Adam, bins: Sequence[Bins], batch: _Data, options: _Options) -> _Adam:
        def silence(hidden: tf.Tensor, place: int) -> tf.Tensor:
            seed = tf.stack([options.seeds[place], state.step])
            return tf.nn.experimental.stateless_dropout(hidden, options.dropout, seed)

        with tf.GradientTape() as tape:
            tape.watch(state.weights)
            layers = _unpacked(state.weights, layout, bins, tf.shape(batch.churned)[1])
            loss = _loss(batch, member_log_odds(layers, bins, batch.features, silence))
            penalty = tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in layers[::2]])
            loss += options.l2 * penalty
        return _stepped(state, tape.gradient(loss, state.weights), options)

    signature = [
        _Adam(_vector(), _vector(), _vector(), _scalar(tf.int32)),
        _bins_specs(layout),
        _Data(_matrix(), _matrix(), _matrix()),
        _vector(tf.int64),
        _Options(_scalar(tf.int32), _scalar(), _scalar(), _scalar(), _scalar(), _vector(tf.int32)),
    ]

    @tf.function(input_signature=signature)
    def one_pass(
        state: _Adam, bins: Sequence[Bins], data: _Data, order: tf.Tensor, options: _Options
    ) -> _Adam:
        for start in tf.range(0, tf.shape(order)[0], options.batch_size):
            rows = order[start : start + options.batch_size]
            batch = _Data(*(tf.gather(part, rows) for part in data))
            state = step(state, bins, batch, options)
        return state

    return one_pass


def _stepped(state: _Adam, gradient: tf.Tensor, options: _Options) -> _Adam:
    """One step of Adam; its rate falls to 0 along half a cosine."""
    first, second = _BETAS
    taken = tf.cast(state.step, tf.float32)
    rate = options.learning_rate * 0.5 * (1 + tf.cos(math.pi * taken / options.steps))
    mean = state.mean + (gradient - state.mean) * (1 - first)
    square = state.square + (tf.square(gradient) - state.square) * (1 - second)
    alpha = rate * tf.sqrt(1 - second ** (taken + 1)) / (1 - first ** (taken + 1))
    weights = state.weights - alpha * mean / (tf.sqrt(square) + _EPSILON)
    return _Adam(weights, mean, square, state.step + 1)


def _loss(batch: _Data, log_odds: tf.Tensor) -> tf.Tensor:
    """Sum of the members' log-losses: side by side, each is trained as if alone."""
    truth = tf.broadcast_to(batch.churned[:, None, :], tf.shape(log_odds))
    each = tf.nn.sigmoid_cross_entropy_with_logits(truth, log_odds) * batch.counted[:, None, :]
    return tf.reduce_sum(tf.reduce_mean(each, axis=0))
