"""Reads events back; it asks nothing that a reader of the scores may not read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import records, value

_QUERIES: Final = queries(__package__)
KINDS: Final = (
    *("entered critical", "entered high", "jumped", "silent", "recovered"),
    "area critical",
)
WHY: Final[Mapping[str, str]] = {
    "budget": "beyond EVENTS_PER_DAY",
    "another model": "where another model scored before",
    "another rule": "where another rule held before",
    "first seen": "silent when first seen",
    "silent before": "silent before",
    "not told before": "recovered from what was not told",
    "holdout": "to be left alone",
}
"""Why an event was not told, by left_out of tens_insight.account_events."""
DAYS: Final = 7
"""Days before the newest moment that are listed unless asked otherwise."""


@dataclass(frozen=True)
class AccountEvent:
    """One event; the names are those of tens_insight.account_events.

    Attributes:
        matching: How many are asked for, whatever the limit.
    """

    event_id: int
    publication_id: int
    as_of: datetime
    recorded_at: datetime
    kind: str
    account_id: str | None
    product_area: str | None
    customer_tier: str | None
    former_probability: float | None
    churn_probability: float | None
    former_category: str | None
    risk_category: str | None
    priority_score: float | None
    model_version: str
    value: float
    left_out: str | None
    ended_at: datetime | None
    withdrawn_at: datetime | None
    matching: int

    @property
    def moved(self) -> float | None:
        """The change of the probability, where both are known."""
        if self.churn_probability is None or self.former_probability is None:
            return None
        return self.churn_probability - self.former_probability


@dataclass(frozen=True)
class AccountEvents:
    """What `tens-insight events` shows.

    Attributes:
        as_of: Of the newest publication that was looked at, UTC; None where there is none.
        since: From which moment on.
        events: Newest first.
        matching: How many there are, whatever the limit.
        left_out: How many were not told since then, by the reason; withdrawn ones do not count.
    """

    as_of: datetime | None
    since: datetime | None
    events: Sequence[AccountEvent]
    matching: int
    left_out: dict[str, int]


def read_events(
    cursor: Cursor,
    since: datetime | None = None,
    kinds: Sequence[str] = (),
    *,
    every: bool = False,
    limit: int | None = None,
) -> AccountEvents:
    """Reads events, inside the caller's transaction.

    Args:
        cursor: Of a transaction that sees one state of the database.
        since: From this as_of on; None for the last DAYS days before the newest.
        kinds: Of KINDS; empty for all.
        every: Also those that were not told, and those that were withdrawn.
        limit: How many at most; None for all.

    Raises:
        ContractBroken: A table or the right to read it is missing.
    """
    cursor.execute(_QUERIES["newest_handled"])
    newest = value(cursor)
    if newest is not None and since is None:
        since = newest - timedelta(days=DAYS)
    asked: dict[str, Any] = {
        "since": since,
        "kinds": list(kinds) or None,
        "every": every,
        "limit": limit,
    }
    cursor.execute(_QUERIES["list_events"], asked)
    events = records(cursor, AccountEvent)
    cursor.execute(_QUERIES["left_out_by_reason"], asked)
    left_out = {str(reason): int(count) for reason, count in cursor.fetchall()}
    return AccountEvents(newest, since, events, events[0].matching if events else 0, left_out)
