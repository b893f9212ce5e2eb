"""New feedback told by Kafka: each message of the ETL names a row of the table.

Scores are made of the table alone, as those of a run are, so a message says which account to look
at, and when. The ETL writes table and topic separately: a message may come before its row can be
seen. So it waits until a step sees the row with the message's values; where that does not come in
time, what the table holds is scored, and told.

Partitions are assigned, and offsets committed with the scores in Postgres, so that Kafka keeps no
position of ours. Messages that wait are part of the position by their offsets: a process that goes
on reads them again, and no other one that was done.

What no message told, the periodic scan of the table finds, once it is older than messages wait.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import kafka.errors
from kafka import TopicPartition
from kafka.errors import LogTruncationError, OffsetOutOfRangeError
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import BrokerUnreachable
from components.postgres.queries import queries
from components.streaming.config import StreamConfig
from components.streaming.future_rows import AHEAD, IS_NEW, come_due, latest_to_come
from components.streaming.kafka_client import as_ours, make_clients, where
from components.streaming.message import Message, MessageUnreadable, RowValues, read_message
from components.streaming.position import Position
from components.streaming.scan import (
    NOT_COMPARABLE,
    are_comparable,
    first_scan,
    late_accounts,
    require_xmin,
)
from components.streaming.snapshot import Found, Snapshot, Unread

_QUERIES: Final = queries(__package__)

KAFKA: Final = "kafka"
MOST_WAITING: Final = 10_000
"""Messages that wait for their rows; beyond them no more are read."""
_MOST_AT_ONCE: Final = 20_000
"""Messages of one look: a step must end, however far behind it is."""
_POLL_MS: Final = 30
_RECEIVED_WITHIN_S: Final = 0.15
"""While messages come without a pause, a look takes them for so long."""
_LOOK_AT_TOPIC_S: Final = 5.0
_TOLD_WITHIN_S: Final = 10.0
"""After so long without a message the source counts as told of all, whatever its broker says."""
_UNKNOWN_TOPIC: Final = 3
_ABSENT: Final = "name a row that did not come in time"
_DIFFERENT: Final = "hold other values than their row"

Place = Mapping[str, Any]
_Key = tuple[int, int]
"""Partition and offset."""


@dataclass(frozen=True)
class _Topic:
    """A topic as its brokers have it now.

    Attributes:
        topic_id: What tells it from a former one of its name; empty where brokers have none.
        partitions: How many it has.
    """

    topic_id: str
    partitions: int


@dataclass
class _Waiting:
    """A message whose row was not seen yet as the message says.

    Attributes:
        message: It.
        until: When it has waited long enough, UTC.
        seen: The row as it was when its account was scored last; None before.
    """

    message: Message
    until: datetime
    seen: RowValues | None = None


@dataclass
class _Look:
    """What a look makes true once its scores are published.

    Attributes:
        place: Where to go on.
        begins: Whether it is where a reading begins, after messages were lost.
        resolved: Messages that wait no longer.
        seen: The rows of those that do, where accounts are scored by them.
    """

    place: Place
    begins: bool = False
    resolved: list[_Key] = field(default_factory=list)
    seen: dict[_Key, RowValues] = field(default_factory=dict)


@dataclass
class KafkaSource:
    """Reads a topic.

    Attributes:
        config: Which topic, and how long a message waits for its row.
        bootstrap: Addresses of brokers, HOST:PORT.
    """

    config: StreamConfig
    bootstrap: Sequence[str]
    name: str = KAFKA
    _consumer: Any = None
    _admin: Any = None
    _topic: _Topic | None = None
    _topic_at: float = 0.0
    _place: Place | None = None
    _look: _Look | None = None
    _waiting: dict[_Key, _Waiting] = field(default_factory=dict)
    _unread: list[Unread] = field(default_factory=list)
    _resumed: dict[int, tuple[int, frozenset[int]]] = field(default_factory=dict)
    _goal: dict[int, int] = field(default_factory=dict)
    _told_at: float = 0.0

    @property
    def patience(self) -> timedelta:
        """How long a message waits for its row.

        Longer than recent rows are recent: a row that comes later is found by the scan.
        """
        return timedelta(minutes=self.config.stream_late_minutes + self.config.stream_scan_minutes)

    def require(self, cursor: Cursor) -> None:
        """Refuses a database in which the scan cannot work.

        Raises:
            ContractBroken: What is called feedback_enriched has no xmin, or it may not be read.
        """
        require_xmin(cursor)

    def open(self) -> None:
        """Connects.

        Raises:
            BrokerUnreachable: No broker answers, or it refuses us, or there is no such topic.
        """
        with self._as_ours():
            self._admin, self._consumer = make_clients(self.config, self.bootstrap)
            self._ask_topic()

    def close(self) -> None:
        """Disconnects; what was not committed is read again."""
        for one in (self._consumer, self._admin):
            if one is not None:
                with suppress(Exception):
                    one.close()
        self._consumer = self._admin = self._topic = None
        self._forget()

    def begin(self, snapshot: Snapshot) -> Place:
        """Returns the place of a reading that takes what comes from now on.

        It begins with messages that may still wait for their rows.
        """
        with self._as_ours():
            topic = self._ask_topic()
            partitions = [self._partition(one) for one in range(topic.partitions)]
            ends = self._consumer.end_offsets(partitions)
            since = int((snapshot.now - self.patience).timestamp() * 1000)
            found = self._consumer.offsets_for_times(dict.fromkeys(partitions, since))
        offsets = {}
        for one in partitions:
            first = found.get(one)
            is_known = first is not None and first.timestamp >= 0
            offsets[str(one.partition)] = min(ends[one], first.offset) if is_known else ends[one]
        self._forget()
        return {
            "topic": self.config.stream_topic,
            "topic_id": topic.topic_id,
            "offsets": offsets,
            "waiting": {},
            "unread": {},
            "behind": 0,
            "caught_up_at": snapshot.now.isoformat(),
            AHEAD: None,
            IS_NEW: True,
            **first_scan(snapshot),
        }

    def look(
        self, cursor: Cursor, position: Position, snapshot: Snapshot, as_of: datetime
    ) -> Found:
        """Finds the accounts of messages whose rows the snapshot sees; see `Source`.

        Raises:
            BrokerUnreachable: No broker answers.
        """
        place = position.place
        lost = self._read(place, as_of) if are_comparable(place, snapshot) else NOT_COMPARABLE
        if lost:
            begun = self.begin(snapshot)
            self._look = _Look({**begun, "unread": place["unread"]}, begins=True)
            return Found([], self._look.place, lost)
        ahead = latest_to_come(cursor, place, as_of)
        comers = [one.message.created_at for one in self._waiting.values()]
        ahead = max((one for one in (ahead, *comers) if one and one >= as_of), default=None)
        late, scan = late_accounts(cursor, place, snapshot, as_of, self.config)
        self._look = look = _Look(place)
        due, unread = self._resolve(cursor, as_of, look)
        caught_up = self._is_caught_up()
        look.place = {
            **self._offsets(place, set(look.resolved)),
            "unread": dict(Counter(place["unread"]) + Counter(one.why for one in unread)),
            "behind": self._behind(),
            "caught_up_at": as_of.isoformat() if caught_up else place["caught_up_at"],
            AHEAD: ahead.isoformat() if ahead else None,
            **scan,
        }
        accounts = due | late | come_due(cursor, position, as_of)
        return Found(
            sorted(one for one in accounts if one),
            look.place,
            is_behind=not caught_up and not self._is_told(),
            unread=tuple(unread),
        )

    def done(self) -> None:
        """Is told that what the last look found is published."""
        if self._look is None:
            return
        for key in self._look.resolved:
            del self._waiting[key]
        for key, row in self._look.seen.items():
            if key in self._waiting:
                self._waiting[key].seen = row
        self._unread.clear()
        self._place = None if self._look.begins else self._look.place
        self._look = None

    def kept(self, place: Place) -> None:
        """Is told that a place was committed."""

    def _forget(self) -> None:
        self._place = self._look = None
        self._waiting.clear()
        self._unread.clear()
        self._resumed, self._goal = {}, {}

    def _read(self, place: Place, as_of: datetime) -> str:
        """Takes what the brokers have sent so far; says why messages are lost, if some are."""
        with self._as_ours():
            if lost := self._moved(place):
                return lost
            try:
                if place != self._place:
                    self._resume(place)
                self._receive(as_of)
            except (OffsetOutOfRangeError, LogTruncationError):
                self._consumer.unsubscribe()
                return (
                    f"the topic {self.config.stream_topic} does not have the messages any more "
                    "that were to be read next: they were dropped before (retention), or the "
                    "topic was created again"
                )
        return ""

    def _moved(self, place: Place) -> str:
        """Says why the topic is none that the place is of; takes up new partitions."""
        topic = self._topic
        if topic is None or time.monotonic() - self._topic_at > _LOOK_AT_TOPIC_S:
            before, topic = topic, self._ask_topic()
            if before is not None and before != topic:
                self._place = None  # its partitions are assigned again
        if place["topic"] != self.config.stream_topic:
            return f"the topic was {place['topic']} and is {self.config.stream_topic}"
        # Brokers before 2.8 have no ids: then only offsets that are out of range tell.
        is_other = place["topic_id"] and topic.topic_id and place["topic_id"] != topic.topic_id
        if is_other or topic.partitions < len(place["offsets"]):
            return f"the topic {place['topic']} was deleted, and created again"
        return ""

    def _ask_topic(self) -> _Topic:
        """Asks for the topic; this tells also that a broker answers."""
        topic = self.config.stream_topic
        (found,) = self._admin.describe_topics([topic])
        if found["error_code"] == _UNKNOWN_TOPIC:
            raise BrokerUnreachable(
                f"There is no topic {topic} at {where(self.bootstrap)}. TENS_INSIGHT_STREAM_TOPIC "
                "names the ETL's; or let the ETL make it."
            )
        if found["error_code"]:
            raise BrokerUnreachable(
                f"The topic {topic} at {where(self.bootstrap)} cannot be read: "
                f"{kafka.errors.for_code(found['error_code']).__name__}."
            )
        topic_id = found.get("topic_id")
        self._topic = _Topic(str(topic_id) if topic_id else "", len(found["partitions"]))
        self._topic_at = time.monotonic()
        return self._topic

    def _resume(self, place: Place) -> None:
        """Goes on from a place: what waits is read again, and what lies between is passed over."""
        assert self._topic is not None
        self._forget()
        partitions = [self._partition(one) for one in range(self._topic.partitions)]
        new = [one for one in partitions if str(one.partition) not in place["offsets"]]
        first = self._consumer.beginning_offsets(new) if new else {}
        self._consumer.assign(partitions)
        for one in partitions:
            offset = place["offsets"].get(str(one.partition), first.get(one))
            waiting = frozenset(place["waiting"].get(str(one.partition), ()))
            self._resumed[one.partition] = offset, waiting
            self._consumer.seek(one, min([offset, *waiting]))
        ends = self._consumer.end_offsets(partitions)
        self._goal = {one.partition: end for one, end in ends.items()}
        self._told_at, self._place = time.monotonic(), place

    def _receive(self, as_of: datetime) -> None:
        received, until = 0, time.monotonic() + _RECEIVED_WITHIN_S
        while received < _MOST_AT_ONCE and not self._is_full():
            found = self._consumer.poll(timeout_ms=_POLL_MS)
            if not found:
                if self._is_caught_up() or time.monotonic() > until:
                    return
                continue
            self._told_at = time.monotonic()
            for one in (one for some in found.values() for one in some):
                received += 1
                offset, waiting = self._resumed[one.partition]
                if one.offset >= offset or one.offset in waiting:
                    self._take(one, as_of)
            # These may be messages that were fetched earlier: ask the brokers once more.
            if self._is_caught_up() and self._told_at > until:
                return

    def _take(self, record: Any, as_of: datetime) -> None:
        try:
            message = read_message(record.value)
        except MessageUnreadable as error:
            self._unread.append(Unread(str(error), record.partition, record.offset))
            return
        until = as_of + self.patience
        if record.timestamp is not None and record.timestamp >= 0:
            # By the clock of who sent it: what has lain there for long need not wait again.
            with suppress(ValueError, OverflowError, OSError):
                sent = datetime.fromtimestamp(record.timestamp / 1000, as_of.tzinfo)
                until = min(until, sent + self.patience)
        self._waiting[record.partition, record.offset] = _Waiting(message, until)

    def _resolve(
        self, cursor: Cursor, as_of: datetime, look: _Look
    ) -> tuple[set[str], list[Unread]]:
        """Finds which rows are there: returns their accounts, and messages that waited too long."""
        accounts: set[str | None] = set()
        unread = list(self._unread)
        rows = self._rows(cursor) if self._waiting else {}
        differing = 0
        for key, one in reversed(self._waiting.items()):
            row, is_over = rows.get(one.message.row_id), one.until <= as_of
            if row is not None and row != one.seen:
                accounts |= {row.account_id, one.message.values.account_id}
                look.seen[key] = row
            if row is None:
                if not is_over:
                    continue
                accounts.add(one.message.values.account_id)
                unread.append(Unread(_ABSENT, *key))
            elif not one.message.values.agrees(row):
                differing += 1
                if not is_over and differing <= MOST_WAITING:
                    continue
                unread.append(Unread(_DIFFERENT, *key))
            look.resolved.append(key)
        return {one for one in accounts if one is not None}, unread

    def _rows(self, cursor: Cursor) -> dict[str, RowValues]:
        """Looks up the rows that messages name."""
        ids = list({one.message.row_id for one in self._waiting.values()})
        cursor.execute(_QUERIES["rows_by_id"], {"ids": ids})
        return {
            row_id: RowValues(account, created, tuple(others))
            for row_id, account, created, *others in cursor.fetchall()
        }

    def _offsets(self, place: Place, resolved: set[_Key]) -> Place:
        """Returns where to go on: behind all that was read, and which messages before it wait."""
        offsets, waiting = {}, {}
        kept = {key for key in self._waiting if key not in resolved}
        for number, (resumed, former) in self._resumed.items():
            read = self._consumer.position(self._partition(number))
            offsets[str(number)] = max(resumed, read)
            # Those that are still to be read again wait as before.
            wait = {at for partition, at in kept if partition == number}
            wait |= {at for at in former if at >= read}
            if wait:
                waiting[str(number)] = sorted(wait)
        same = {name: place[name] for name in ("topic", "topic_id")}
        return {**same, "offsets": offsets, "waiting": waiting}

    def _is_full(self) -> bool:
        """Whether so many messages wait for rows that are not there that no more are read."""
        if len(self._waiting) <= MOST_WAITING:
            return False
        return sum(one.seen is None for one in self._waiting.values()) >= MOST_WAITING

    def _behind(self) -> int:
        """Returns how many messages are known to be there, and were not read."""
        ends = self._ends()
        return sum(max(0, (end or 0) - at) for at, end in ends)

    def _is_caught_up(self) -> bool:
        return all(end is not None and at >= end for at, end in self._ends())

    def _is_told(self) -> bool:
        """Whether all was read that was there when reading began."""
        is_read = all(
            self._consumer.position(self._partition(number)) >= end
            for number, end in self._goal.items()
        )
        is_heard = all(end is not None for _, end in self._ends())
        is_silent = time.monotonic() - self._told_at > _TOLD_WITHIN_S
        return (is_read and is_heard) or is_silent

    def _ends(self) -> list[tuple[int, int | None]]:
        """Returns of each partition up to where it was read, and its end as it was told last."""
        partitions = map(self._partition, self._resumed)
        return [(self._consumer.position(one), self._consumer.highwater(one)) for one in partitions]

    def _partition(self, number: int) -> Any:
        return TopicPartition(self.config.stream_topic, number)

    def _as_ours(self) -> AbstractContextManager[None]:
        return as_ours(self.config, self.bootstrap)
