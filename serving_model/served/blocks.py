"""Asks about some rows at a time, always as many: answers do not depend on how many come together.

By the shapes of two matrices TensorFlow chooses how they are multiplied, and so how sums are
rounded; what an exponential function makes of the last numbers of a tensor depends on how many
there are. So whatever multiplies matrices, or bends numbers, is asked about whole blocks.
"""

from collections.abc import Callable
from typing import Final

import tensorflow as tf

BLOCK: Final = 32
"""Rows of a block. As many as a server asks about at once: a single account pays for all rows."""


def in_blocks(
    answer: Callable[..., tf.Tensor], *rows: tf.Tensor, width: int, size: int = BLOCK
) -> tf.Tensor:
    """Asks about one block after the other.

    Args:
        answer: From blocks of each of the tensors, float32 [size, ...], to float32 [size, width];
            it is best a tf.function, which is traced once.
        rows: Tensors float32 [n, ...] of the same n rows.
        width: Columns of the answer.
        size: Rows of a block.

    Returns:
        float32 [n, width], each row as it would be if it was asked about alone.
    """
    blocks = tuple(tf.reshape(filled_up(one, size), [-1, size, *one.shape[1:]]) for one in rows)
    answered = tf.TensorSpec([size, width], tf.float32)
    found = tf.map_fn(lambda block: answer(*block), blocks, fn_output_signature=answered)
    return tf.reshape(found, [-1, width])[: tf.shape(rows[0])[0]]


def filled_up(rows: tf.Tensor, size: int = BLOCK) -> tf.Tensor:
    """Returns rows, float32 [n, ...], with zeros after them up to whole blocks."""
    return tf.concat([rows, tf.zeros([-tf.shape(rows)[0] % size, *rows.shape[1:]])], axis=0)
