"""The values of the open sets: how often each occurs, and which are one value spelled twice.

Values are counted for each bucket, written beside the Examples, and added up when read.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from tfx.dsl.io import fileio

from components.feedback_example_gen.examples import CutoffExamples
from components.feedback_example_gen.reading.feedback_reader import Feedback
from components.whole_files import write_whole
from transforms.arrays import Integers
from transforms.columns import OPEN_SETS, Column
from transforms.normalisation import normalised

VALUE_COUNTS: Final = "value_counts"
MOST_VALUES: Final = 100_000
"""Of one column in one bucket, the most frequent ones; a set of tags is never so large."""
_SCHEMA: Final = pa.schema(
    {"column": pa.string(), "value": pa.binary(), "rows": pa.int64(), "scored": pa.int64()}
)


def count_values(
    feedback: Feedback, scored: CutoffExamples | None, most: int = MOST_VALUES
) -> pa.Table:
    """Counts the values of a bucket column by column.

    Args:
        feedback: Its rows.
        scored: Its examples to be scored; None where there are none.
        most: Values kept of each column; the rest is one line whose value is null.

    Returns:
        Columns `column`, `value` (bytes as they are in the database), `rows`, and
        `scored`: events in the lists of the scored examples, for customer_tier and
        region accounts.
    """
    return pa.concat_tables(
        _count_column(feedback, column.name, _scored_rows(feedback, scored, column), most)
        for column in OPEN_SETS
    )


def _scored_rows(feedback: Feedback, scored: CutoffExamples | None, column: Column) -> Integers:
    if scored is None:
        return np.empty(0, dtype=np.int64)
    if column.of_account:
        return scored.end - 1
    steps = np.zeros(len(feedback.created_us) + 1, dtype=np.int64)
    np.add.at(steps, scored.begin, 1)
    np.subtract.at(steps, scored.end, 1)
    return np.flatnonzero(np.cumsum(steps))


def _count_column(feedback: Feedback, column: str, scored: Integers, most: int) -> pa.Table:
    values = feedback.strings[column].dictionary
    codes = feedback.strings[column].indices.to_numpy()
    rows = np.bincount(codes, minlength=len(values))
    events = np.bincount(codes[scored], minlength=len(values))
    frequent = np.argsort(-rows, kind="stable")
    kept = frequent[:most][rows[frequent[:most]] > 0]
    rest = frequent[most:]
    named = values.take(pa.array(kept, pa.int64())).to_pylist()
    if rows[rest].any():
        named, kept_rows = [*named, None], np.append(rows[kept], rows[rest].sum())
        kept_events = np.append(events[kept], events[rest].sum())
    else:
        kept_rows, kept_events = rows[kept], events[kept]
    columns = [[column] * len(named), named, kept_rows, kept_events]
    return pa.table(
        [pa.array(one, type_) for one, type_ in zip(columns, _SCHEMA.types, strict=True)],
        schema=_SCHEMA,
    )


def write_value_counts(
    examples_uri: str, bucket: int, values: pa.Table, attempts: str = ""
) -> None:
    """Writes the counts of one bucket beside the Examples, as write_whole does."""
    content = pa.BufferOutputStream()
    pyarrow.parquet.write_table(values, content)
    path = os.path.join(examples_uri, VALUE_COUNTS, f"{bucket:05d}.parquet")
    write_whole(path, content.getvalue().to_pybytes(), attempts)


def read_value_counts(examples_uri: str) -> pa.Table:
    """Returns the counts of all buckets, added up; columns as count_values returns them."""
    folder, tables = os.path.join(examples_uri, VALUE_COUNTS), [_SCHEMA.empty_table()]
    for name in sorted(fileio.listdir(folder)):
        with fileio.open(os.path.join(folder, name), "rb") as file:
            tables.append(pyarrow.parquet.read_table(pa.BufferReader(file.read())))
    together = pa.concat_tables(tables).group_by(["column", "value"])
    summed = together.aggregate([("rows", "sum"), ("scored", "sum")])
    return pa.table(
        {
            "column": summed["column"],
            "value": summed["value"],
            "rows": summed["rows_sum"],
            "scored": summed["scored_sum"],
        }
    )


def values_of(counts: pa.Table, column: str, count: str) -> tuple[list[bytes], Integers]:
    """Returns the values of a column and how often they occur, without the null line."""
    own = counts.filter(pa.compute.equal(counts["column"], column))
    own = own.filter(pa.compute.is_valid(own["value"]))
    return own["value"].to_pylist(), own[count].to_numpy()


@dataclass(frozen=True)
class CaseVariants:
    """Values of one column that differ from a more frequent one by case or blanks only.

    Attributes:
        column: Of feedback_enriched.
        variants: How many values.
        rows: How many rows hold them.
        examples: The most frequent of them, each with the value it should probably be.
    """

    column: str
    variants: int
    rows: int
    examples: tuple[tuple[str, str], ...]


def find_case_variants(counts: pa.Table, examples: int = 3) -> list[CaseVariants]:
    """Returns the case variants of each open set, in the order of OPEN_SETS.

    Args:
        counts: As read_value_counts returns them.
        examples: How many to name of each column.
    """
    return [_variants_of(counts, column.name, examples) for column in OPEN_SETS]


def _variants_of(counts: pa.Table, column: str, examples: int) -> CaseVariants:
    values, rows = values_of(counts, column, "rows")
    _, word = np.unique(normalised(values).numpy(), return_inverse=True)
    # By value, its most frequent spelling first; of equals the first in the alphabet.
    order = np.lexsort((_alphabetical(values), -rows, word))
    usual = order[np.searchsorted(word[order], word)]
    other = np.flatnonzero(usual != np.arange(len(values)))
    frequent = other[np.lexsort((_alphabetical(values)[other], -rows[other]))][:examples]
    return CaseVariants(
        column=column,
        variants=len(other),
        rows=int(rows[other].sum()),
        examples=tuple((_text(values[one]), _text(values[usual[one]])) for one in frequent),
    )


def _alphabetical(values: Sequence[bytes]) -> Integers:
    place = np.empty(len(values), dtype=np.int64)
    place[sorted(range(len(values)), key=values.__getitem__)] = np.arange(len(values))
    return place


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")[:40]
