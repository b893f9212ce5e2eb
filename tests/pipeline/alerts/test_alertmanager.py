"""Prometheus's own Alertmanager: told, told again after it forgot, and told of the end."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from components.errors import ContractBroken
from pipeline.alerts.look import look
from pipeline.settings import load_settings
from tests.components.alerts.receivers import HttpReceiver
from tests.pipeline.test_status import run_ends

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
AMTOOL = shutil.which("amtool")
CONFIG = """
route:
  {{receiver: here, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: here, webhook_configs: [{{url: '{url}', send_resolved: true}}]}}]
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (PROGRAM and AMTOOL) and not os.environ.get("REQUIRE_PROMETHEUS"),
        reason="there is no prometheus-alertmanager",
    ),
]


@contextmanager
def alertmanager(folder, port):
    arguments = [
        f"--config.file={folder / 'config.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "log").open("a") as log:
        process = subprocess.Popen([PROGRAM, *arguments], stderr=log, stdout=log)
    try:
        wait_for(lambda: ready(port))
        yield
    finally:
        process.terminate()
        process.wait()


def ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def wait_for(condition, seconds=15):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found


def open_there(port):
    done = subprocess.run(
        [AMTOOL, "alert", "query", f"--alertmanager.url=http://127.0.0.1:{port}", "--output=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [one["labels"] for one in json.loads(done.stdout)]


def test_alertmanager_is_told_of_both_ends_and_again_where_it_forgot(
    installation, monkeypatch, tmp_path
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.delenv("TENS_INSIGHT_ALERT_WEBHOOK_URL")
    monkeypatch.setenv("TENS_INSIGHT_ALERT_ALERTMANAGER_URL", f"http://127.0.0.1:{port}")
    with HttpReceiver().serving() as receiver:
        (tmp_path / "config.yml").write_text(CONFIG.format(url=receiver.url))
        checked = [AMTOOL, "check-config", str(tmp_path / "config.yml")]
        subprocess.run(checked, check=True, capture_output=True)
        with alertmanager(tmp_path, port):
            run_ends(ContractBroken("A table is missing."))
            (labels,) = wait_for(lambda: open_there(port))
            assert labels == {
                "alertname": "TensInsightRunFailed",
                "installation": "tens-insight",
                "key": "score",
                "kind": "run_failed",
                "severity": "critical",
            }
            wait_for(lambda: receiver.received)
            for _ in range(2):
                assert look(load_settings()).problems == {"alertmanager": ""}
        assert "alertmanager" in look(load_settings()).problems  # it is away
        shutil.rmtree(tmp_path / "data")
        with alertmanager(tmp_path, port):
            assert open_there(port) == []
            look(load_settings())
            assert wait_for(lambda: open_there(port)) == [labels]
            wait_for(lambda: len(receiver.received) == 2)  # it lost its own record of what it told
            run_ends()
            wait_for(lambda: len(receiver.received) == 3)
            assert open_there(port) == []
    states = [[one["status"] for one in body["alerts"]] for body in receiver.bodies]
    assert states == [["firing"], ["firing"], ["resolved"]]
