"""Piecewise linear encoding of numbers: what lets a small network bend where trees would cut.

Gorishniy, Rubachev and Babenko 2022, "On Embeddings for Numerical Features in Tabular Deep
Learning": a number becomes one value per bin between two quantiles, 0 below it, 1 above it and
linear within it. The outermost bins go on beyond the ends, as theirs do, but not for ever.
"""

from typing import Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

LEAST_DEVIATION: Final = 0.1
"""Encoded values are divided by no less: a bin that hardly any account reaches stays small."""
DECIMALS: Final = 3
"""Of the ends of bins: none is narrower than this can tell."""
BEYOND: Final = 2.0
"""Widths of the outermost bins by which values may lie beyond what training has seen: accounts
are older at the next cutoff than at any before."""
_ROWS: Final = 50_000
"""Rows that quantiles are taken from, spread evenly over the examples."""


class Bins(NamedTuple):
    """P bins over the columns, float32 [P] each; no bin of a column without two values."""

    column: NDArray[np.int32]
    lower: NDArray[np.float32]
    width: NDArray[np.float32]
    mean: NDArray[np.float32]
    """Of the encoded values, as is the deviation."""
    deviation: NDArray[np.float32]
    least: NDArray[np.float32]
    """Encoded values are no smaller, and no larger than `most`."""
    most: NDArray[np.float32]


def find_bins(features: NDArray[np.float32], count: int) -> Bins:
    """Cuts each column at its quantiles; the same features give the same bins.

    Args:
        features: Of the training examples, [n, columns].
        count: Bins of a column with many values; columns of fewer have fewer.
    """
    rows = features[:: -(-len(features) // _ROWS)]
    columns = np.sort(np.ascontiguousarray(rows.T), axis=1)
    quantiles = np.quantile(columns, np.linspace(0, 1, count + 1), axis=1).astype(np.float32)
    edges = [np.unique(np.round(column, DECIMALS)) for column in quantiles.T]
    column = np.repeat(np.arange(len(edges), dtype=np.int32), [len(one) - 1 for one in edges])
    lower = np.concatenate([one[:-1] for one in edges])
    width = np.concatenate([np.diff(one) for one in edges])
    # Column by column: all encoded values at once would be many times the features.
    moments = [_moments(values, ends) for values, ends in zip(columns, edges, strict=True)]
    mean, deviation = np.concatenate(moments, axis=1)
    first, last = (np.diff(column, **end) != 0 for end in ({"prepend": -1}, {"append": -1}))
    least = np.where(first, -BEYOND, 0).astype(np.float32)
    most = np.where(last, 1 + BEYOND, 1).astype(np.float32)
    return Bins(column, lower, width, mean, deviation, least, most)


def _moments(values: NDArray[np.float32], ends: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean and deviation of the encoded values of a column, [2, bins]."""
    encoded = np.clip((values - ends[:-1, None]) / np.diff(ends)[:, None], 0, 1)
    deviation = np.maximum(encoded.std(axis=1), np.float32(LEAST_DEVIATION))
    return np.stack([encoded.mean(axis=1), deviation])


def encoded_layer(bins: Bins, columns: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Applies a dense layer to the encoded, centred and scaled columns.

    Args:
        bins: Of find_bins.
        columns: float32 [columns, batch].
        kernel: float32 [P, members, units].
        bias: float32 [members, units].

    Returns:
        float32 [batch, members, units].
    """
    return scaled_layer(bins, columns, scaled_kernel(bins, kernel), bias)


def scaled_kernel(bins: Bins, kernel: tf.Tensor) -> tf.Tensor:
    """Divides a kernel [P, members, units] by the scale of the columns, [P, members x units].

    It holds fewer numbers than a batch of encoded columns, which need not be scaled then.
    """
    scale = 1 / (bins.width * bins.deviation)
    values, members, units = tf.unstack(tf.shape(kernel))
    return tf.reshape(kernel, [values, members * units]) * scale[:, None]


def scaled_layer(bins: Bins, columns: tf.Tensor, scaled: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Does as encoded_layer with a kernel that is scaled already.

    Columns come in rows: to take whole rows P times costs a fraction of what it costs to
    take one value P times from each row.

    Args:
        bins: Of find_bins.
        columns: float32 [columns, batch].
        scaled: Of scaled_kernel.
        bias: float32 [members, units].
    """
    centre = bins.lower + bins.mean * bins.width
    least, most = ((end - bins.mean) * bins.width for end in (bins.least, bins.most))
    distance = tf.gather(columns, bins.column) - centre[:, None]
    inside = tf.clip_by_value(distance, least[:, None], most[:, None])
    members, units = tf.unstack(tf.shape(bias))
    found = tf.matmul(inside, scaled, transpose_a=True) + tf.reshape(bias, [-1])
    return tf.reshape(found, [-1, members, units])
