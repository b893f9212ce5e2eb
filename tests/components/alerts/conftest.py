"""Receivers, and alerts to send."""

from datetime import datetime, timedelta, timezone

import pytest

from components.alerts.alert_table import StoredAlert
from components.alerts.message import OPENED, Message
from tests.components.alerts.receivers import HttpReceiver, SmtpReceiver

BEGAN = datetime(2026, 11, 29, 2, tzinfo=timezone.utc)


@pytest.fixture
def http():
    with HttpReceiver().serving() as receiver:
        yield receiver


@pytest.fixture
def smtp():
    with SmtpReceiver().serving() as receiver:
        yield receiver


def stored(**changes):
    """An alert as it is kept."""
    values = {
        "alert_id": "6f1f3f63-3a35-4d1c-9d0d-0a51b8f2a001",
        "kind": "run_failed",
        "key": "score",
        "severity": "critical",
        "sentence": "score R, failed with code 7: a table is missing.",
        "evidence": {"exit_code": 7},
        "first_seen": BEGAN,
        "last_seen": BEGAN,
        "times_seen": 1,
        "resolved_at": None,
    }
    return StoredAlert(**values | changes)


def message(event=OPENED, **changes):
    """What a sink is told."""
    if event == "resolved":
        changes.setdefault("resolved_at", BEGAN + timedelta(hours=1))
    return Message(stored(**changes), event, "https://wiki.example.com/ops", "goinsight")
