"""An installation: a database with our tables, a state directory, and a webhook that is told."""

import pytest

from pipeline.alerts import after_run
from pipeline.alerts.look import Asked, look
from pipeline.logs import logging_restored
from pipeline.settings import load_settings
from tests.components.alerts.receivers import HttpReceiver
from tests.environment import unset_settings
from tests.pipeline.test_status import publish_scores, run_ends

TOKEN = "T0KEN-tiger-7"


def tell_here(settings, within_s):
    look(settings, Asked(within_s=within_s))
    return True


@pytest.fixture
def http():
    with HttpReceiver().serving() as receiver:
        yield receiver


@pytest.fixture
def installation(migrated_database, monkeypatch, tmp_path, http):
    """All is well: scores of an hour ago, and a run that came to its end."""
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TENS_INSIGHT_ALERT_DISK_FREE_PERCENT", "0")
    monkeypatch.setenv("TENS_INSIGHT_ALERT_WEBHOOK_URL", f"{http.url}/services/{TOKEN}")
    # In this process, where tests alter what happens; test_after_run.py starts the other one.
    monkeypatch.setattr(after_run, "tell_apart", tell_here)
    with logging_restored():
        run_ends()
        publish_scores(hours_ago=1)
        assert http.received == []
        yield migrated_database


@pytest.fixture
def told(http):
    """What the webhook was told since it was asked last: event and kind of each message."""

    def told():
        heads = [body["text"].strip("*") for body in http.bodies]
        keys = list(http.keys)
        assert len(keys) == len(set(keys)), "told twice"
        found = [
            (key.rpartition("-")[2], head.split(": ")[2].split(" ")[0])
            for key, head in zip(keys, heads, strict=True)
        ]
        new = found[told.seen :]
        told.seen = len(found)
        return new

    told.seen = 0
    return told


@pytest.fixture
def settings(installation):
    return load_settings
