"""Connections whose settings last for one transaction, so that a pooler hands none of them on.

PgBouncer in transaction mode gives the next transaction of another client the same session: what
SET left there would be that client's.
"""

from functools import cache
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class


class SettledConnection(Connection):
    """A connection that begins each transaction with its settings.

    Attributes:
        local_settings: SET LOCAL statements; empty for none.
    """

    local_settings: str = ""

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

    def execute(self, *arguments: Any, **named: Any) -> Any:
        self.connection.settle()
        return super().execute(*arguments, **named)  # type: ignore[misc]

    def executemany(self, *arguments: Any, **named: Any) -> Any:
        self.connection.settle()
        return super().executemany(*arguments, **named)  # type: ignore[misc]

    def copy_expert(self, *arguments: Any, **named: Any) -> Any:
        self.connection.settle()
        return super().copy_expert(*arguments, **named)  # type: ignore[misc]


@cache
def _settled(kind: type[Cursor]) -> type[Cursor]:
    return type(f"Settled{kind.__name__}", (_Settled, kind), {})
