"""When two spellings are one word: case and surrounding blanks do not count."""

from collections.abc import Sequence

import tensorflow as tf


def normalised(values: tf.Tensor | Sequence[bytes]) -> tf.Tensor:
    """Returns words in lower case without leading and trailing blanks.

    The graph of the model, its vocabularies and the counts of spellings all call this
    function, so that they agree. A blank is a space, tab, newline, CR, vertical tab or
    form feed; a blank within a word stays.

    Args:
        values: UTF-8 strings of any shape.

    Returns:
        Strings of the same shape. What is not UTF-8 becomes U+FFFD, and a NUL, which
        Postgres cannot store, ends a word.
    """
    stripped = tf.strings.strip(tf.convert_to_tensor(values, tf.string))
    # ASCII first: lower() for UTF-8 follows the process's locale, and a Turkish one makes
    # a dotless i of every I.
    return tf.strings.lower(tf.strings.lower(stripped), encoding="utf-8")
