"""The real programs: metrics are scraped and pushed, a missed run fires, and a run resolves it."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

from components.errors import DataGateStopped
from pipeline.runners.processes import free_port
from pipeline.runs.attempt import attempted
from pipeline.runs.record import RunRecord, RunRecords
from pipeline.settings import load_settings
from tests.pipeline.telemetry.conftest import eventually
from tests.programs import program

ROOT = Path(__file__).parents[3]
DEPLOYED = ROOT / "docs/deploy/prometheus"


def answer(url):
    """Returns what a server answers; None while nobody does."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None


@contextmanager
def running(folder, *command, ready):
    """Runs a server until the block ends."""
    with (folder / f"{Path(command[0]).name}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            eventually(lambda: answer(ready) is not None)
            yield
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def pushgateway(folder):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = [f"--web.listen-address=127.0.0.1:{port}", "--persistence.file="]
    command = [program("prometheus-pushgateway"), *options]
    with running(folder, *command, ready=f"{url}/-/ready"):
        yield url


def attempt(kind="score", error=None):
    try:
        with attempted(kind, load_settings()) as one:
            if error is not None:
                raise error
            one.complete()
    except DataGateStopped:
        pass


def pushed(url):
    """Returns the pushed samples: name and labels as text, value."""
    lines = [line for line in answer(f"{url}/metrics").splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines if "tens_insight" in line)


def test_what_is_pushed_replaces_only_its_own_and_a_success_stays(state_dir, tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pushgateway(tmp_path) as url:
        monkeypatch.setenv("TENS_INSIGHT_PUSHGATEWAY_URL", f"{url}/")
        request = urllib.request.Request(
            f"{url}/metrics/job/tens-insight/instance/other", b"tens_insight_accounts 5\n"
        )
        urllib.request.urlopen(request).close()
        monkeypatch.setenv("TENS_INSIGHT_METRICS_INSTANCE", "first:1")
        attempt()
        success = (
            'tens_insight_run_success_timestamp_seconds{instance="first:1",job="tens-insight",'
            'kind="score"}'
        )
        code = 'tens_insight_run_exit_code{instance="first:1",job="tens-insight",kind="score"}'
        before = pushed(url)
        assert float(before[code]) == 0
        # What was known of the success is lost but for an older one, and the next run fails.
        for path in (state_dir / "runs").glob("*.json"):
            path.unlink()
        long_ago = datetime.now(timezone.utc) - timedelta(days=30)
        older = RunRecord("20260101T000000.000-0001", "score", "complete", long_ago, long_ago)
        RunRecords(state_dir / "runs").write(older)
        attempt(error=DataGateStopped("odd"))
        after = pushed(url)
        assert float(after[code]) == 4
        assert after[success] == before[success]
        assert 'tens_insight_accounts{instance="other",job="tens-insight"}' in after
        monkeypatch.setenv("TENS_INSIGHT_METRICS_INSTANCE", "")
        attempt()
        assert any(f'instance="{socket.gethostname()}"' in name for name in pushed(url))
        (record, *_) = RunRecords(state_dir / "runs").newest(1)
        assert record.warnings == ()


def test_a_missed_run_is_one_message_and_a_run_is_one_more(
    state_dir, tmp_path, monkeypatch, receiver
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    textfiles = tmp_path / "textfiles"
    textfiles.mkdir()
    monkeypatch.setenv("TENS_INSIGHT_METRICS_TEXTFILE", str(textfiles / "tens-insight.prom"))
    (state_dir / "runs").mkdir(parents=True)
    yesterday = datetime.now(timezone.utc) - timedelta(hours=30)
    RunRecords(state_dir / "runs").write(
        RunRecord(
            "20260101T000000.000-0001", "score", "complete", yesterday, yesterday, exit_code=0
        )
    )
    from pipeline.telemetry.gather import gather
    from pipeline.telemetry.metric_sinks import send_metrics

    settings = load_settings()
    assert send_metrics(settings, gather(settings, ask_database=False).samples) == {"textfile": ""}
    exporter, manager, server = (free_port() for _ in range(3))
    with ExitStack() as stack:
        gateway = stack.enter_context(pushgateway(tmp_path))
        _write_quick_configs(tmp_path, exporter, gateway, manager, receiver.url)

        def start(name, port, *options, ready):
            command = [program(name), f"--web.listen-address=127.0.0.1:{port}", *options]
            url = f"http://127.0.0.1:{port}/{ready}"
            stack.enter_context(running(tmp_path, *command, ready=url))

        textfile = f"--collector.textfile.directory={textfiles}"
        start(
            *("prometheus-node-exporter", exporter),
            *("--collector.disable-defaults", "--collector.textfile", textfile),
            ready="metrics",
        )
        start(
            *("prometheus-alertmanager", manager),
            *("--config.file=alertmanager.yaml", "--storage.path=manager"),
            "--cluster.listen-address=",
            ready="-/ready",
        )
        start(
            *("prometheus", server),
            *("--config.file=prometheus.yaml", "--storage.tsdb.path=data"),
            ready="-/ready",
        )
        assert _told(receiver, 1) == ["firing"]
        monkeypatch.setenv("TENS_INSIGHT_PUSHGATEWAY_URL", gateway)
        attempt()
        assert _told(receiver, 2) == ["firing", "resolved"]
        time.sleep(2.5)  # and nothing more
        assert _told(receiver, 2) == ["firing", "resolved"]
        pushed = 'count(tens_insight_run_exit_code{job="tens-insight"} == 0)'
        eventually(lambda: _value(server, pushed) == 1)
        assert _value(server, 'count({__name__=~"tens_insight_.+",job="node"})') > 15


def _value(server, expression):
    """Returns the value of an expression; None where it has none."""
    query = urllib.parse.quote(expression)
    found = json.loads(answer(f"http://127.0.0.1:{server}/api/v1/query?query={query}"))
    return next((float(one["value"][1]) for one in found["data"]["result"]), None)


def _write_quick_configs(folder, exporter, gateway, manager, receiver):
    """Writes what is deployed, with seconds in place of minutes and other ports."""
    rules = (DEPLOYED / "tens-insight.rules.yaml").read_text()
    (folder / "tens-insight.rules.yaml").write_text(re.sub(r"for: \S+", "for: 1s", rules))
    config = yaml.safe_load((DEPLOYED / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    node, pushed = config["scrape_configs"]
    node["static_configs"] = [{"targets": [f"127.0.0.1:{exporter}"]}]
    pushed["static_configs"] = [{"targets": [gateway.removeprefix("http://")]}]
    managers = [{"targets": [f"127.0.0.1:{manager}"]}]
    config["alerting"]["alertmanagers"] = [{"static_configs": managers}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    alerting = yaml.safe_load((DEPLOYED / "alertmanager.yaml").read_text())
    alerting["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    for one in alerting["receivers"]:
        one["webhook_configs"][0]["url"] = f"{receiver}/{one['name']}"
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(alerting))


def _told(receiver, at_least):
    """Returns what Alertmanager has sent about the run that was missed, in order."""

    def found():
        messages = [json.loads(one.body) for one in receiver.posts]
        told = [
            alert["status"]
            for message in messages
            for alert in message["alerts"]
            if alert["labels"]["alertname"] == "TensInsightRunMissed"
        ]
        return told if len(told) >= at_least else None

    return eventually(found, 120)


@pytest.mark.parametrize(
    "command",
    [
        ["promtool", "check", "rules", "tens-insight.rules.yaml"],
        ["promtool", "test", "rules", "tens-insight.rules.test.yaml"],
        ["promtool", "check", "config", "prometheus.yaml"],
        ["amtool", "check-config", "alertmanager.yaml"],
    ],
    ids=" ".join,
)
def test_what_is_deployed_is_sound(command):
    name, *arguments = command
    done = subprocess.run(
        [program(name), *arguments], cwd=DEPLOYED, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout + done.stderr
