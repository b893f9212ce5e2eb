"""A run that was killed on another machine falls silent; old records are removed by later runs."""

import json
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from components.errors import DatabaseUnreachable
from pipeline.cli import run_cli
from pipeline.logs import logging_restored
from pipeline.runs.attempt import Attempt, attempted
from pipeline.runs.record import KEPT_IN_ANY_CASE, RUNNING, RunRecord, RunRecords
from pipeline.runs.run_id import new_run_id
from pipeline.runs.signs_of_life import SILENT_AFTER, SignsOfLife
from pipeline.settings import load_settings


@pytest.fixture(autouse=True)
def state_dir(monkeypatch, tmp_path):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "here"))
    with logging_restored():
        yield tmp_path / "here"


@pytest.fixture
def silent(migrated_database, monkeypatch, tmp_path):
    """A run of another machine that was killed in its work: nothing is known of it but the row."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "elsewhere"))
        attempt = Attempt("score", load_settings())
    attempt.note(state=RUNNING)
    attempt.reached("here")
    attempt._life.stop()
    return attempt.run_id


def execute(url, statement, *parameters):
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else None


def last_seen(url, ago):
    execute(url, "UPDATE tens_insight.runs SET seen_at = now() - %s", ago)


def told(capsys, *arguments):
    capsys.readouterr()
    code = run_cli(["status", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_run_elsewhere_is_at_work_as_long_as_it_says_so(migrated_database, silent, capsys):
    last_seen(migrated_database, SILENT_AFTER - timedelta(minutes=1))
    _, status = told(capsys)
    assert [run["state"] for run in status["runs"]] == ["running"]
    assert status["last_run"] is None


def test_a_run_elsewhere_that_fell_silent_is_told_so(migrated_database, silent, capsys):
    last_seen(migrated_database, SILENT_AFTER + timedelta(minutes=1))
    code, status = told(capsys, "--check")
    assert code == 11
    (run,) = status["runs"]
    assert (run["run_id"], run["state"]) == (silent, "no sign of life")
    assert "No sign of life since 20" in run["sentence"]
    assert "elsewhere" in run["sentence"]
    assert any(silent in problem and "no sign of life" in problem for problem in status["problems"])
    capsys.readouterr()
    run_cli(["status"])
    assert f"score {silent}, no sign of life, by " in capsys.readouterr().out


def test_a_run_that_is_heard_of_again_is_at_work(migrated_database, silent, capsys):
    last_seen(migrated_database, timedelta(hours=3))
    execute(migrated_database, "UPDATE tens_insight.runs SET seen_at = now()")
    assert told(capsys)[1]["runs"][0]["state"] == "running"


def test_a_run_at_work_says_so_until_it_ends(migrated_database, monkeypatch):
    monkeypatch.setattr("pipeline.runs.signs_of_life.SignsOfLife.__init__.__defaults__", (0.05,))
    with attempted("train", load_settings()) as attempt:
        attempt.reached("here")
        last_seen(migrated_database, timedelta(hours=3))
        ends = time.monotonic() + 20
        while _silent_for(migrated_database) > timedelta(hours=1):
            assert time.monotonic() < ends
            time.sleep(0.05)
        attempt.complete()
    last_seen(migrated_database, timedelta(hours=3))
    time.sleep(0.3)
    assert _silent_for(migrated_database) > timedelta(hours=1)


def _silent_for(url):
    return execute(url, "SELECT now() - seen_at FROM tens_insight.runs")[0][0]


def test_a_database_that_is_away_does_not_end_the_telling():
    calls = []

    def tell():
        calls.append(1)
        raise DatabaseUnreachable("away")

    life = SignsOfLife(tell, interval_s=0.01)
    life.start()
    ends = time.monotonic() + 20
    while len(calls) < 3 and time.monotonic() < ends:
        time.sleep(0.01)
    life.stop()
    assert len(calls) >= 3


def test_a_run_removes_records_that_are_older_than_the_history(migrated_database, state_dir):
    records, now = RunRecords(state_dir / "runs"), datetime.now(timezone.utc)
    young = KEPT_IN_ANY_CASE + 2
    ages = [401] * 3 + [399] * young
    for number, days in enumerate(ages):
        began = now - timedelta(days=days, seconds=-number)
        records.write(RunRecord(new_run_id(began), "score", "complete", began, ended_at=began))
    (state_dir / "runs" / f"{new_run_id(now - timedelta(days=500))}.json").write_text("torn")
    with attempted("score", load_settings()) as attempt:
        attempt.complete()
    left = records.newest(99)
    assert len(left) == young + 1
    assert len(list((state_dir / "runs").glob("*.json"))) == len(left)
    assert all(now - one.started_at < timedelta(days=400) for one in left)
    ((rows,),) = execute(migrated_database, "SELECT count(*) FROM tens_insight.runs")
    assert rows == len(left)


def test_the_newest_records_stay_however_old_they_are(migrated_database, state_dir):
    records, now = RunRecords(state_dir / "runs"), datetime.now(timezone.utc)
    for days in range(900, 900 + KEPT_IN_ANY_CASE - 1):
        began = now - timedelta(days=days)
        records.write(RunRecord(new_run_id(began), "score", "complete", began, ended_at=began))
    for _ in range(2):
        with attempted("score", load_settings()) as attempt:
            attempt.complete()
        assert len(records.newest(99)) == KEPT_IN_ANY_CASE
        ((rows,),) = execute(migrated_database, "SELECT count(*) FROM tens_insight.runs")
        assert rows == KEPT_IN_ANY_CASE
