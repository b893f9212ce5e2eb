"""Where alerts are recorded and delivered from: the database, or the spool while that is away."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.alerts import outbox
from components.alerts.alert import Alert, Severity
from components.alerts.alert_table import (
    Looked,
    StoredAlert,
    open_identities,
    read_alerts,
    record,
)
from components.alerts.outbox import Claimed, Outcome
from components.alerts.spool import Spool, SpoolLedger
from components.errors import TensInsightError


class Ledger(outbox.Outbox, Protocol):
    """Records alerts, and says what is to be delivered."""

    def record(self, holding: Iterable[Alert], looked_at: Collection[Looked]) -> None:
        """Opens what holds, updates what is open, resolves what no longer holds."""

    def queue(self, sinks: Sequence[str], least: Severity) -> None:
        """Writes down what each sink is to be told."""

    def count_due(self, sinks: Sequence[str]) -> int:
        """Returns how many deliveries could be made now."""

    def standing(self) -> list[StoredAlert]:
        """Returns what is open."""


class DatabaseLedger:
    """Alerts in the database; each call is a transaction of its own.

    Args:
        connection: Outside of a transaction, read-write.
        spool: Keeps what was delivered when the database could not be told so.
    """

    def __init__(self, connection: Connection, spool: Spool):
        self._connection = connection
        self._spool = spool

    def record(self, holding: Iterable[Alert], looked_at: Collection[Looked]) -> None:
        """Does what alert_table.record does."""
        with self._connection, self._connection.cursor() as cursor:
            record(cursor, holding, looked_at)

    def queue(self, sinks: Sequence[str], least: Severity) -> None:
        """Does what outbox.queue does."""
        with self._connection, self._connection.cursor() as cursor:
            outbox.queue(cursor, sinks, least)

    def count_due(self, sinks: Sequence[str]) -> int:
        """Does what outbox.count_due does."""
        with self._connection, self._connection.cursor() as cursor:
            return outbox.count_due(cursor, sinks)

    def claim(self, sinks: Sequence[str]) -> list[Claimed]:
        """Does what outbox.claim does."""
        with self._connection, self._connection.cursor() as cursor:
            return outbox.claim(cursor, sinks)

    def settle(self, claimed: Claimed, outcome: Outcome) -> None:
        """Does what outbox.settle does; what was delivered is not forgotten with the connection."""
        try:
            with self._connection, self._connection.cursor() as cursor:
                outbox.settle(cursor, claimed, outcome)
        except (psycopg2.Error, TensInsightError):
            if outcome.delivered:
                SpoolLedger(self._spool).note_settled(claimed)
            raise

    def standing(self) -> list[StoredAlert]:
        """Returns what is open, and remembers it for the day on which the database is away."""
        with self._connection, self._connection.cursor() as cursor:
            found = read_alerts(cursor)
        self._spool.remember(open_identities(found))
        return found
