"""Parses the rows of COPY's CSV chunk by chunk, in a thread, while COPY still sends."""

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import psycopg2.extensions
import pyarrow as pa
from psycopg2 import sql

from components.feedback_example_gen.reading.parsed_rows import parsed_rows, refuse_other_columns
from components.postgres.copying import copy_out

CHUNK_BYTES: Final = 32 * 2**20
_WAITING: Final = 2
"""Chunks that may wait for the parser: so many are in memory beside the one that is filled."""


def copy_chunks(
    connection: psycopg2.extensions.connection,
    query: sql.Composable,
    parameters: Mapping[str, object],
    types: Mapping[str, pa.DataType],
    take: Callable[[pa.Table], None],
) -> None:
    """Runs COPY, and hands on what it sends while it sends.

    Memory holds a few chunks of what COPY sends, whatever the number of rows.

    Args:
        connection: Open.
        query: A SELECT.
        parameters: Its values.
        types: Arrow type of each column that the query returns, by name, in any order.
        take: Is called with the rows of each chunk, in their order, in another thread; columns
            are in the order of `types`. At least once, with no rows if there are none.

    Raises:
        ValueError: The query returns other columns.
        Exception: What `take` raises, as it is.
    """
    # The thread is waited for in any case: it may not outlive what `take` writes to.
    with ThreadPoolExecutor(1) as parser, connection.cursor() as cursor:
        chunks = _Chunks(types, take, parser)
        # Of C, where a file of Python would be called for each row.
        buffered = io.BufferedWriter(chunks, CHUNK_BYTES)
        inner = cursor.mogrify(query, parameters).decode()
        copy_out(cursor, f"COPY ({inner}) TO STDOUT (FORMAT csv, HEADER)", buffered)
        buffered.flush()
        chunks.finish()


class _Chunks(io.RawIOBase):
    """Takes what COPY sends, and has it parsed whenever it ends with a whole row."""

    def __init__(
        self,
        types: Mapping[str, pa.DataType],
        take: Callable[[pa.Table], None],
        parser: ThreadPoolExecutor,
    ) -> None:
        super().__init__()
        self._types = types
        self._take = take
        self._parser = parser
        self._names: Sequence[str] | None = None
        self._open = b""
        self._waiting: list[Future[None]] = []

    def writable(self) -> bool:
        """Says that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Has all rows up to here parsed, if the last one is whole."""
        text = self._open + bytes(data)
        # A newline within a quoted value has an odd number of quotes before it.
        if text.endswith(b"\n") and text.count(b'"') % 2 == 0:
            self._open = b""
            self._parse(text)
        else:
            self._open = text
        return len(data)

    def finish(self) -> None:
        """Waits for the parser, and makes sure that nothing is left.

        Raises:
            ValueError: What was sent ends within a row.
        """
        if self._open:
            raise ValueError("COPY ended within a row.")
        self._wait_for(0)

    def _wait_for(self, left: int) -> None:
        while len(self._waiting) > left:
            self._waiting.pop(0).result()

    def _parse(self, text: bytes) -> None:
        rows = memoryview(text)
        if self._names is None:
            head, _, _ = text.partition(b"\n")
            self._names = head.decode().split(",")
            refuse_other_columns(set(self._names), self._types)
            rows = rows[len(head) + 1 :]
            if not rows:
                self._take(_no_rows(self._types))
                return
        self._wait_for(_WAITING - 1)
        self._waiting.append(self._parser.submit(self._parse_rows, rows))

    def _parse_rows(self, rows: memoryview) -> None:
        table = parsed_rows(rows, self._types, self._names)
        self._take(table.select(list(self._types)))


def _no_rows(types: Mapping[str, pa.DataType]) -> pa.Table:
    return pa.schema(list(types.items())).empty_table()
