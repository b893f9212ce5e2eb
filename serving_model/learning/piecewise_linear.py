"""Piecewise linear encoding of numbers: what lets a small network bend where trees would cut.

Gorishniy, Rubachev and Babenko 2022, "On Embeddings for Numerical Features in Tabular Deep
Learning": a number becomes one value per bin between two quantiles, 0 below it, 1 above it and
linear within it. The outermost bins go on beyond the ends, as theirs do, but not for ever.
"""

from typing import Any, Final, NamedTuple

import keras
import numpy as np
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
    quantiles = np.quantile(rows, np.linspace(0, 1, count + 1), axis=0).astype(np.float32)
    edges = [np.unique(np.round(column, DECIMALS)) for column in quantiles.T]
    column = np.repeat(np.arange(len(edges), dtype=np.int32), [len(one) - 1 for one in edges])
    lower = np.concatenate([one[:-1] for one in edges])
    width = np.concatenate([np.diff(one) for one in edges])
    encoded = np.clip((rows[:, column] - lower) / width, 0, 1)
    deviation = np.maximum(encoded.std(axis=0), np.float32(LEAST_DEVIATION))
    first, last = (np.diff(column, **end) != 0 for end in ({"prepend": -1}, {"append": -1}))
    least = np.where(first, -BEYOND, 0).astype(np.float32)
    most = np.where(last, 1 + BEYOND, 1).astype(np.float32)
    return Bins(column, lower, width, encoded.mean(axis=0), deviation, least, most)


class PiecewiseLinear(keras.layers.Layer):
    """Encodes float32 [batch, columns] as [batch, P], centred and scaled.

    Args:
        bins: Of find_bins.
    """

    def __init__(self, bins: Bins, **options: Any) -> None:
        super().__init__(**options)
        self._bins = bins

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Returns the encoded columns."""
        bins = self._bins
        chosen = keras.ops.take(features, bins.column, axis=1)
        encoded = keras.ops.clip((chosen - bins.lower) / bins.width, bins.least, bins.most)
        return (encoded - bins.mean) / bins.deviation

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """Returns [batch, P]."""
        return shape[0], len(self._bins.column)
