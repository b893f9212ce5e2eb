"""Feature columns that travel together with their names."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import tensorflow as tf


class Block(NamedTuple):
    """Columns of the feature matrix: `values` float64 [batch, len(names)]."""

    names: tuple[str, ...]
    values: tf.Tensor


def block(names: Iterable[str], values: tf.Tensor) -> Block:
    """Names the columns of `values`, whatever axes follow its first one.

    Args:
        names: One name per column, in the row-major order of the axes after the first.
        values: float64 [batch, ...].
    """
    names = tuple(names)
    return Block(names, tf.reshape(values, [-1, len(names)]))


def columns(**named: tf.Tensor) -> Block:
    """Returns a block of the tensors [batch] given by keyword."""
    return Block(tuple(named), tf.stack(list(named.values()), axis=1))


def concatenate(blocks: Sequence[Block]) -> Block:
    """Puts blocks side by side."""
    names = tuple(name for one in blocks for name in one.names)
    return Block(names, tf.concat([one.values for one in blocks], axis=1))
