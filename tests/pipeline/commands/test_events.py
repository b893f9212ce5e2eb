"""`tens-insight events`: a table, CSV and JSON of what happened."""

import csv
import io
import json

import pytest

from components.account_events.config import AccountEventsConfig
from components.account_events.listing import KINDS
from components.account_events.record import record_events
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.undo import undo
from pipeline.cli import run_cli
from pipeline.commands import events as command
from tests.components.contributions.scored import Scored, recorded_day

HOSTILE = "=1+1\x1b[31m,\u202e"


@pytest.fixture
def events(migrated_database, monkeypatch, tmp_path, capsys):
    """Two publications; the first three events are told, the fourth is left out."""
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    for day, p in ((0, 0.1), (10, 0.8)):
        accounts = {name: Scored(probability=p) for name in (HOSTILE, "B", "C", "D")}
        number = recorded_day(day, accounts)
        record_events(number, AccountEventsConfig(events_per_day=3), patience_s=0)
    capsys.readouterr()


def said(capsys, *options):
    assert run_cli(["events", *options]) == 0
    return capsys.readouterr().out


def test_the_kinds_are_those_that_are_recorded():
    assert command.KINDS == KINDS


def test_before_the_first_publication(migrated_database, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    assert "No event was recorded yet: `tens-insight run score`" in said(capsys)
    assert json.loads(said(capsys, "--json"))["events"] == []
    assert said(capsys, "--csv").count("\n") == 1


def test_the_table_says_what_when_and_what_was_not_told(events, capsys, monkeypatch):
    text = said(capsys)
    lines = text.splitlines()
    assert lines[0].startswith("3 events since 2026-06-04 00:00 UTC, as of 2026-06-11 00:00 UTC")
    assert lines[1] == "Not told: 1 beyond EVENTS_PER_DAY; --all lists them."
    assert text.count("entered critical") == 3
    assert "10.0%  80.0%  +70.0" in text
    assert "\x1b" not in text
    monkeypatch.setenv("COLUMNS", "200")
    assert "not told: beyond EVENTS_PER_DAY" in said(capsys, "--all")
    assert len(said(capsys, "--limit", "1").splitlines()) < len(lines)
    undo(ACCOUNT_RISK_SCORES, reason="wrong")
    assert said(capsys).startswith("0 events")
    assert said(capsys, "--all").count("withdrawn") == 4


def test_json_and_csv_hold_everything(events, capsys):
    found = json.loads(said(capsys, "--json", "--all", "--since", "2026-06-01"))
    assert (found["matching"], found["left_out"]) == (4, {"budget": 1})
    one = found["events"][0]
    assert (one["kind"], one["account_id"], one["left_out"]) == ("entered critical", HOSTILE, None)
    assert one["moved"] == pytest.approx(0.7)
    rows = list(csv.DictReader(io.StringIO(said(capsys, "--csv"))))
    assert len(rows) == 3
    assert rows[0]["account_id"].startswith("'=1+1")
    assert rows[0]["as_of"] == "2026-06-11T00:00:00+00:00"
    assert said(capsys, "--csv", "--kind", "jumped,recovered").count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [["--json", "--csv"], ["--kind", "moved"], ["--since", "tomorrow"], ["--limit", "-1"]],
)
def test_what_cannot_be_meant_is_refused(migrated_database, options, capsys):
    assert run_cli(["events", *options]) == 2
    assert capsys.readouterr().err
