"""COPY in both directions, without a word about rows where it breaks."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class


class Parts:
    """A file for COPY ... FROM STDIN of parts that are made as they are asked for."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = iter(parts)

    def read(self, size: int = -1) -> bytes:
        """Returns the next part, or b"" after the last; its size is not bound by `size`."""
        return next((part for part in self._parts if part), b"")

    def readline(self, size: int = -1) -> bytes:
        """Not used by COPY, which asks for its presence."""
        return self.read(size)


def copy_in(cursor: Cursor, statement: str | sql.Composable, source: Any) -> None:
    """Sends what a file holds to COPY ... FROM STDIN.

    Args:
        cursor: Of an open connection.
        statement: The COPY.
        source: Anything with read() and readline().

    Raises:
        psycopg2.Error: As copy_expert does.
    """
    with _silent_driver():
        cursor.copy_expert(statement, source)


def copy_out(cursor: Cursor, statement: str | sql.Composable, target: IO[Any]) -> None:
    """Writes what COPY ... TO STDOUT sends into a file.

    Args:
        cursor: Of an open connection.
        statement: The COPY.
        target: Takes bytes, or text if it is a text file.

    Raises:
        psycopg2.Error: As copy_expert does.
    """
    with _silent_driver():
        cursor.copy_expert(statement, target)


@contextmanager
def _silent_driver() -> Iterator[None]:
    """Keeps psycopg2 from printing a traceback of its own where a backend dies in COPY.

    It prints one with the row that the server was at, beside raising an error that tells of the
    same failure; what it prints goes through sys.excepthook, past all logging.
    """
    hook = sys.excepthook
    sys.excepthook = _drop
    try:
        yield
    finally:
        sys.excepthook = hook


def _drop(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Takes the place of sys.excepthook while COPY runs: its errors are raised as well."""
