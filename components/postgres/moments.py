"""Dates that other systems write: which ones can be true, and those that Python cannot hold."""

from datetime import datetime, timezone
from typing import Final

import psycopg2
from psycopg2.extensions import PYDATETIME, PYDATETIMETZ, new_type, register_type
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=timezone.utc)
"""Older dates of feedback or churn are no dates: the zero dates of other systems (the years 1,
1601, 1899, 1900, 1904, 1970 and 1980) lie before it, customers' words in a database do not."""

LATEST: Final = datetime(9999, 12, 31, tzinfo=timezone.utc)
"""From it on Python's calendar ends; no date of feedback is meant."""

_FIRST: Final = datetime.min.replace(tzinfo=timezone.utc)
_LAST: Final = datetime.max.replace(tzinfo=timezone.utc)
Text = str | bytes | None
"""What psycopg2 hands to a reader of a type: text, where the client's encoding is known."""
_TIMESTAMPTZ_OID: Final = 1184
_TIMESTAMP_OID: Final = 1114


def hold_all_moments(connection: Connection) -> None:
    """Lets a connection read every moment that Postgres can hold.

    Postgres knows the years 4713 BC to 294276 and both infinities, Python the years 1 to 9999.
    A moment outside of these is read as the first or the last one that Python knows, as psycopg2
    does with the infinities; without this a single such row ends a command with ValueError.
    """
    register_type(new_type((_TIMESTAMPTZ_OID,), "MOMENT", _moment), connection)
    register_type(new_type((_TIMESTAMP_OID,), "LOCAL_MOMENT", _local_moment), connection)


def _moment(text: Text, cursor: Cursor) -> datetime | None:
    if text is None:
        return None
    try:
        read: datetime = PYDATETIMETZ(text, cursor)
        # In UTC also where the session is not: a pooler may have forgotten its time zone.
        return read.astimezone(timezone.utc)
    except (ValueError, OverflowError, psycopg2.DataError):
        return _nearest(text)


def _local_moment(text: Text, cursor: Cursor) -> datetime | None:
    if text is None:
        return None
    try:
        read: datetime = PYDATETIME(text, cursor)
    except (ValueError, OverflowError, psycopg2.DataError):
        return _nearest(text).replace(tzinfo=None)
    return read


def _nearest(text: str | bytes) -> datetime:
    text = text if isinstance(text, str) else text.decode("ascii")
    # Midnight of 1 January of the year 1 east of Greenwich is in the year before.
    is_before = text.endswith("BC") or text.startswith(("-", "0001-"))
    return _FIRST if is_before else _LAST
