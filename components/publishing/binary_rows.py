"""Encodes Arrow tables for COPY ... FROM STDIN in Postgres's binary format.

Numbers are sent as they lie in memory: neither side makes texts of them, which for the numbers of
an account is most of what COPY costs. Each field is a length of 4 bytes and its content.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = struct.pack("!h", -1)
_NULL: Final = struct.pack("!i", -1)
_REAL: Final = 700
"""Number of the type real in pg_type, the same in every database."""


def binary_rows(tables: Iterable[pa.Table], first: int | None = None) -> Iterator[bytes]:
    """Yields what COPY reads: header, the rows of each table, trailer.

    Args:
        tables: Columns in the order of the statement, as string, float32 (real) or lists of
            float32 without nulls (real[], of one length in a column of a table).
        first: Value of a further column of type bigint before them; None for no such column.
    """
    yield HEADER
    for table in tables:
        yield _encoded(table, first)
    yield TRAILER


def _encoded(table: pa.Table, first: int | None) -> bytes:
    if not table.num_rows:
        return b""
    head = struct.pack("!h", len(table.columns) + (first is not None))
    if first is not None:
        head += struct.pack("!iq", 8, first)
    fields = [_field(column) for column in table.combine_chunks().columns]
    start = _repeated(head, table.num_rows)
    _, _, content = pa.compute.binary_join_element_wise(start, *fields, b"").buffers()
    return bytes(content)


def _field(chunks: pa.ChunkedArray) -> pa.Array:
    column = chunks.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0)
    if column.null_count == len(column):
        return _repeated(_NULL, len(column))
    encode = _texts if pa.types.is_string(column.type) else _numbers
    found = encode(column)
    if not column.null_count:
        return found
    return pa.compute.if_else(column.is_valid(), found, pa.scalar(_NULL, pa.binary()))


def _texts(column: pa.Array) -> pa.Array:
    texts = column.cast(pa.binary()).fill_null(b"")
    lengths = np.asarray(pa.compute.binary_length(texts).to_numpy(), ">i4")
    return pa.compute.binary_join_element_wise(_rows_of_bytes(lengths[:, None]), texts, b"")


def _numbers(column: pa.Array) -> pa.Array:
    rows = len(column)
    if not pa.types.is_list(column.type):
        values = column.fill_null(0.0).to_numpy().astype(">f4")
        lengths = np.full([rows, 1], 4, ">i4")
        return _rows_of_bytes(np.concatenate([_bytes(lengths), _bytes(values[:, None])], axis=1))
    values = column.flatten().to_numpy()
    if column.null_count or len(values) % rows:
        raise ValueError("lists of one length are expected")
    return _rows_of_bytes(_array_bytes(values.reshape(rows, -1)))


def _array_bytes(matrix: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Returns arrays of one dimension: dimensions, no nulls, type, size, lower bound, elements."""
    rows, size = matrix.shape
    head = np.array([20 + 8 * size, 1, 0, _REAL, size, 1], ">i4")
    elements = np.empty([rows, size, 2], ">i4")
    elements[:, :, 0] = 4
    elements[:, :, 1] = np.ascontiguousarray(matrix, np.float32).view(np.int32)
    heads = np.broadcast_to(_bytes(head[None]), [rows, 24])
    return np.concatenate([heads, _bytes(elements.reshape(rows, -1))], axis=1)


def _bytes(matrix: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(matrix).view(np.uint8).reshape(len(matrix), -1)


def _rows_of_bytes(matrix: NDArray[Any]) -> pa.Array:
    """Returns each row of a matrix as a binary value."""
    content = _bytes(matrix)
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(content.shape[1]), len(content), [None, pa.py_buffer(content)]
    )
    return fixed.cast(pa.binary())


def _repeated(value: bytes, rows: int) -> pa.Array:
    return _rows_of_bytes(np.broadcast_to(np.frombuffer(value, np.uint8), [rows, len(value)]))
