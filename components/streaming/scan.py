"""New feedback found in the table itself, where no replication slot is allowed.

Neither created_at nor id rises in the order of commits: an id is given, and a moment taken, before
the transaction ends, and an ETL may bring rows that are days old. What does rise is the horizon of
snapshots: each reading notes the oldest transaction that had not ended when it looked, and the next
one takes every row that this transaction or a later one wrote (system column xmin). Whatever
commits late is on the later side. The horizon is that of the transaction's own snapshot, so nothing
falls between two readings.

No index knows xmin. Each reading therefore looks at recent rows, by the index on created_at, and
all of the table is looked through every few minutes for rows that came with an older date.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import ContractBroken
from components.postgres.queries import queries
from components.postgres.rows import record, records
from components.streaming.config import StreamConfig
from components.streaming.position import Position
from components.streaming.snapshot import XIDS, Found, Snapshot

_QUERIES: Final = queries(__package__)

SCAN: Final = "scan"
_COMPARABLE: Final = 1 << 31
"""So many transactions back the server can tell an older one from a newer one."""
NOT_COMPARABLE: Final = (
    "its transactions cannot be compared with those of the last reading: the database was "
    "restored, or two thousand million of them were made since"
)


@dataclass(frozen=True)
class _Row:
    """A new row: whose, and what tells it from others."""

    account_id: str
    id_hash: int
    written_by: int
    came_due: bool


@dataclass(frozen=True)
class _Rights:
    """What feedback_enriched is, and whether its xmin may be read."""

    is_table: bool
    may_read: bool | None
    name: str
    role: str


@dataclass
class ScanSource:
    """Looks for new rows by their transactions.

    Attributes:
        config: How recent is recent.
    """

    config: StreamConfig
    name: str = SCAN
    _seen: frozenset[tuple[int, int]] = frozenset()
    _looked_at: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    def require(self, cursor: Cursor) -> None:
        """Refuses a database in which it cannot work.

        Raises:
            ContractBroken: What is called feedback_enriched has no xmin, or it may not be read.
        """
        require_xmin(cursor)

    def begin(self, snapshot: Snapshot) -> Mapping[str, Any]:
        """Returns the place of a reading that takes what comes from now on."""
        self._seen = frozenset()
        return {"horizon": str(snapshot.horizon), **first_scan(snapshot)}

    def look(
        self, cursor: Cursor, position: Position, snapshot: Snapshot, as_of: datetime
    ) -> Found:
        """Finds the accounts of new rows; see `Source`."""
        place = position.place
        horizon = int(place["horizon"])
        if horizon > snapshot.next or not are_comparable(place, snapshot):
            return Found([], self.begin(snapshot), NOT_COMPARABLE)
        recent = as_of - timedelta(minutes=self.config.stream_late_minutes)
        accounts = self._new_accounts(cursor, horizon, recent, position.read_up_to, as_of)
        # Long stopped, recent rows are no longer those of the last reading: all are looked through.
        late, scan = late_accounts(cursor, place, snapshot, as_of, self.config)
        return Found(sorted(accounts | late), {"horizon": str(snapshot.horizon), **scan})

    def done(self) -> None:
        """Is told that what the last look found is published."""
        self._seen = self._looked_at

    def kept(self, place: Mapping[str, Any]) -> None:
        """Is told that a place was committed."""

    def open(self) -> None:
        """Has nothing to open."""

    def close(self) -> None:
        """Has nothing to close."""

    def _new_accounts(
        self, cursor: Cursor, horizon: int, recent: datetime, read_up_to: datetime, as_of: datetime
    ) -> set[str]:
        values = {
            "horizon": _short(horizon),
            "recent": recent,
            "read_up_to": read_up_to,
            "as_of": as_of,
        }
        cursor.execute(_QUERIES["new_rows"], values)
        rows = records(cursor, _Row)
        # A transaction that goes on for long holds the horizon back: rows that others committed
        # meanwhile are found again, and known by these.
        self._looked_at = frozenset((row.id_hash, row.written_by) for row in rows)
        return {
            row.account_id
            for row in rows
            if row.came_due or (row.id_hash, row.written_by) not in self._seen
        }


def require_xmin(cursor: Cursor) -> None:
    """Refuses feedback of which the transactions cannot be read.

    Raises:
        ContractBroken: What is called feedback_enriched has no xmin, or it may not be read.
    """
    cursor.execute(_QUERIES["may_read_xmin"])
    rights = record(cursor, _Rights)
    if rights is None:
        return  # the contract of the inputs says what is missing
    if not rights.is_table:
        raise ContractBroken(
            f"{rights.name} is no table but a view or a foreign table, so no transaction of "
            "its rows (xmin) is known and new ones cannot be found. Stream from the database "
            "that holds the table, or let `tens-insight run score` run more often."
        )
    if not rights.may_read:
        raise ContractBroken(
            f"The role {rights.role} may not read xmin of {rights.name}, by which new rows are "
            f"found. Let its owner run: GRANT SELECT (xmin) ON {rights.name} TO {rights.role};"
        )


def first_scan(snapshot: Snapshot) -> dict[str, str]:
    """Returns the part of a place by which the next scan of the whole table goes."""
    return {"scan_horizon": str(snapshot.horizon), "scanned_at": snapshot.now.isoformat()}


def are_comparable(place: Mapping[str, Any], snapshot: Snapshot) -> bool:
    """Tells whether transactions since the last scan can be told from those before it."""
    return 0 <= snapshot.next - int(place["scan_horizon"]) < _COMPARABLE


def late_accounts(
    cursor: Cursor,
    place: Mapping[str, Any],
    snapshot: Snapshot,
    as_of: datetime,
    config: StreamConfig,
) -> tuple[set[str], dict[str, str]]:
    """Looks through the whole table for rows with an older date, where that is due.

    Args:
        cursor: Of the transaction of the snapshot.
        place: With what `first_scan` made.
        snapshot: What the transaction sees.
        as_of: The moment of the step.
        config: How old is older, and how often.

    Returns:
        Accounts of rows that were written since the last scan, and what `place` holds of it now.
    """
    scan = {name: str(place[name]) for name in ("scan_horizon", "scanned_at")}
    every = timedelta(minutes=config.stream_scan_minutes)
    if as_of - datetime.fromisoformat(scan["scanned_at"]) < every:
        return set(), scan
    recent = as_of - timedelta(minutes=config.stream_late_minutes)
    values = {"horizon": _short(int(scan["scan_horizon"])), "recent": recent}
    cursor.execute(_QUERIES["late_rows"], values)
    found = {account for (account,) in cursor.fetchall()}
    return found, {"scan_horizon": str(snapshot.horizon), "scanned_at": as_of.isoformat()}


def _short(transaction: int) -> int:
    """Returns the number of a transaction as rows hold it."""
    return transaction % XIDS
