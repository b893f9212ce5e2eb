"""The outbox: which sink is still to be told what, in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.alerts.alert import SEVERITIES, Severity
from components.alerts.alert_table import StoredAlert
from components.postgres.queries import queries
from components.postgres.rows import records, value

_QUERIES: Final = queries(__package__)

GIVEN_UP_AFTER: Final = timedelta(days=3)
"""What a sink did not take in so long, and is over, is old news."""
LEASE: Final = timedelta(minutes=2)
"""So long nobody else sends what one process claimed; longer than any attempt takes."""
_FIRST_DELAY: Final = timedelta(seconds=30)
_LONGEST_DELAY: Final = timedelta(hours=1)
FARTHEST: Final = timedelta(hours=2)
"""No delay is so long: what waits longer was written by a clock that was wrong."""
AT_ONCE: Final = 100
"""Deliveries that are claimed together."""


@dataclass(frozen=True)
class Claimed:
    """A delivery that this process is to make.

    Attributes:
        sink: Name of the sink.
        event: opened, resolved or told.
        attempts: How often it was tried, this time included.
        created_at: Since when it waits.
        alert: What it is about.
    """

    sink: str
    event: str
    attempts: int
    created_at: datetime
    alert: StoredAlert


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt.

    Attributes:
        problem: Why it failed, without secrets; empty where the sink took it.
        retry_after: How long the sink asked to be left alone; None if it did not.
        tried: False where the sink was not asked, because it failed before.
        alive: Whether the sink answers, and refused this message alone.
        busy: Whether it asked to be left alone for a while, and is otherwise well.
    """

    problem: str = ""
    retry_after: timedelta | None = None
    tried: bool = True
    alive: bool = True
    busy: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the sink took it."""
        return self.tried and not self.problem


class Outbox(Protocol):
    """Where deliveries wait: the database, or a file while that is away."""

    def claim(self, sinks: Sequence[str]) -> list[Claimed]:
        """Takes what is due; nobody else gets it for a while."""

    def settle(self, claimed: Claimed, outcome: Outcome) -> None:
        """Writes down what became of an attempt."""


def queue(cursor: Cursor, sinks: Sequence[str], least: Severity) -> None:
    """Writes down what each sink is to be told of what the table of alerts says by now.

    Args:
        cursor: Of the transaction that recorded the alerts, or of a later one.
        sinks: Names of those that are configured.
        least: Least severity that they are told.
    """
    told = SEVERITIES[SEVERITIES.index(least) :]
    cursor.execute(_QUERIES["queue_openings"], {"sinks": list(sinks), "severities": list(told)})
    if sinks:
        cursor.execute(_QUERIES["mark_queued"])
    cursor.execute(_QUERIES["queue_resolutions"])
    cursor.execute(_QUERIES["give_up"], {"age": GIVEN_UP_AFTER})


def count_due(cursor: Cursor, sinks: Sequence[str]) -> int:
    """Returns how many deliveries could be made now."""
    cursor.execute(_QUERIES["count_due"], {"sinks": list(sinks)})
    return int(value(cursor))


def claim(cursor: Cursor, sinks: Sequence[str]) -> list[Claimed]:
    """Takes the deliveries that are due, oldest first.

    Args:
        cursor: Of a transaction that is committed before anything is sent.
        sinks: Names of the sinks that may be asked.
    """
    cursor.execute(
        _QUERIES["claim"],
        {"sinks": list(sinks), "lease": LEASE, "farthest": FARTHEST, "limit": AT_ONCE},
    )
    found = [_claimed(row) for row in records(cursor, _Row)]
    return sorted(found, key=lambda one: (one.created_at, one.alert.alert_id))


def settle(cursor: Cursor, claimed: Claimed, outcome: Outcome) -> None:
    """Writes down what became of an attempt."""
    cursor.execute(
        _QUERIES["settle"],
        {
            "alert_id": claimed.alert.alert_id,
            "sink": claimed.sink,
            "event": claimed.event,
            "delivered": outcome.delivered,
            "problem": outcome.problem,
            "not_tried": 0 if outcome.tried else 1,
            "delay": delay(claimed.attempts, outcome),
        },
    )


def delay(attempts: int, outcome: Outcome) -> timedelta:
    """Returns how long to wait for the next attempt: twice as long each time, an hour at most."""
    if not outcome.tried:
        return timedelta()
    doubled = _FIRST_DELAY * 2 ** min(attempts - 1, 12)
    return min(max(doubled, outcome.retry_after or timedelta()), _LONGEST_DELAY)


@dataclass(frozen=True)
class _Row:
    alert_id: str
    sink: str
    event: str
    attempts: int
    created_at: datetime
    kind: str
    key: str
    severity: Severity
    sentence: str
    evidence: dict[str, Any]
    first_seen: datetime
    last_seen: datetime
    times_seen: int
    resolved_at: datetime | None
    lasts: bool


def _claimed(row: _Row) -> Claimed:
    alert = StoredAlert(**{one.name: getattr(row, one.name) for one in fields(StoredAlert)})
    return Claimed(row.sink, row.event, row.attempts, row.created_at, alert)
