"""Serialized examples that this process wrote itself, for the nodes that read them next.

The file is written all the same, and is what counts: who finds nothing here reads it, such as a
node in a process of its own. Decompressing the split to score costs a run of 100,000 accounts half
a second in each node that reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import tensorflow as tf

from components import ahead

MOST_BYTES: Final = 192 * 2**20
"""Of all examples of a file; of a larger one nothing is kept."""


@dataclass(frozen=True)
class _HandedOver:
    """What a file holds, as long as it is the file that was written."""

    path: str
    written: tuple[int, int]
    examples: Sequence[bytes]


@dataclass(frozen=True)
class ReadRows:
    """All rows of the feedback are read; making examples of them needs the database no more."""


@dataclass(frozen=True)
class WrittenExamples:
    """The examples to be scored, whole, in one file, and held in memory too: for early work.

    Attributes:
        path: Of the file.
        written: What tells the file from one that takes its place.
    """

    path: str
    written: tuple[int, int]


_newest: list[_HandedOver] = []


class Gathered:
    """Gathers what is written to a file.

    Args:
        most_bytes: Beyond which nothing is kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._left = most_bytes
        self._examples: list[bytes] = []

    def add(self, examples: Sequence[bytes]) -> None:
        """Takes the next examples of the file."""
        if self._left < 0:
            return
        self._left -= sum(map(len, examples))
        if self._left < 0:
            self._examples = []
        else:
            self._examples += examples

    def hand_over(self, path: str) -> None:
        """Keeps the examples for the readers of a file, in place of those of the file before.

        What later nodes do with them alone is begun.

        Args:
            path: Of the file, which is whole and closed.
        """
        _newest.clear()
        if self._left < 0:
            return
        written = written_file(path)
        _newest.append(_HandedOver(path, written, self._examples))
        ahead.begin(WrittenExamples(path, written))


def handed_over(path: str) -> Sequence[bytes] | None:
    """Returns the examples of a file, in their order; None where they have to be read."""
    for one in _newest:
        if one.path == path and one.written == written_file(path):
            return one.examples
    return None


def written_file(path: str) -> tuple[int, int]:
    """Returns the length of a file and when it was written, which tell it from another."""
    found = tf.io.gfile.stat(path)
    return int(found.length), int(found.mtime_nsec)
