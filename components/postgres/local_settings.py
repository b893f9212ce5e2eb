"""Connections whose settings last for one transaction, so that a pooler hands none of them on.

PgBouncer in transaction mode gives the next transaction of another client the same session: what
SET left there would be that client's.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Final

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class
from psycopg2.sql import Composable

_READ_ONLY: Final = "SET TRANSACTION READ ONLY; "
_ONE_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; "


class SettledConnection(Connection):
    """A connection that begins each transaction with its settings.

    Attributes:
        local_settings: SET LOCAL statements; empty for none.
        reads_alone: Whether each statement is a transaction of its own, which only reads and is
            sent with its settings in one go: one journey to the server in place of four. Set by
            `read_alone`.
    """

    local_settings: str = ""
    reads_alone = False

    def read_alone(self) -> None:
        """Makes each statement a transaction of its own, but for those of `one_snapshot`."""
        self.autocommit = True
        self.reads_alone = True

    @contextmanager
    def one_snapshot(self) -> Iterator[None]:
        """Lets statements see one state of the database, where else each is alone."""
        with Cursor(self) as cursor:
            cursor.execute(_ONE_SNAPSHOT + self.local_settings)
            try:
                yield
            except BaseException:
                with suppress(psycopg2.Error):  # what went wrong before says more
                    cursor.execute("ROLLBACK")
                raise
            cursor.execute("ROLLBACK")

    # One signature in place of psycopg2's three.
    def cursor(self, *arguments: Any, **named: Any) -> Any:
        """Returns a cursor as psycopg2 does; where it begins a transaction, it settles that."""
        asked: dict[str, Any] = dict(zip(("name", "cursor_factory"), arguments, strict=False))
        asked |= named
        kind: Any = asked.pop("cursor_factory", None) or self.cursor_factory
        return super().cursor(cursor_factory=_settled(kind or Cursor), **asked)

    def settle(self) -> None:
        """Begins a transaction with the settings, unless one is open or none is wanted."""
        idle = self.info.transaction_status == TRANSACTION_STATUS_IDLE
        if idle and self.local_settings and not self.autocommit:
            # Utility statements alone: SET TRANSACTION SNAPSHOT must come before any query.
            Cursor(self).execute(self.local_settings)


class _Settled:
    """What a cursor does first in each statement."""

    connection: SettledConnection

    def execute(self, query: str | Composable, vars: Any = None) -> Any:
        self.connection.settle()
        return super().execute(self._with_settings(query, vars), vars)  # type: ignore[misc]

    def _with_settings(self, query: str | Composable, values: Any) -> str | Composable:
        connection = self.connection
        if not connection.reads_alone:
            return query
        if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            return query
        text = query if isinstance(query, str) else query.as_string(connection)
        settings = f"{_READ_ONLY}{connection.local_settings}; "
        return (settings if values is None else settings.replace("%", "%%")) + text

    def executemany(self, *arguments: Any, **named: Any) -> Any:
        self.connection.settle()
        return super().executemany(*arguments, **named)  # type: ignore[misc]

    def copy_expert(self, *arguments: Any, **named: Any) -> Any:
        self.connection.settle()
        return super().copy_expert(*arguments, **named)  # type: ignore[misc]


@cache
def _settled(kind: type[Cursor]) -> type[Cursor]:
    return type(f"Settled{kind.__name__}", (_Settled, kind), {})
