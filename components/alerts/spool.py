"""Alerts in the state directory, for as long as the database cannot be used.

The same rules as in the database: an alert is open once for each kind and key, and every sink is
told of its beginning and its end. What is kept here goes into the database when that is back.
"""

import errno
import fcntl
import json
import os
import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from components.alerts.alert import KINDS, SEVERITIES, Alert, Severity, is_about_sink
from components.alerts.alert_table import Looked, StoredAlert, evidence_json
from components.alerts.message import OPENED, RESOLVED, TOLD
from components.alerts.outbox import FARTHEST, GIVEN_UP_AFTER, Claimed, Outcome, delay
from components.errors import StateUnusable
from components.state_files import make_private, replace_text

_FILE: Final = "spool.json"
_STANDING: Final = "open.json"
_RESERVE: Final = "reserve"
_RESERVED: Final = 64 * 1024
"""Bytes that are given free where the disk is full: enough for some hundred alerts."""
_LOCK: Final = "lock"
_PAUSE_S: Final = 0.1
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class KeptDelivery:
    """What a sink is to be told of an alert that is kept here; moments are UTC."""

    alert_id: str
    sink: str
    event: str
    created_at: datetime
    next_attempt_at: datetime
    attempts: int = 0
    tried_at: datetime | None = None
    delivered_at: datetime | None = None
    given_up_at: datetime | None = None
    problem: str = ""

    @property
    def waits(self) -> bool:
        """Whether it is still to be delivered."""
        return self.delivered_at is None and self.given_up_at is None


@dataclass(frozen=True)
class Settled:
    """A delivery of the database's that was made when the database could not be told so."""

    alert_id: str
    sink: str
    event: str


@dataclass
class Kept:
    """All that waits for the database."""

    alerts: list[StoredAlert] = field(default_factory=list)
    deliveries: list[KeptDelivery] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)


class Spool:
    """The folder of alerts of a state directory.

    Args:
        folder: Made when something is written.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    @contextmanager
    def locked(self, wait_s: float) -> Iterator[bool]:
        """Lets one process at a time work on the alerts of the state directory.

        Args:
            wait_s: Seconds to wait for another one.

        Yields:
            False where another process did not end in time.

        Raises:
            StateUnusable: The folder cannot be written.
        """
        try:
            make_private(self._folder)
            descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            yield _wait_for(descriptor, wait_s)
        finally:
            os.close(descriptor)

    def read(self) -> Kept:
        """Returns what is kept; a file that is torn counts as none."""
        try:
            content = json.loads((self._folder / _FILE).read_text(encoding="utf-8"))
            return Kept(
                [_alert(one) for one in content["alerts"]],
                [_delivery(one) for one in content["deliveries"]],
                [Settled(**one) for one in content["settled"]],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return Kept()

    def write(self, kept: Kept) -> None:
        """Replaces what is kept.

        Raises:
            StateUnusable: It cannot be written, even with the room that was kept for it.
        """
        content = {
            "alerts": [asdict(one) for one in kept.alerts],
            "deliveries": [asdict(one) for one in kept.deliveries],
            "settled": [asdict(one) for one in kept.settled],
        }
        text = json.dumps(content, indent=1, ensure_ascii=False, default=_plain)
        try:
            self._replace(text)
        except OSError as error:
            raise self._unusable(error) from None

    def clear(self) -> None:
        """Removes what the database has by now."""
        with suppress(FileNotFoundError):
            (self._folder / _FILE).unlink()

    def standing(self) -> set[tuple[str, str]]:
        """Returns kind and key of what was open in the database when it was seen last."""
        try:
            content = json.loads((self._folder / _STANDING).read_text(encoding="utf-8"))
            return {(str(kind), str(key)) for kind, key in content}
        except (OSError, ValueError, TypeError):
            return set()

    def remember(self, identities: Collection[tuple[str, str]]) -> None:
        """Keeps what is open in the database, so that it is not opened here a second time.

        Also makes sure of some room for the day on which the disk is full. What cannot be written
        is left: the database has it.
        """
        with suppress(OSError):
            if set(identities) != self.standing():
                make_private(self._folder)
                replace_text(self._folder / _STANDING, json.dumps(sorted(identities)))
            reserve = self._folder / _RESERVE
            if not reserve.exists():
                make_private(self._folder)
                replace_text(reserve, "\n" * _RESERVED)

    def _replace(self, text: str) -> None:
        make_private(self._folder)
        try:
            replace_text(self._folder / _FILE, text)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            (self._folder / _RESERVE).unlink(missing_ok=True)
            replace_text(self._folder / _FILE, text)

    def _unusable(self, error: OSError) -> StateUnusable:
        return StateUnusable(
            f"Alerts cannot be kept in {self._folder}: {error.strerror or error}. While the "
            "database is away they are kept nowhere else. Make room on that disk, or let this "
            "user write there."
        )


class SpoolLedger:
    """Opens, resolves and delivers what is kept in a spool; its lock is held.

    Args:
        spool: Where it is kept.
    """

    def __init__(self, spool: Spool):
        self._spool = spool
        self._kept = spool.read()

    def record(self, holding: Iterable[Alert], looked_at: Collection[Looked]) -> None:
        """Does what alert_table.record does.

        What is open in the database is not opened here: it is told already.
        """
        now, found = _now(), {alert.identity: alert for alert in holding}
        standing = self._spool.standing()
        alerts = []
        for one in self._kept.alerts:
            identity = (one.kind, one.key)
            if one.resolved_at is not None:
                alerts.append(one)
            elif identity in found:
                alerts.append(_seen(one, found[identity], now))
            elif one.kind in looked_at or identity in looked_at:
                alerts.append(replace(one, resolved_at=max(now, one.last_seen)))
            else:
                alerts.append(one)
        here = {(one.kind, one.key) for one in alerts if one.resolved_at is None}
        new = [alert for alert in found.values() if alert.identity not in here | standing]
        alerts += [_opened(alert, now) for alert in new]
        self._keep(replace(self._kept, alerts=alerts))

    def queue(self, sinks: Sequence[str], least: Severity) -> None:
        """Does what outbox.queue does."""
        now, told = _now(), SEVERITIES[SEVERITIES.index(least) :]
        there = {(one.alert_id, one.sink, one.event): one for one in self._kept.deliveries}
        for alert in self._kept.alerts:
            first = OPENED if alert.lasts else TOLD
            for sink in sinks if alert.severity in told else ():
                if is_about_sink(alert.kind, alert.key, sink):
                    continue
                key = (alert.alert_id, sink, first)
                there.setdefault(key, KeptDelivery(*key, created_at=now, next_attempt_at=now))
            for opened in [one for one in there.values() if one.alert_id == alert.alert_id]:
                if alert.lasts and alert.resolved_at and opened.event == OPENED:
                    key = (alert.alert_id, opened.sink, RESOLVED)
                    there.setdefault(key, KeptDelivery(*key, created_at=now, next_attempt_at=now))
        old = now - GIVEN_UP_AFTER
        still = {one.alert_id for one in self.standing()}
        deliveries = [
            replace(one, given_up_at=now)
            if one.waits and one.created_at < old and one.alert_id not in still
            else one
            for one in there.values()
        ]
        self._keep(replace(self._kept, deliveries=deliveries))

    def claim(self, sinks: Sequence[str]) -> list[Claimed]:
        """Does what outbox.claim does; the lock of the spool keeps others away."""
        now = _now()
        delivered = {
            (one.alert_id, one.sink)
            for one in self._kept.deliveries
            if one.event == OPENED and one.delivered_at
        }
        alerts = {one.alert_id: one for one in self._kept.alerts}
        due = [
            one
            for one in self._kept.deliveries
            if one.waits
            and one.sink in sinks
            and not now < one.next_attempt_at <= now + FARTHEST
            and (one.event != RESOLVED or (one.alert_id, one.sink) in delivered)
        ]
        return [
            Claimed(one.sink, one.event, one.attempts + 1, one.created_at, alerts[one.alert_id])
            for one in due
        ]

    def count_due(self, sinks: Sequence[str]) -> int:
        """Does what outbox.count_due does."""
        return len(self.claim(sinks))

    def settle(self, claimed: Claimed, outcome: Outcome) -> None:
        """Does what outbox.settle does."""
        now = _now()
        key = (claimed.alert.alert_id, claimed.sink, claimed.event)
        deliveries = [
            _after(one, outcome, now) if (one.alert_id, one.sink, one.event) == key else one
            for one in self._kept.deliveries
        ]
        self._keep(replace(self._kept, deliveries=deliveries))

    def note_settled(self, claimed: Claimed) -> None:
        """Keeps that a delivery of the database's was made."""
        one = Settled(claimed.alert.alert_id, claimed.sink, claimed.event)
        self._keep(replace(self._kept, settled=[*self._kept.settled, one]))

    def standing(self) -> list[StoredAlert]:
        """Returns what is open here."""
        return [one for one in self._kept.alerts if one.lasts and one.resolved_at is None]

    def _keep(self, kept: Kept) -> None:
        if kept != self._kept:
            self._spool.write(kept)
            self._kept = kept


