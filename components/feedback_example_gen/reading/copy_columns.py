"""Reads a query out of Postgres into Arrow columns.

Arrow parses what COPY has sent as a whole. Parsing from a pipe while COPY still sends
takes a fifth less time, but Arrow's reader of Python files can abort the process when
the interpreter exits.
"""

import gc
import io
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager

import numpy as np
import psycopg2.extensions
import pyarrow as pa
import pyarrow.csv
from psycopg2 import sql

from components.postgres.copying import copy_out
from transforms.arrays import Integers

_BLOCK_BYTES = 4 * 2**20


def copy_columns(
    connection: psycopg2.extensions.connection,
    query: sql.Composable,
    parameters: Mapping[str, object],
    types: Mapping[str, pa.DataType],
) -> pa.Table:
    """Runs COPY and parses what it sends.

    Args:
        connection: Open.
        query: A SELECT.
        parameters: Its values.
        types: Arrow type of each column that the query returns, by name, in any order.

    Returns:
        The columns in the order of `types`; NULL is null, and an empty string is an empty
        string.

    Raises:
        ValueError: The query returns other columns.
    """
    buffer = io.BytesIO()
    with connection.cursor() as cursor:
        inner = cursor.mogrify(query, parameters).decode()
        statement = f"COPY ({inner}) TO STDOUT (FORMAT csv, HEADER)"
        copy_out(cursor, statement, buffer)
    table = parsed_rows(buffer.getbuffer(), types)
    refuse_other_columns(set(table.column_names), types)
    return table.select(list(types)).unify_dictionaries()


def parsed_rows(
    text: memoryview, types: Mapping[str, pa.DataType], names: Sequence[str] | None = None
) -> pa.Table:
    """Parses rows of COPY's CSV.

    Args:
        text: Whole rows.
        types: Arrow type of each column, by name.
        names: The columns in their order; None where the first line holds them.

    Returns:
        The columns as they were sent; NULL is null, and an empty string is an empty string.
    """
    with _objects_hidden():
        return pyarrow.csv.read_csv(
            pa.py_buffer(text),
            read_options=pyarrow.csv.ReadOptions(block_size=_block_bytes(text), column_names=names),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            # COPY quotes an empty string, and writes nothing at all for NULL.
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict(types),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )


def refuse_other_columns(found: Set[str], types: Mapping[str, pa.DataType]) -> None:
    """Compares the columns that a query returns with those that are read.

    Raises:
        ValueError: They are others.
    """
    if found != set(types):
        raise ValueError(
            f"The query returns the columns {', '.join(sorted(found))}, but those that are "
            f"read are {', '.join(types)}: give it the columns of transforms/columns.py."
        )


@contextmanager
def _objects_hidden() -> Iterator[None]:
    """Keeps all objects of the process out of gc.get_referrers.

    Arrow calls it before it parses CSV on Python 3.10, to find frames that hold themselves; with
    TensorFlow imported it looks through 800,000 objects, which takes 0.1 s for each bucket that
    is read. Frozen objects are not looked through, and to freeze and unfreeze takes microseconds.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _block_bytes(text: memoryview) -> int:
    """Returns a size of blocks of which none begins between a CR and its LF.

    There Arrow takes the newline for the end of the last block's line, and drops it
    even where it belongs to a quoted value.
    """
    size = _BLOCK_BYTES
    while any(text[at - 1 : at + 1] == b"\r\n" for at in range(size, len(text), size)):
        size += 1
    return size


def integers_of(numbers: pa.Array) -> Integers:
    """Returns the values of an array of integers without nulls, not to be written to.

    Arrow's to_numpy imports pandas first, as its methods take and cast do: 0.3 s, for a check of a
    database a quarter of its time.
    """
    assert not numbers.null_count
    if not len(numbers):
        return np.empty(0, dtype=numbers.type.to_pandas_dtype())
    kind = np.dtype(numbers.type.to_pandas_dtype())
    begin = numbers.offset * kind.itemsize
    return np.frombuffer(numbers.buffers()[1], kind, count=len(numbers), offset=begin)


def column(table: pa.Table, name: str) -> pa.Array:
    """Returns a column as one array."""
    whole = table[name].combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
