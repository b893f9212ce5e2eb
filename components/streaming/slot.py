"""New feedback by logical decoding: the server tells each row as its transaction commits.

A replication slot keeps of the server's log what was not read yet. What was read is confirmed only
once the scores that came of it are committed, with the place in the log: killed at any moment, the
same transactions are told again. The server tells of a commit slightly before others can see it, so
what the snapshot of a step does not see is left for the next one.

pgoutput sends the columns that the publication names: the text of the feedback is not among them.
"""

import select
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg2
from psycopg2 import errorcodes as codes
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class
from psycopg2.extras import LogicalReplicationConnection

from components.errors import ContractBroken, DatabaseUnreachable
from components.postgres.connection import connect_replication
from components.postgres.failures import ServerBrokeOff
from components.postgres.queries import queries
from components.postgres.rows import record, value
from components.streaming.future_rows import AHEAD, IS_NEW, come_due, latest_to_come
from components.streaming.pgoutput import (
    Commit,
    Decoder,
    ProtocolBroken,
    lsn_of,
    lsn_text,
)
from components.streaming.position import Position
from components.streaming.snapshot import Found, Snapshot
from transforms.columns import ACCOUNT_ID, CREATED_AT

_QUERIES: Final = queries(__package__)

SLOT: Final = "slot"
_PLUGIN: Final = "pgoutput"
_HEARTBEAT_S: Final = 10
_TOLD_WITHIN_S: Final = 10.0
"""After so long without a message the source counts as told of all, whatever the server says."""
_SILENCE_S: Final = 0.2
"""A look waits for so long for the next message, where the server has more to tell."""
_MOST_AT_ONCE: Final = 100_000
"""Messages of one look: a step must end, however far behind it is."""
_COLUMN_LISTS: Final = 150000
"""The server version from which on a publication can leave the text of the feedback out."""
_UNBOUNDED: Final = "-1"


@dataclass(frozen=True)
class SlotState:
    """A replication slot.

    Attributes:
        lost: Whether the server dropped what it would have read.
    """

    lost: bool


@dataclass(frozen=True)
class _Needs:
    """What the server and the role offer."""

    wal_level: str
    version: int
    kept: str
    senders: int
    slots: int
    may_replicate: bool
    role: str


@dataclass(frozen=True)
class _Sent:
    """What a publication of logical replication sends of the feedback."""

    columns: list[str]
    is_whole: bool


