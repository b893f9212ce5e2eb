"""Sends a message to one sink, to see whether it takes it."""

import uuid
from datetime import datetime, timezone
from typing import Final

from components.alerts.alert import POLICY_ACT
from components.alerts.alert_table import StoredAlert
from components.alerts.delivery import attempt
from components.alerts.message import TOLD, Message
from components.alerts.sinks.configured import configured_sinks
from pipeline.alerts.sink_notes import note_sinks
from pipeline.settings import ConfigurationInvalid, Settings, variable

_SETTING: Final = {
    "webhook": "alert_webhook_url",
    "alertmanager": "alert_alertmanager_url",
    "email": "alert_email_to",
    "command": "alert_command",
}
"""What must be set for each sink."""


def try_sink(settings: Settings, name: str) -> str:
    """Sends a message that says that it is a test.

    Args:
        settings: With the sinks.
        name: Of the sink.

    Returns:
        Why the sink did not take it, without secrets; empty where it did.

    Raises:
        ConfigurationInvalid: No such sink is configured.
    """
    sink = next((one for one in configured_sinks(settings.alerts) if one.name == name), None)
    if sink is None:
        raise ConfigurationInvalid(
            f"No {name} is configured: set {variable(_SETTING[name])} (docs/alerts.md)."
        )
    problem = attempt(sink, _test_message(settings)).problem
    note_sinks(settings.alerts_dir, {name: problem})
    return problem


def _test_message(settings: Settings) -> Message:
    now, config = datetime.now(timezone.utc), settings.alerts
    alert = StoredAlert(
        alert_id=str(uuid.uuid4()),
        kind=POLICY_ACT,
        key="test",
        severity="info",
        sentence="This is a test of the sink: somebody ran `tens-insight alerts test`.",
        evidence={},
        first_seen=now,
        last_seen=now,
        times_seen=1,
        resolved_at=now,
        lasts=False,
    )
    return Message(alert, TOLD, config.alert_runbook_url, config.alert_installation)
