"""How often each word of the open sets occurs, counted per bucket and added up."""

import os
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from tfx.dsl.io import fileio

from components.feedback_example_gen.open_sets import ACCOUNT_COLUMNS, OPEN_SETS
from components.feedback_example_gen.reading.feedback_reader import Feedback, Int64s
from components.feedback_example_gen.snapshots import Snapshots

WORDS: Final = "words"
MOST_WORDS: Final = 100_000
"""Of one column in one bucket, the most frequent ones; a tag set is never so large."""
_SCHEMA: Final = pa.schema(
    {"column": pa.string(), "word": pa.binary(), "rows": pa.int64(), "scored": pa.int64()}
)


def count_words(feedback: Feedback, scored: Snapshots | None, most: int = MOST_WORDS) -> pa.Table:
    """Counts the words of a bucket column by column.

    Args:
        feedback: Its rows.
        scored: Its snapshots to be scored; None where there are none.
        most: Words kept of each column; the rest is one line whose word is null.

    Returns:
        Columns `column`, `word` (bytes as they are in the database), `rows`, and
        `scored`: events in the lists of the scored snapshots, for customer_tier and
        region accounts.
    """
    tables = [_count_column(feedback, name, _scored_rows(feedback, scored, name), most)
              for name in OPEN_SETS]  # fmt: skip
    return pa.concat_tables(tables)


def _scored_rows(feedback: Feedback, scored: Snapshots | None, column: str) -> Int64s:
    if scored is None:
        return np.empty(0, dtype=np.int64)
    if column in ACCOUNT_COLUMNS:
        return scored.end - 1
    steps = np.zeros(len(feedback.created_us) + 1, dtype=np.int64)
    np.add.at(steps, scored.begin, 1)
    np.subtract.at(steps, scored.end, 1)
    return np.flatnonzero(np.cumsum(steps))


def _count_column(feedback: Feedback, column: str, scored: Int64s, most: int) -> pa.Table:
    words = feedback.strings[column].dictionary
    codes = feedback.strings[column].indices.to_numpy()
    rows = np.bincount(codes, minlength=len(words))
    events = np.bincount(codes[scored], minlength=len(words))
    frequent = np.argsort(-rows, kind="stable")
    kept = frequent[:most][rows[frequent[:most]] > 0]
    rest = frequent[most:]
    named = words.take(pa.array(kept, pa.int64())).to_pylist()
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


def write_word_counts(examples_uri: str, bucket: int, words: pa.Table) -> None:
    """Writes the counts of one bucket beside the Examples."""
    content = pa.BufferOutputStream()
    pyarrow.parquet.write_table(words, content)
    with fileio.open(os.path.join(examples_uri, WORDS, f"{bucket:05d}.parquet"), "wb") as file:
        file.write(content.getvalue().to_pybytes())


def read_word_counts(examples_uri: str) -> pa.Table:
    """Returns the counts of all buckets, added up; columns as count_words returns them."""
    folder, tables = os.path.join(examples_uri, WORDS), [_SCHEMA.empty_table()]
    for name in sorted(fileio.listdir(folder)):
        with fileio.open(os.path.join(folder, name), "rb") as file:
            tables.append(pyarrow.parquet.read_table(pa.BufferReader(file.read())))
    together = pa.concat_tables(tables).group_by(["column", "word"])
    summed = together.aggregate([("rows", "sum"), ("scored", "sum")])
    return pa.table(
        {
            "column": summed["column"],
            "word": summed["word"],
            "rows": summed["rows_sum"],
            "scored": summed["scored_sum"],
        }
    )


def words_of(words: pa.Table, column: str, count: str) -> tuple[list[bytes], Int64s]:
    """Returns the words of a column and how often they occur, without the null line."""
    own = words.filter(pa.compute.equal(words["column"], column))
    own = own.filter(pa.compute.is_valid(own["word"]))
    return own["word"].to_pylist(), own[count].to_numpy()