@dataclass
class SlotSource:
    """Reads a replication slot.

    Attributes:
        slot: Its name.
        publication: Of logical replication, that sends the feedback.
    """

    slot: str
    publication: str
    name: str = SLOT
    _connection: LogicalReplicationConnection | None = None
    _cursor: Any = None
    _decoder: Decoder | None = None
    _waiting: deque[Commit] = field(default_factory=deque)
    _looked: int = 0
    _end: int = 0
    _told_at: float = 0.0

    def require(self, cursor: Cursor) -> None:
        """Refuses a server or a role that has no slot to offer, or none that is bounded.

        Raises:
            ContractBroken: Says what is missing, and the statements that mend it.
        """
        cursor.execute(_QUERIES["slot_settings"])
        needs = record(cursor, _Needs)
        assert needs is not None
        cursor.execute(_QUERIES["feedback_table"])
        table = value(cursor)
        problems = list(_problems(needs))
        cursor.execute(_QUERIES["published_columns"], {"publication": self.publication})
        sent = record(cursor, _Sent)
        create = (
            f"CREATE PUBLICATION {self.publication} FOR TABLE {table} (id, account_id, created_at) "
            "WITH (publish = 'insert, update, truncate')"
        )
        if sent is None:
            problems.append(f"no publication {self.publication} sends it: {create}")
        elif not {ACCOUNT_ID.name, CREATED_AT.name} <= {*sent.columns} or not sent.is_whole:
            problems.append(
                f"the publication {self.publication} leaves a column, inserts or updates out: "
                f"DROP PUBLICATION {self.publication}; {create}"
            )
        elif "summary" in sent.columns:
            problems.append(
                f"the publication {self.publication} sends the text of the feedback, which must "
                f"not leave the database: DROP PUBLICATION {self.publication}; {create}"
            )
        if problems:
            raise ContractBroken(
                f"New rows of {table} cannot be read from a replication slot: "
                f"{'; '.join(problems)}. Or set TENS_INSIGHT_STREAM_SOURCE=scan."
            )

    def open(self) -> None:
        """Connects; the slot is made when a step finds that there is none.

        Raises:
            DatabaseUnreachable: No connection for replication.
        """
        self._connection = connect_replication("tens-insight stream slot")
        with _as_ours(), self._connection.cursor() as cursor:
            cursor.execute("SET datestyle = 'ISO'")
            cursor.execute("SET timezone = 'UTC'")

    def close(self) -> None:
        """Stops reading; what was not confirmed is told again."""
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._connection.close()
        self._connection = self._cursor = self._decoder = None
        self._waiting.clear()

    def begin(self, snapshot: Snapshot) -> Mapping[str, Any]:
        """Makes the slot, and returns its place: what commits from now on is told."""
        return self._new_place()

    def look(
        self, cursor: Cursor, position: Position, snapshot: Snapshot, as_of: datetime
    ) -> Found:
        """Finds the accounts of transactions that the snapshot sees; see `Source`."""
        lsn = lsn_of(position.place["lsn"])
        if self._cursor is None:
            lost = self._lost(cursor)
            if lost:
                return Found([], self._new_place(), lost)
            self._start(lsn)
            self._end, self._told_at = _end_of_log(cursor), time.monotonic()
        self._receive(snapshot, _end_of_log(cursor))
        accounts: set[str] = set()
        emptied, ahead = False, latest_to_come(cursor, position.place, as_of)
        self._looked = 0
        for commit in self._waiting:
            if not snapshot.sees(commit.xid):
                break
            accounts |= commit.accounts
            emptied |= commit.emptied
            if commit.latest is not None and commit.latest >= as_of:
                ahead = commit.latest if ahead is None else max(ahead, commit.latest)
            lsn = max(lsn, commit.end_lsn)
            self._looked += 1
        if self._looked == len(self._waiting):
            # Nothing is left: what else the server wrote meanwhile was none of ours.
            lsn = max(lsn, self._quiet_up_to())
        accounts |= come_due(cursor, position, as_of)
        if ahead is not None and ahead < as_of:
            ahead = None
        lost = "feedback_enriched was truncated" if emptied else ""
        return Found(
            sorted(one for one in accounts if one),
            self._place(lsn, ahead),
            lost,
            is_behind=lsn < self._end and time.monotonic() - self._told_at < _TOLD_WITHIN_S,
        )

    def done(self) -> None:
        """Is told that what the last look found is published."""
        for _ in range(self._looked):
            self._waiting.popleft()
        self._looked = 0

    def kept(self, place: Mapping[str, Any]) -> None:
        """Lets the server drop what lies before a place that was committed."""
        if self._cursor is not None:
            lsn = lsn_of(place["lsn"])
            with _as_ours():
                self._cursor.send_feedback(write_lsn=lsn, flush_lsn=lsn, force=True)

    def _new_place(self) -> Mapping[str, Any]:
        """Makes the slot; returns where it begins."""
        return {**self._place(self._make(), None), IS_NEW: True}

    def _place(self, lsn: int, ahead: datetime | None) -> Mapping[str, Any]:
        """Returns where to go on: in the log, and up to when rows of the future were told."""
        return {"lsn": lsn_text(lsn), AHEAD: ahead.isoformat() if ahead else None}

    def _lost(self, cursor: Cursor) -> str:
        """Says why not all that was written since the last reading is told; empty if it is."""
        cursor.execute(_QUERIES["slot"], {"slot": self.slot})
        state = record(cursor, SlotState)
        if state is None:
            return f"there is no replication slot {self.slot} any more"
        if state.lost:
            self._drop()
            return (
                f"the replication slot {self.slot} was behind by more than the server keeps "
                "(max_slot_wal_keep_size)"
            )
        return ""

    def _make(self) -> int:
        """Makes the slot, where it is not there; returns from where on it tells."""
        assert self._connection is not None
        with _as_ours(), self._connection.cursor() as cursor:
            try:
                cursor.create_replication_slot(self.slot, output_plugin=_PLUGIN)
            except psycopg2.Error as error:
                if error.pgcode != codes.DUPLICATE_OBJECT:
                    raise
                # Nobody knows up to where it was read, so another one begins.
                self._drop()
                cursor.create_replication_slot(self.slot, output_plugin=_PLUGIN)
            made = cursor.fetchone()
        assert made is not None
        self._stop()
        return lsn_of(made[1])

    def _drop(self) -> None:
        assert self._connection is not None
        self._stop()
        with _as_ours(), self._connection.cursor() as cursor:
            cursor.drop_replication_slot(self.slot)

    def _stop(self) -> None:
        """Ends the reading: a connection that reads can do nothing else."""
        if self._cursor is not None:
            self.close()
            self.open()

    def _start(self, lsn: int) -> None:
        assert self._connection is not None
        self._cursor = self._connection.cursor()
        self._decoder = Decoder(ACCOUNT_ID.name, CREATED_AT.name)
        self._waiting.clear()
        with _as_ours():
            self._cursor.start_replication(
                slot_name=self.slot,
                decode=False,
                start_lsn=lsn,
                status_interval=_HEARTBEAT_S,
                options={"proto_version": "1", "publication_names": self.publication},
            )

    def _receive(self, snapshot: Snapshot, end: int) -> None:
        """Takes what the server has to tell of the transactions that a snapshot sees.

        A socket holds some hundred messages, and the server goes on once they are taken: that none
        is there does not mean that none is left.

        Args:
            snapshot: Of the step.
            end: Of the server's log, once the snapshot was taken.
        """
        assert self._cursor is not None
        assert self._decoder is not None
        with _as_ours():
            for _ in range(_MOST_AT_ONCE):
                while (message := self._cursor.read_message()) is None:
                    if self._is_told(snapshot, end) or not self._comes():
                        return
                self._told_at = time.monotonic()
                commit = self._decoder.read(bytes(message.payload))
                if commit is not None:
                    self._waiting.append(commit)

    def _is_told(self, snapshot: Snapshot, end: int) -> bool:
        """Whether nothing is left to be told that a look could take."""
        is_later = bool(self._waiting) and not snapshot.sees(self._waiting[-1].xid)
        return is_later or self._quiet_up_to() >= end

    def _comes(self) -> bool:
        """Waits for the server to send something; tells whether it did."""
        return bool(select.select([self._cursor], [], [], _SILENCE_S)[0])

    def _quiet_up_to(self) -> int:
        """Returns the place up to which the server has told all that it had to tell."""
        assert self._cursor is not None
        assert self._decoder is not None
        return 0 if self._decoder.is_inside else int(self._cursor.wal_end)


