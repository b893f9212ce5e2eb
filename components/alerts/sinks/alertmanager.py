"""Prometheus's Alertmanager, by version 2 of its API."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from components.alerts.config import AlertsConfig
from components.alerts.message import OPENED, RESOLVED, Message, rfc3339
from components.alerts.sinks.sink import post_json, secret_of
from components.sinks import with_path

_PATH: Final = "/api/v2/alerts"
LASTS: Final = timedelta(hours=26)
"""What is not said again for so long counts as resolved there: longer than a day, since the daily
run may be the only one that says it."""
_MESSAGE_LASTS: Final = timedelta(minutes=10)
"""Of what was told once; Alertmanager knows nothing but alerts that end."""


class Alertmanager:
    """Posts alerts with their beginning and end, and open ones again and again.

    Args:
        config: With the URL, or the file that holds it.
    """

    name = "alertmanager"
    forgets = True

    def __init__(self, config: AlertsConfig):
        self._config = config

    def send(self, message: Message) -> None:
        """Posts one alert."""
        self._post([message], message.key)

    def refresh(self, standing: Sequence[Message]) -> None:
        """Posts all open ones again: Alertmanager forgets them, at a restart at once."""
        if standing:
            self._post(standing, "refresh")

    def _post(self, messages: Sequence[Message], key: str) -> None:
        config = self._config
        url = secret_of(config.alert_alertmanager_url, config.alert_alertmanager_url_file)
        address = with_path(url.rstrip("/").removesuffix(_PATH), _PATH)
        now = datetime.now(timezone.utc)
        post_json(address, [alert_json(one, now) for one in messages], key)


def alert_json(message: Message, now: datetime) -> dict[str, Any]:
    """Returns a message as Alertmanager takes it.

    Its labels are the same for both ends of an alert: they are what Alertmanager knows it by.

    Args:
        message: The event.
        now: UTC.
    """
    alert = message.alert
    begin, end = alert.first_seen, now + LASTS
    if message.event == RESOLVED and alert.resolved_at is not None:
        # After now an alert would still be open, before its beginning it is refused.
        end = min(alert.resolved_at, now)
        begin = min(begin, end - timedelta(milliseconds=1))
    elif message.event != OPENED:
        end = now + _MESSAGE_LASTS
    labels = {
        "alertname": f"TensInsight{''.join(part.title() for part in alert.kind.split('_'))}",
        "kind": alert.kind,
        "installation": message.installation,
    }
    if alert.key:
        labels["key"] = alert.key
    if message.event not in (OPENED, RESOLVED):
        labels["alert_id"] = alert.alert_id  # two acts are two messages
    return {
        "labels": labels | {"severity": alert.severity},
        "annotations": {
            "summary": message.meaning,
            "description": alert.sentence,
            "runbook_url": message.runbook,
            "idempotency_key": message.key,
        },
        "startsAt": rfc3339(begin),
        "endsAt": rfc3339(end),
        **(
            {"generatorURL": message.runbook}
            if message.runbook.startswith(("http://", "https://"))
            else {}
        ),
    }
