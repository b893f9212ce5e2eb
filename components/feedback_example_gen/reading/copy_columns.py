"""Reads a query out of Postgres into Arrow columns."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

import numpy as np
import psycopg2.extensions
import pyarrow as pa
from numpy.typing import NDArray
from psycopg2 import sql

from components.feedback_example_gen.reading.row_chunks import copy_chunks
from transforms.arrays import Integers

# pa.scalar(-1) would import pandas.
NOWHERE: Final = pa.Array.from_buffers(pa.int32(), 1, [None, pa.py_buffer(np.int32(-1))])[0]
"""-1 as a value of Arrow: the code of what is not there."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def copy_columns(
    connection: psycopg2.extensions.connection,
    query: sql.Composable,
    parameters: Mapping[str, object],
    types: Mapping[str, pa.DataType],
) -> pa.Table:
    """Runs COPY and parses what it sends, while it sends.

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
    chunks: list[pa.Table] = []
    copy_chunks(connection, query, parameters, types, chunks.append)
    return pa.concat_tables(chunks).unify_dictionaries()


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


_ARROW: Final = {
    np.dtype(name): pa.from_numpy_dtype(name) for name in ("float32", "float64", "int32", "int64")
}


def array_of(numbers: NDArray[np.generic]) -> pa.Array:
    """Returns numbers of 32 or 64 bits as an Arrow array, of the same memory if they lie in a row.

    For a few numbers pa.array takes several times as long: it looks for what else they may be.
    """
    content = pa.py_buffer(np.ascontiguousarray(numbers))
    return pa.Array.from_buffers(_ARROW[numbers.dtype], len(numbers), [None, content])


def microseconds(moment: datetime) -> int:
    """Returns an aware datetime as a column of moments holds it: since 1970-01-01 UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def column(table: pa.Table, name: str) -> pa.Array:
    """Returns a column as one array."""
    chunks = table[name]
    if chunks.num_chunks == 1:
        return chunks.chunk(0)
    whole = chunks.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