def _end_of_log(cursor: Cursor) -> int:
    cursor.execute(_QUERIES["end_of_log"])
    return lsn_of(value(cursor))


def _problems(needs: _Needs) -> Iterator[str]:
    if needs.version < _COLUMN_LISTS:
        yield (
            "the server is older than PostgreSQL 15, whose publications cannot leave the text of "
            "the feedback out"
        )
    if needs.wal_level != "logical":
        yield (
            f"its wal_level is {needs.wal_level}: ALTER SYSTEM SET wal_level = 'logical', and a "
            "restart of the server"
        )
    if needs.kept == _UNBOUNDED:
        yield (
            "max_slot_wal_keep_size sets no bound, so a stream that is stopped would fill the disk "
            "of the server: ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; "
            "SELECT pg_reload_conf()"
        )
    for name, count in (("max_wal_senders", needs.senders), ("max_replication_slots", needs.slots)):
        if not count:
            yield f"its {name} is 0: ALTER SYSTEM SET {name} = 10, and a restart of the server"
    if not needs.may_replicate:
        yield f"the role may not replicate: ALTER ROLE {needs.role} REPLICATION"


class _as_ours:  # noqa: N801 -- used like a function
    """Turns what goes wrong with the replication connection into an error that is tried again."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, psycopg2.Error | ProtocolBroken):
            said = " ".join(str(error).split())
            if isinstance(error, psycopg2.Error) and error.pgcode == codes.OBJECT_IN_USE:
                raise DatabaseUnreachable(
                    f"The replication slot is in use by another process: {said}"
                ) from None
            raise ServerBrokeOff(
                f"The replication slot cannot be read: {said}", reason="replication"
            ) from None
