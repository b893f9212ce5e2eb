"""Tells all that listen that there are events, or that some were withdrawn."""

import json
from collections.abc import Sequence
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)
CHANNEL: Final = "tens_insight_events"
"""Of NOTIFY. Each role that may connect may listen, so nothing but numbers is sent."""
IDS_AT_ONCE: Final = 300
"""Of a payload, which must be below 8,000 bytes: 300 ids of 19 digits are 6,300."""
EVENTS: Final = "events"
WITHDRAWN: Final = "withdrawn"


def notify(cursor: Cursor, what: str, ids: Sequence[int]) -> None:
    """Sends the ids of events, once the caller's transaction is committed.

    Args:
        cursor: Of the transaction.
        what: EVENTS or WITHDRAWN.
        ids: Of the events; nothing is sent without any.
    """
    for begin in range(0, len(ids), IDS_AT_ONCE):
        payload = json.dumps({what: list(ids[begin : begin + IDS_AT_ONCE])}, separators=(",", ":"))
        cursor.execute(_QUERIES["notify"], {"channel": CHANNEL, "payload": payload})


def notify_withdrawn(cursor: Cursor, publication_id: int) -> None:
    """Sends which events that were told went with a publication that is being undone."""
    cursor.execute(_QUERIES["told_of_publication"], {"publication_id": publication_id})
    notify(cursor, WITHDRAWN, [int(one) for (one,) in cursor.fetchall()])
