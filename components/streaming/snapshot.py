"""What a reading transaction sees, and what a source finds in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import one_record

_QUERIES: Final = queries(__package__)
XIDS: Final = 1 << 32
"""Rows hold the number of a transaction modulo this."""


@dataclass(frozen=True)
class Snapshot:
    """What a reading transaction sees.

    Attributes:
        horizon: The oldest transaction that had not ended.
        next: The first one that had not begun.
        running: Those between the two that had not ended.
        now: The database's clock, UTC.
    """

    horizon: int
    next: int
    running: list[int]
    now: datetime

    def sees(self, xid: int) -> bool:
        """Tells whether a transaction had ended, by its number as rows hold it.

        Args:
            xid: Of a transaction, and not of a part of one; at most two thousand million back.
        """
        back = (self.next - xid) % XIDS
        return 0 < back < XIDS // 2 and self.next - back not in self.running


@dataclass(frozen=True)
class Unread:
    """A message that could not be read as it is meant.

    Attributes:
        why: As a verb of many messages; no word of the message is in it.
        partition: Where it is.
        offset: Where it is there.
    """

    why: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Found:
    """What a look found.

    Attributes:
        accounts: That wrote, or whose feedback has come due; sorted.
        place: To go on from.
        lost: Why nobody knows what else there was, in a sentence; empty if all is known.
        is_behind: Whether the source was not told yet of all that was there when it was opened.
        unread: Messages that could not be read, or named no row that is there.
    """

    accounts: list[str]
    place: Mapping[str, Any]
    lost: str = ""
    is_behind: bool = False
    unread: tuple[Unread, ...] = ()


def read_snapshot(cursor: Cursor) -> Snapshot:
    """Reads what the transaction sees; its snapshot is taken by this, if not before."""
    cursor.execute(_QUERIES["snapshot"])
    found = one_record(cursor, Snapshot)
    return replace(found, now=found.now.astimezone(timezone.utc))
