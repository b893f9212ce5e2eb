"""The table tens_insight.alerts: what is open, what was, what was told."""

import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.alerts.alert import KINDS, RUNBOOK, Alert, Severity, storable
from components.postgres.queries import queries
from components.postgres.rows import records

_QUERIES: Final = queries(__package__)
_LONGEST_TEXT: Final = 1_000

Looked = str | tuple[str, str]
"""What was looked at: a whole kind, or one key of a kind."""


@dataclass(frozen=True)
class StoredAlert:
    """An alert as it is kept; moments are UTC.

    Attributes:
        alert_id: Its name, a UUID.
        kind: Name of its kind.
        key: What it is about.
        severity: Of this alert.
        sentence: What is the case, or was when it was seen last.
        evidence: Numbers and names that it follows from.
        first_seen: When it was opened.
        last_seen: When it was found to hold last.
        times_seen: How often.
        resolved_at: None while it is open.
        lasts: False for a message that was told once.
    """

    alert_id: str
    kind: str
    key: str
    severity: Severity
    sentence: str
    evidence: dict[str, Any]
    first_seen: datetime
    last_seen: datetime
    times_seen: int
    resolved_at: datetime | None
    lasts: bool = True

    @property
    def runbook(self) -> str:
        """Where it stands what to do; a kind of a later version has no section yet."""
        return f"{RUNBOOK}#{KINDS[self.kind].anchor}" if self.kind in KINDS else RUNBOOK

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        moments = {
            name: moment.astimezone(timezone.utc).isoformat() if moment else None
            for name in ("first_seen", "last_seen", "resolved_at")
            for moment in [getattr(self, name)]
        }
        return vars(self) | moments | {"runbook": self.runbook}


def try_lock(cursor: Cursor) -> bool:
    """Lets one process at a time look and record, until the transaction ends.

    Returns:
        False where another one is at it.
    """
    cursor.execute(_QUERIES["lock"])
    (got,) = cursor.fetchone() or (False,)
    return bool(got)


def record(cursor: Cursor, holding: Iterable[Alert], looked_at: Collection[Looked]) -> None:
    """Opens what holds and is not open, updates what is, resolves what no longer holds.

    Args:
        cursor: Of a transaction of the caller's.
        holding: Alerts that hold now, of kinds that last.
        looked_at: The kinds, or the (kind, key) pairs, of which `holding` has all that hold.

    Raises:
        ValueError: An alert is of a kind that is told, or of one that was not looked at.
    """
    found = list(holding)
    kinds = [one for one in looked_at if isinstance(one, str)]
    pairs = [one for one in looked_at if not isinstance(one, str)]
    for alert in found:
        if not KINDS[alert.kind].lasts:
            raise ValueError(f"{alert.kind} does not last: tell() it")
        if alert.kind not in kinds and alert.identity not in pairs:
            raise ValueError(f"{alert.kind} {alert.key} was not looked at")
    # In one order in every process: two that open the same alerts do not wait for each other.
    for alert in sorted(found, key=lambda one: one.identity):
        cursor.execute(_QUERIES["open_alert"], _values(alert))
    cursor.execute(
        _QUERIES["resolve"],
        {
            "kinds": kinds,
            "of_kinds": [kind for kind, _ in pairs],
            "of_keys": [key for _, key in pairs],
            "hold_kinds": [alert.kind for alert in found],
            "hold_keys": [alert.key for alert in found],
        },
    )


def tell(cursor: Cursor, alert: Alert) -> str:
    """Keeps a message about something that was done; the next look delivers it, once.

    Args:
        cursor: Of a transaction of the caller's: what was done and the message are kept together.
        alert: Of a kind that does not last.

    Returns:
        Its alert_id.

    Raises:
        ValueError: The kind lasts.
    """
    if KINDS[alert.kind].lasts:
        raise ValueError(f"{alert.kind} lasts until it no longer holds: record() it")
    values = _values(alert)
    cursor.execute(_QUERIES["tell"], values)
    return str(values["alert_id"])


def read_alerts(cursor: Cursor, *, every: bool = False, limit: int = 1_000) -> list[StoredAlert]:
    """Returns the open alerts, newest first; those that are resolved after them where asked.

    Args:
        cursor: Of any transaction.
        every: Whether what is resolved, and what was told, is returned too.
        limit: Alerts at most.
    """
    cursor.execute(_QUERIES["alerts"], {"all": every, "limit": limit})
    return records(cursor, StoredAlert)


def drop_old_alerts(cursor: Cursor, days: int) -> None:
    """Removes what was resolved longer ago than so many days, with its deliveries."""
    cursor.execute(_QUERIES["drop_alerts"], {"age": timedelta(days=days)})
    cursor.execute(_QUERIES["drop_deliveries"])


def open_identities(found: Sequence[StoredAlert]) -> set[tuple[str, str]]:
    """Returns kind and key of those that are open."""
    return {(one.kind, one.key) for one in found if one.resolved_at is None}


def _values(alert: Alert) -> dict[str, Any]:
    return {
        "alert_id": str(uuid.uuid4()),
        "kind": alert.kind,
        "key": alert.key,
        "severity": alert.severity_told,
        "sentence": alert.sentence,
        "evidence": evidence_json(alert),
    }


def evidence_json(alert: Alert) -> str:
    """Returns the evidence as JSON that Postgres takes: no NaN, no NUL, no lone surrogate."""
    plain = json.loads(
        json.dumps(dict(alert.evidence), default=str), parse_constant=lambda name: None
    )
    return json.dumps(_cleaned(plain), ensure_ascii=False)


def _cleaned(content: Any) -> Any:
    if isinstance(content, str):
        return storable(content, _LONGEST_TEXT)
    if isinstance(content, list):
        return [_cleaned(one) for one in content]
    if isinstance(content, dict):
        return {storable(key, _LONGEST_TEXT): _cleaned(one) for key, one in content.items()}
    return content
