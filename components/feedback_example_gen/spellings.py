"""Which values of the open sets are one word in several spellings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from components.feedback_example_gen.open_sets import OPEN_SETS
from components.feedback_example_gen.reading.feedback_reader import Int64s
from components.feedback_example_gen.word_counts import words_of
from transforms.words import normalised


@dataclass(frozen=True)
class Spellings:
    """Values of one column that differ from a more frequent one by case or blanks only.

    Attributes:
        column: Of feedback_enriched.
        spellings: How many values.
        rows: How many rows hold them.
        examples: The most frequent of them, each with the value it should probably be.
    """

    column: str
    spellings: int
    rows: int
    examples: tuple[tuple[str, str], ...]


def find_spellings(words: pa.Table, examples: int = 3) -> list[Spellings]:
    """Returns the spellings of each open set, in the order of OPEN_SETS.

    Args:
        words: As read_word_counts returns them.
        examples: How many to name of each column.
    """
    return [_spellings_of(words, column, examples) for column in OPEN_SETS]


def _spellings_of(words: pa.Table, column: str, examples: int) -> Spellings:
    values, rows = words_of(words, column, "rows")
    _, word = np.unique(normalised(values).numpy(), return_inverse=True)
    # By word, its most frequent spelling first; of equals the first in the alphabet.
    order = np.lexsort((_alphabetical(values), -rows, word))
    usual = order[np.searchsorted(word[order], word)]
    other = np.flatnonzero(usual != np.arange(len(values)))
    frequent = other[np.lexsort((_alphabetical(values)[other], -rows[other]))][:examples]
    return Spellings(
        column=column,
        spellings=len(other),
        rows=int(rows[other].sum()),
        examples=tuple((_text(values[one]), _text(values[usual[one]])) for one in frequent),
    )


def _alphabetical(values: Sequence[bytes]) -> Int64s:
    place = np.empty(len(values), dtype=np.int64)
    place[sorted(range(len(values)), key=values.__getitem__)] = np.arange(len(values))
    return place


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")[:40]
