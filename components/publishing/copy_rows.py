"""Encodes rows for COPY ... FROM STDIN, in Postgres's text format.

Rows are encoded by the batch and column by column: looking at every value on its own
costs more than Postgres needs to store it. Rows that come as Arrow tables become no
objects of Python at all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import islice, repeat
from typing import Any

import pyarrow as pa
import pyarrow.compute

from components.errors import PublicationRefused
from components.postgres.tables import Column, ColumnType, StagedTable

Row = tuple[object, ...]
Rows = Iterable[Row] | Iterable[pa.Table]
"""Each row a value per column, or tables of such columns in their order."""
_ROWS_PER_READ = 2_000
_SHOWN = 80
"""Characters of a value that a message quotes."""
_ESCAPED = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))
"""The backslash first, which the others bring."""
_ESCAPES = str.maketrans(dict(_ESCAPED))
_ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "double precision": pa.float64(),
    "integer": pa.int64(),
    "jsonb": pa.string(),
    "real": pa.float32(),
    "real[]": pa.string(),
    # ISO 8601 with a time zone: Arrow would look for a database of time zones.
    "timestamptz": pa.string(),
}
"""Of the columns of tables in memory."""


class RowStream:
    """The file that COPY reads: encodes rows as they are asked for, or a part ahead.

    psycopg2 replaces an error of the rows' source by a cancelled query, so it is kept.

    Args:
        target: The table that COPY fills.
        rows: Its rows.
        thread: Encodes the next part while the server takes the last one; None for none.

    Attributes:
        error: What the source of the rows or their encoding raised; None if nothing.
    """

    def __init__(
        self, target: StagedTable, rows: Rows, thread: ThreadPoolExecutor | None = None
    ) -> None:
        self._target = target
        self._thread = thread
        self._ahead: Future[bytes] | None = None
        self._rows: Iterator[Any] = iter(rows)
        self._tables: Iterator[pa.Table] = iter(())
        self._done = 0
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """Returns some rows in UTF-8, or b"" after the last; their size is not bound by `size`."""
        try:
            if self._thread is None:
                return self._next()
            part = self._ahead.result() if self._ahead else self._next()
            self._ahead = self._thread.submit(self._next) if part else None
        except BaseException as error:
            self.error = error
            raise
        return part

    def readline(self, size: int = -1) -> bytes:
        """Not used by COPY, which asks for its presence."""
        return self.read(size)

    def _next(self) -> bytes:
        for part in self._tables:
            return _encoded_table(self._target, part)
        for first in self._rows:
            if isinstance(first, pa.Table):
                starts = range(0, first.num_rows, _ROWS_PER_READ)
                self._tables = map(first.slice, starts, repeat(_ROWS_PER_READ))
                return self._next()
            rows = [first, *islice(self._rows, _ROWS_PER_READ - 1)]
            text = self._encoded(rows)
            self._done += len(rows)
            return text
        return b""

    def _encoded(self, rows: list[Any]) -> bytes:
        width = len(self._target.columns)
        if any(len(row) != width for row in rows):
            raise self._refusal(rows)
        columns = zip(self._target.columns, zip(*rows, strict=True), strict=True)
        try:
            fields = [_encoded_column(column, values) for column, values in columns]
        except (TypeError, ValueError):
            raise self._refusal(rows) from None
        return "".join(map("{}\n".format, map("\t".join, zip(*fields, strict=True)))).encode()

    def _refusal(self, rows: list[Any]) -> PublicationRefused:
        """Finds the first value of a batch that could not be encoded."""
        names, table = self._target.column_names, self._target.name
        for number, row in enumerate(rows, self._done + 1):
            where = f"Nothing was published: row {number} for {table}"
            if len(row) != len(names):
                return PublicationRefused(
                    f"{where} has {len(row)} values, expected {len(names)}: {', '.join(names)}."
                )
            for column, value in zip(self._target.columns, row, strict=True):
                try:
                    _encoded_value(column, value)
                except (TypeError, ValueError) as error:
                    return PublicationRefused(
                        f"{where} cannot be stored: {column.name} {error}; "
                        f"found {_shown(value)}."
                    )
        raise AssertionError("no value of the batch is at fault")


def _shown(value: object) -> str:
    """Returns a value in ASCII; what is cut off ends in an ellipsis, which `forget` looks for."""
    if isinstance(value, str):
        return ascii(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")
    return ascii(value)[:_SHOWN]


def _encoded_table(target: StagedTable, rows: pa.Table) -> bytes:
    """Returns rows of a table in memory.

    Args:
        target: The table that COPY fills.
        rows: Its columns, in their order; text and JSON as strings.

    Raises:
        PublicationRefused: A column is another one, or of another type, or a value is missing.
    """
    if rows.column_names != list(target.column_names):
        raise PublicationRefused(
            f"Nothing was published: the rows for {target.name} have the columns "
            f"{', '.join(rows.column_names)}, expected {', '.join(target.column_names)}."
        )
    whole = rows.combine_chunks()
    texts = [
        _texts_of(target, column, part)
        for column, chunks in zip(target.columns, whole.columns, strict=True)
        for part in chunks.chunks
    ]
    text = _lines(texts)
    # Looking for a byte in all of it is many times as fast as looking into each value.
    if (
        text.count(b"\t") == (len(texts) - 1) * rows.num_rows
        and text.count(b"\n") == rows.num_rows
        and text.count(b"\\") == sum(one.null_count for one in texts)
        and b"\r" not in text
    ):
        return text
    return _lines([_escaped(one) for one in texts])


def _texts_of(target: StagedTable, column: Column, values: pa.Array) -> pa.Array:
    if values.type != _ARROW_TYPES[column.type]:
        raise PublicationRefused(
            f"Nothing was published: {column.name} of the rows for {target.name} is "
            f"{values.type}, expected {_ARROW_TYPES[column.type]}."
        )
    if values.null_count and not column.nullable:
        raise PublicationRefused(
            f"Nothing was published: {column.name} is missing in {values.null_count} of "
            f"{len(values)} rows for {target.name}."
        )
    # Numbers become the shortest text that gives the same number again, as repr does.
    return values.cast(pa.string())


def _lines(texts: list[pa.Array]) -> bytes:
    lines = pa.compute.binary_join_element_wise(*(one.fill_null(r"\N") for one in texts), "\t")
    _, _, text = pa.compute.binary_join_element_wise(lines, "\n", "").buffers()
    return bytes(text)


def _escaped(texts: pa.Array) -> pa.Array:
    for one, escaped in _ESCAPED:
        texts = pa.compute.replace_substring(texts, one, escaped)
    return texts


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("must be text")
    if "\0" in value:
        raise ValueError("holds a NUL character, which Postgres cannot store in text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half a surrogate pair, which is not Unicode text") from None
    return value.translate(_ESCAPES)


def _double(value: object) -> str:
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise TypeError("must be a number")
    return repr(float(value))


def _integer(value: object) -> str:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError("must be a whole number")
    return str(value.__index__())


def _moment(value: object) -> str:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise TypeError("must be a datetime with a time zone")
    return value.isoformat()


def _texts(values: Sequence[object]) -> Sequence[str]:
    # join refuses what is not text, so that a plain batch passes as it is.
    joined = "".join(values)  # type: ignore[arg-type]
    if _is_plain(joined):
        return values  # type: ignore[return-value]
    return [_text(value) for value in values]


def _is_plain(text: str) -> bool:
    # Looking for single characters is many times as fast as a pattern: it counts for JSON.
    if any(one in text for one in "\\\t\n\r\0"):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _doubles(values: Sequence[object]) -> Sequence[str]:
    if set(map(type, values)) == {float}:
        return [repr(value) for value in values]
    return [_double(value) for value in values]


def _integers(values: Sequence[object]) -> Sequence[str]:
    return [_integer(value) for value in values]


def _moments(values: Sequence[object]) -> Sequence[str]:
    texts = {value: _moment(value) for value in set(values)}
    return [texts[value] for value in values]


_Encoder = tuple[Callable[[object], str], Callable[[Sequence[object]], Sequence[str]]]
_ENCODERS: dict[ColumnType, _Encoder] = {
    "text": (_text, _texts),
    "double precision": (_double, _doubles),
    "integer": (_integer, _integers),
    "timestamptz": (_moment, _moments),
    # JSON comes as its text: it was encoded where it was made, in many processes.
    "jsonb": (_text, _texts),
    "real": (_double, _doubles),
    # As Postgres reads an array: "{0.5,0.25}".
    "real[]": (_text, _texts),
}
"""Of each type the encoder of one value, and the faster one of a column without None."""


def _encoded_value(column: Column, value: object) -> str:
    encode, _ = _ENCODERS[column.type]
    return r"\N" if value is None and column.nullable else encode(value)


def _encoded_column(column: Column, values: Sequence[object]) -> Sequence[str]:
    _, encode_all = _ENCODERS[column.type]
    if not column.nullable or None not in values:
        return encode_all(values)
    known = iter(encode_all([value for value in values if value is not None]))
    return [r"\N" if value is None else next(known) for value in values]
