"""What a sink is told: one event of one alert."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from components.alerts.alert import KINDS, is_about_sink
from components.alerts.alert_table import StoredAlert

OPENED: Final = "opened"
RESOLVED: Final = "resolved"
TOLD: Final = "told"


@dataclass(frozen=True)
class Message:
    """One event of one alert.

    Attributes:
        alert: As it is kept.
        event: opened, resolved, or told for what does not last.
        runbook_url: Where docs/operations.md is shown.
        installation: Who speaks, where several installations share a sink.
    """

    alert: StoredAlert
    event: str
    runbook_url: str
    installation: str

    @property
    def key(self) -> str:
        """The idempotency key: the same each time that this event is sent."""
        return f"{self.alert.alert_id}-{self.event}"

    @property
    def runbook(self) -> str:
        """Where it stands what to do."""
        kind = KINDS.get(self.alert.kind)
        return f"{self.runbook_url}#{kind.anchor}" if kind else self.runbook_url

    @property
    def meaning(self) -> str:
        """What the kind means."""
        kind = KINDS.get(self.alert.kind)
        return kind.meaning if kind else self.alert.kind

    @property
    def head(self) -> str:
        """One line: how grave, what kind, about what."""
        grave = "resolved" if self.event == RESOLVED else self.alert.severity
        about = f" ({self.alert.key})" if self.alert.key else ""
        return " ".join(f"{self.installation}: {grave}: {self.alert.kind}{about}".split())

    def is_about(self, sink: str) -> bool:
        """Tells whether it says that this sink fails."""
        return is_about_sink(self.alert.kind, self.alert.key, sink)

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        alert = self.alert.as_json()
        return {
            "idempotency_key": self.key,
            "event": self.event,
            "installation": self.installation,
            "head": self.head,
            **{name: alert[name] for name in _TOLD},
            "meaning": self.meaning,
            "runbook": self.runbook,
        }


_TOLD: Final = (
    *("alert_id", "kind", "key", "severity", "sentence", "evidence"),
    *("first_seen", "last_seen", "times_seen", "resolved_at"),
)


def rfc3339(moment: datetime) -> str:
    """Returns a moment as Alertmanager takes it."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