def _after(one: KeptDelivery, outcome: Outcome, now: datetime) -> KeptDelivery:
    if not outcome.tried:
        return one
    attempts = one.attempts + 1
    if outcome.delivered:
        return replace(one, attempts=attempts, tried_at=now, delivered_at=now, problem="")
    later = now + delay(attempts, outcome)
    return replace(
        one, attempts=attempts, tried_at=now, next_attempt_at=later, problem=outcome.problem
    )


def _opened(alert: Alert, now: datetime) -> StoredAlert:
    return StoredAlert(
        alert_id=str(uuid.uuid4()),
        kind=alert.kind,
        key=alert.key,
        severity=alert.severity_told,
        sentence=alert.sentence,
        evidence=json.loads(evidence_json(alert)),
        first_seen=now,
        last_seen=now,
        times_seen=1,
        resolved_at=None if KINDS[alert.kind].lasts else now,
        lasts=KINDS[alert.kind].lasts,
    )


def _seen(one: StoredAlert, alert: Alert, now: datetime) -> StoredAlert:
    return replace(
        one,
        severity=alert.severity_told,
        sentence=alert.sentence,
        evidence=json.loads(evidence_json(alert)),
        last_seen=max(now, one.last_seen),
        times_seen=one.times_seen + 1,
    )


def _wait_for(descriptor: int, wait_s: float) -> bool:
    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= end:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _alert(content: dict[str, Any]) -> StoredAlert:
    return StoredAlert(**_moments(content, "first_seen", "last_seen", "resolved_at"))


def _delivery(content: dict[str, Any]) -> KeptDelivery:
    names = ("created_at", "next_attempt_at", "tried_at", "delivered_at", "given_up_at")
    return KeptDelivery(**_moments(content, *names))


def _moments(content: dict[str, Any], *names: str) -> dict[str, Any]:
    moments = {
        name: datetime.fromisoformat(content[name]) if content[name] else None for name in names
    }
    return content | moments


def _plain(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
