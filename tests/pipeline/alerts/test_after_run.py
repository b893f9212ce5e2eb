"""A run looks at its end, and another process tells the sinks, whatever becomes of the run."""

import os
import signal
import subprocess
import sys
import time

import pytest

from components.errors import ContractBroken
from pipeline.alerts import after_run
from pipeline.alerts.after_run import tell_apart
from pipeline.settings import load_settings
from tests.contract.conftest import execute, query
from tests.pipeline.test_status import run_ends

BROKEN = ContractBroken("A table is missing.")
FAIL = """
from components.errors import ContractBroken
from pipeline.runs.attempt import attempted
from pipeline.settings import load_settings
with attempted("score", load_settings()) as attempt:
    attempt.failed(ContractBroken("A table is missing."))
"""


@pytest.fixture
def apart(installation, monkeypatch):
    """The other process is started, as it is in a run."""
    monkeypatch.setattr(after_run, "tell_apart", tell_apart)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def test_a_run_that_is_killed_while_it_is_told_is_told_once(apart, installation, http, told):
    http.answers = ["slow", (200, {})]
    process = subprocess.Popen([sys.executable, "-c", FAIL], env=os.environ)
    wait_for(lambda: http.received)  # the sink has it, and has not answered yet
    process.send_signal(signal.SIGKILL)
    process.wait()
    delivered = "SELECT count(*) FROM tens_insight.alert_deliveries WHERE delivered_at IS NOT NULL"
    wait_for(lambda: query(installation, delivered) == [(1,)])
    execute(installation, "UPDATE tens_insight.alert_deliveries SET next_attempt_at = now()")
    run_ends()
    assert told() == [("opened", "run_failed"), ("resolved", "run_failed")]


def test_settings_that_are_not_in_the_environment_reach_it_too(apart, http, told, monkeypatch):
    settings = load_settings()
    with monkeypatch.context() as without:
        without.delenv("TENS_INSIGHT_ALERT_WEBHOOK_URL")
        without.delenv("TENS_INSIGHT_STATE_DIR")
        found = after_run._variables(settings)
        for name, value in found.items():
            without.setenv(name, value)
        assert load_settings().alerts == settings.alerts
        assert load_settings().state_dir == settings.state_dir


def test_a_sink_that_hangs_delays_no_run_for_long(apart, http, monkeypatch):
    http.answers = ["hang"]
    monkeypatch.setattr(after_run, "_LONGEST_S", 1.0)
    began = time.monotonic()
    run_ends(BROKEN)
    assert time.monotonic() - began < 4


def test_where_there_is_nothing_to_tell_no_process_is_started(installation, monkeypatch):
    started = []
    monkeypatch.setattr(after_run, "tell_apart", lambda *asked: started.append(asked) or True)
    run_ends()
    assert not started
    run_ends(BROKEN)
    assert len(started) == 1


def test_nothing_that_fails_here_fails_a_run(installation, monkeypatch):
    def fail(*arguments):
        raise ZeroDivisionError("no matter")

    monkeypatch.setattr(after_run, "look", fail)
    run_ends()
    rows = query(
        installation, "SELECT state, warnings FROM tens_insight.runs ORDER BY started_at DESC"
    )
    assert rows[0][0] == "complete"
    assert "an unexpected ZeroDivisionError" in rows[0][1][0]
    assert "no matter" not in rows[0][1][0]
