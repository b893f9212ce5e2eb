"""Rows of a later moment, told before it: they count once it has come.

A place holds up to when there are such rows, so that the table is asked for none where there are
none. What was there before a place was made is told by no source: such a place says that it is
new, and the table is asked.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import value
from components.streaming.position import Position

_QUERIES: Final = queries(__package__)

AHEAD: Final = "ahead"
"""Of a place: the latest moment of rows of the future, as ISO has it; None without any."""
IS_NEW: Final = "is_new"
"""Of a place: whether nobody has looked yet for rows of the future."""


def latest_to_come(cursor: Cursor, place: Mapping[str, Any], as_of: datetime) -> datetime | None:
    """Returns up to when there are rows of the future; None where there are none.

    Args:
        cursor: Of the transaction of the step.
        place: Of the last reading.
        as_of: The moment of the step.
    """
    if not place.get(IS_NEW):
        text: str | None = place[AHEAD]
        return None if text is None else datetime.fromisoformat(text)
    cursor.execute(_QUERIES["latest_moment"], {"as_of": as_of})
    latest: datetime | None = value(cursor)
    return latest


def come_due(cursor: Cursor, position: Position, as_of: datetime) -> set[str]:
    """Finds the accounts of rows whose moment has come since the last reading.

    Args:
        cursor: Of the transaction of the step.
        position: Of the last reading.
        as_of: The moment of the step.
    """
    if position.place[AHEAD] is None and not position.place.get(IS_NEW):
        return set()
    values = {"read_up_to": position.read_up_to, "as_of": as_of}
    cursor.execute(_QUERIES["moment_has_come"], values)
    return {account for (account,) in cursor.fetchall() if account}
