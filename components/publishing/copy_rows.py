"""Encodes rows for COPY ... FROM STDIN, in Postgres's text format.

Rows are encoded by the batch and column by column: looking at every value on its own
costs more than Postgres needs to store it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice

from components.errors import PublicationRefused
from components.publishing.targets import ColumnType, Staged

Row = tuple[object, ...]
_ROWS_PER_READ = 2_000
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_NOT_PLAIN = re.compile("[\\\\\t\n\r\0\ud800-\udfff]")


class RowStream:
    """The file that COPY reads: encodes rows as they are asked for.

    psycopg2 replaces an error of the rows' source by a cancelled query, so it is kept.

    Attributes:
        error: What the source of the rows or their encoding raised; None if nothing.
    """

    def __init__(self, target: Staged, rows: Iterable[Row]):
        self._target = target
        self._rows = iter(rows)
        self._done = 0
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> str:
        """Returns some rows, or "" after the last; their size is not bound by `size`."""
        try:
            rows = list(islice(self._rows, _ROWS_PER_READ))
            text = self._encoded(rows) if rows else ""
        except BaseException as error:
            self.error = error
            raise
        self._done += len(rows)
        return text

    def readline(self, size: int = -1) -> str:
        """Not used by COPY, which asks for its presence."""
        return self.read(size)

    def _encoded(self, rows: list[Row]) -> str:
        width = len(self._target.columns)
        if any(len(row) != width for row in rows):
            raise self._refusal(rows)
        types = [type_ for _, type_ in self._target.columns]
        columns = zip(types, zip(*rows, strict=True), strict=True)
        try:
            fields = [_COLUMN_ENCODERS[type_](values) for type_, values in columns]
        except (TypeError, ValueError):
            raise self._refusal(rows) from None
        return "".join(map("{}\n".format, map("\t".join, zip(*fields, strict=True))))

    def _refusal(self, rows: list[Row]) -> PublicationRefused:
        """Finds the first value of a batch that could not be encoded."""
        names, table = self._target.column_names, self._target.table
        for number, row in enumerate(rows, self._done + 1):
            where = f"Nothing was published: row {number} for {table}"
            if len(row) != len(names):
                return PublicationRefused(
                    f"{where} has {len(row)} values, expected {len(names)}: {', '.join(names)}."
                )
            for (name, type_), value in zip(self._target.columns, row, strict=True):
                try:
                    _VALUE_ENCODERS[type_](value)
                except (TypeError, ValueError) as error:
                    return PublicationRefused(
                        f"{where} cannot be stored: {name} {error}; found {ascii(value)[:80]}."
                    )
        raise AssertionError("no value of the batch is at fault")


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
    # Looking for single characters is many times as fast as the pattern: it counts for JSON.
    if text.isascii():
        return not any(one in text for one in "\\\t\n\r\0")
    return _NOT_PLAIN.search(text) is None


def _doubles(values: Sequence[object]) -> Sequence[str]:
    if set(map(type, values)) == {float}:
        return [repr(value) for value in values]
    return [_double(value) for value in values]


def _integers(values: Sequence[object]) -> Sequence[str]:
    return [_integer(value) for value in values]


def _moments(values: Sequence[object]) -> Sequence[str]:
    texts = {value: _moment(value) for value in set(values)}
    return [texts[value] for value in values]


def _nullable(encode: Callable[[object], str]) -> Callable[[object], str]:
    return lambda value: r"\N" if value is None else encode(value)


def _nullables(
    encode: Callable[[object], str], encode_all: Callable[[Sequence[object]], Sequence[str]]
) -> Callable[[Sequence[object]], Sequence[str]]:
    one = _nullable(encode)
    return lambda values: list(map(one, values)) if None in values else encode_all(values)


_VALUE_ENCODERS: dict[ColumnType, Callable[[object], str]] = {
    "text": _text,
    "double precision": _double,
    "integer": _integer,
    "timestamptz": _moment,
    # JSON comes as its text: it was encoded where it was made, in many processes.
    "jsonb": _text,
    "jsonb NULL": _nullable(_text),
    "double precision NULL": _nullable(_double),
}
_COLUMN_ENCODERS: dict[ColumnType, Callable[[Sequence[object]], Sequence[str]]] = {
    "text": _texts,
    "double precision": _doubles,
    "integer": _integers,
    "timestamptz": _moments,
    "jsonb": _texts,
    "jsonb NULL": _nullables(_text, _texts),
    "double precision NULL": _nullables(_double, _doubles),
}
