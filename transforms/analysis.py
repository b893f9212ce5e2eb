"""What the features need to know of all training examples: frequent words, means, variances.

tf.Transform's analyzers would give the same to the last bit, and take several traces of the
graph and a Beam pipeline of hundreds of stages for it: most of a small run.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf

from transforms.arrays import Floats
from transforms.normalisation import normalised
from transforms.vocabularies import VOCABULARIES, spelled_words

Words = Mapping[str, Counter[bytes]]
"""How often each word occurs, as `normalised` writes it, by name of VOCABULARIES."""

_MOMENTS: Final = "moments.npy"
_NO_WORD: Final = b"NO WORD"
"""Stands in an empty vocabulary, since a table needs a line; no normalised word is upper case."""


class Moments(NamedTuple):
    """Rows, and mean and variance of each engineered column, [F]."""

    rows: int
    mean: Floats
    variance: Floats

    def joined(self, other: "Moments") -> "Moments":
        """Returns the moments of both parts, by the formula of tf.Transform's combiner."""
        a, b = (self, other) if self.rows >= other.rows else (other, self)
        rows = a.rows + b.rows
        share = b.rows / rows
        mean = a.mean + share * (b.mean - a.mean)
        apart = (b.mean - mean) * (b.mean - a.mean)
        return Moments(rows, mean, a.variance + share * (b.variance - a.variance + apart))


class Analysis(NamedTuple):
    """What was found in the training examples."""

    files: Mapping[str, str]
    """Path of the file of words, the most frequent first, by name of VOCABULARIES."""
    mean: Floats
    """Of each engineered column, [F]."""
    deviation: Floats
    """Standard deviation of each, [F]; 0 where all values are the same."""

    @classmethod
    def read(cls, folder: str) -> "Analysis":
        """Reads what `write_words` and `write_moments` left in a folder."""
        mean, variance = np.load(Path(folder) / _MOMENTS)
        return cls(word_files(folder), mean, np.sqrt(variance))


def word_files(folder: str) -> dict[str, str]:
    """Returns the path of each vocabulary's file in a folder; it is named like an asset."""
    return {name: str(Path(folder) / name) for name in VOCABULARIES}


def count_spellings(inputs: Mapping[str, Any]) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """Counts the spellings of a batch.

    Args:
        inputs: Raw features by name; those of VOCABULARIES are enough.

    Returns:
        Spellings, string [n], and how often each occurs, int64 [n], by name of VOCABULARIES.
    """
    found = {}
    for name, words in VOCABULARIES.items():
        spellings, _, counts = tf.unique_with_counts(
            spelled_words(inputs, words.column), out_idx=tf.int64
        )
        found[name] = spellings, counts
    return found


def add_words(words: Words, spellings: Mapping[str, tuple[tf.Tensor, tf.Tensor]]) -> None:
    """Adds the counts of a batch, spelling by spelling, to those of its words."""
    for name, (spelled, counts) in spellings.items():
        for word, count in zip(normalised(spelled).numpy(), counts.numpy(), strict=True):
            words[name][word] += int(count)


def write_words(folder: str, words: Words) -> None:
    """Writes the vocabularies: the most frequent words, of equally frequent ones the last.

    A word with a line break in it cannot be kept, and the empty one is none.

    Args:
        folder: Of the files.
        words: Their counts.
    """
    for name, path in word_files(folder).items():
        kept = [(n, word) for word, n in words[name].items() if word and not _breaks(word)]
        chosen = [word for _, word in sorted(kept, reverse=True)[: VOCABULARIES[name].size]]
        Path(path).write_bytes(b"".join(word + b"\n" for word in chosen or [_NO_WORD]))


def _breaks(word: bytes) -> bool:
    return b"\n" in word or b"\r" in word


def batch_moments(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and variance of each column, float64 [F], of float64 [batch > 0, F]."""
    count = tf.cast(tf.shape(matrix)[0], matrix.dtype)
    mean = tf.reduce_sum(matrix, axis=0) / count
    return mean, tf.reduce_sum(tf.square(matrix - mean), axis=0) / count


def write_moments(folder: str, moments: Moments) -> None:
    """Writes the moments of all training examples."""
    np.save(Path(folder) / _MOMENTS, np.stack([moments.mean, moments.variance]))


def z_scores(matrix: tf.Tensor, analysis: Analysis) -> tf.Tensor:
    """Scales each column to mean 0 and deviation 1; one of deviation 0 to mean 0.

    Args:
        matrix: float64 [batch, F].
        analysis: Of the training examples.
    """
    scale = np.where(analysis.deviation == 0, 1.0, analysis.deviation)
    return (matrix - analysis.mean) / scale
