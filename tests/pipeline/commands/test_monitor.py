"""`tens-insight monitor` on a real database: what it prints, and the JSON for a page."""

import json

import numpy as np
import pytest

from components.monitor import watch as step
from components.monitor.measures import COUNT, SHARE, Measure
from components.monitor.watch import watch
from pipeline.cli import run_cli
from tests.components.monitor.conftest import monitored, publications

__all__ = ["monitored", "publications"]  # fixtures


@pytest.fixture
def year(monitored, monkeypatch):
    """Twenty quiet weeks, and one in which a source is gone."""
    rng = np.random.default_rng(1)
    for week in range(21):
        share = 0.0 if week == 20 else rng.binomial(1_400, 0.2) / 1_400
        one = ("source", SHARE, "share of events", share, ":table", "source", "em\x1bail", 1_400)
        events = Measure("volume", COUNT, "events", float(rng.poisson(1_400)), fresh=True)
        measured = [Measure(*one, fresh=True), events]
        monkeypatch.setattr(step, "measure_data", lambda run, measured=measured: iter(measured))
        watch(monitored(week))


def test_nothing_was_monitored_yet(publications, capsys):
    assert run_cli(["monitor"]) == 0
    assert "No run was monitored yet" in capsys.readouterr().out


def test_it_shows_what_is_unusual_and_since_when_in_80_columns(year, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run_cli(["monitor"]) == 0
    out = capsys.readouterr().out
    assert "alarms       1 open, 1 in the history" in out
    assert "Alarm since 2026-05-25 00:00 UTC, 1 measure" in out
    assert "source 'em\\x1bail': share of events" in out
    assert "is 0.0%, usual 1" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    (events,) = [line for line in out.splitlines() if line.startswith("events")]
    assert sum(one in "▁▂▃▄▅▆▇█" for one in events) == 21
    assert "more measures: tens-insight monitor --all" in out
    assert run_cli(["monitor", "--all", "--runs", "3"]) == 0
    out = capsys.readouterr().out
    assert "more measures:" not in out
    assert (
        sum(one in "▁▂▃▄▅▆▇█" for one in next(x for x in out.splitlines() if x[:6] == "events"))
        == 3
    )


def test_a_page_can_be_drawn_of_the_json(year, capsys):
    assert run_cli(["monitor", "--json", "--runs", "5"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [len(told["runs"]), told["as_of"]] == [5, "2026-05-25T00:00:00+00:00"]
    (alarm,) = told["open_alarms"]
    (place,) = alarm["series"]
    series = told["series"][place]
    assert (series["slice_value"], series["share"], series["alarm"]) == ("em\x1bail", True, True)
    assert (len(series["values"]), series["values"][-1]) == (5, 0.0)
    assert 0.1 < series["usual"][0] < 0.2 < series["usual"][1] < 0.3
    assert alarm["opened_at"] == told["alarms"][0]["opened_at"] == told["as_of"]
    assert told["false_alarms_per_year"] == 1.0


def test_the_command_loads_no_tensorflow(migrated_database):
    import subprocess
    import sys

    code = (
        "import sys; from pipeline.cli import run_cli; assert run_cli(['monitor']) == 0; "
        "assert not {'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
