"""A webhook that takes JSON as Slack, Mattermost and Rocket.Chat do."""

from collections.abc import Sequence
from typing import Any, Final

from components.alerts.config import AlertsConfig
from components.alerts.message import RESOLVED, Message, rfc3339
from components.alerts.sinks.sink import post_json, secret_of

_COLOURS: Final = {"critical": "#a30200", "warning": "#daa038", "info": "#439fe0"}
_RESOLVED: Final = "#2eb886"


class Webhook:
    """Posts each message.

    Args:
        config: With the URL, or the file that holds it.
    """

    name = "webhook"
    forgets = False

    def __init__(self, config: AlertsConfig):
        self._config = config

    def send(self, message: Message) -> None:
        """Posts it."""
        config = self._config
        url = secret_of(config.alert_webhook_url, config.alert_webhook_url_file)
        post_json(url, slack_json(message), message.key)

    def refresh(self, standing: Sequence[Message]) -> None:
        """Says nothing: people read it."""


def slack_json(message: Message) -> dict[str, Any]:
    """Returns a message as Slack's incoming webhooks take it."""
    alert, resolved = message.alert, message.event == RESOLVED
    return {
        "text": f"*{_escaped(message.head)}*",
        "attachments": [
            {
                "color": _RESOLVED if resolved else _COLOURS[alert.severity],
                "fallback": _escaped(f"{message.head} {alert.sentence}"),
                "text": f"{_escaped(alert.sentence)}\nWhat to do: {_escaped(message.runbook)}",
                "fields": [
                    {"title": "since", "value": rfc3339(alert.first_seen), "short": True},
                    {"title": "severity", "value": alert.severity, "short": True},
                ],
                "footer": message.key,
            }
        ],
    }


def _escaped(text: str) -> str:
    """Escapes what Slack would take for a link, or for somebody's name."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
