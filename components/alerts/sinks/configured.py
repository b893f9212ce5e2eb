"""The sinks that settings name."""

from collections.abc import Callable, Mapping
from typing import Final

from components.alerts.config import AlertsConfig
from components.alerts.sinks.alertmanager import Alertmanager
from components.alerts.sinks.command import Command
from components.alerts.sinks.mail import Mail
from components.alerts.sinks.sink import Sink
from components.alerts.sinks.webhook import Webhook

SINKS: Final[Mapping[str, Callable[[AlertsConfig], Sink]]] = {
    "webhook": Webhook,
    "alertmanager": Alertmanager,
    "email": Mail,
    "command": Command,
}
"""Every sink by name."""


def configured_sinks(config: AlertsConfig) -> list[Sink]:
    """Returns the sinks that are to be told."""
    asked = {
        "webhook": config.alert_webhook_url.get_secret_value() or config.alert_webhook_url_file,
        "alertmanager": config.alert_alertmanager_url.get_secret_value()
        or config.alert_alertmanager_url_file,
        "email": config.alert_email_to,
        "command": config.alert_command,
    }
    return [make(config) for name, make in SINKS.items() if asked[name]]
