"""`tens-insight status`: our last publication, foreign rows, how runs ended, the health check."""

import json
import re
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from components.errors import NothingToPublish, PublicationRefused
from components.postgres.tables import ACCOUNT_RISK_SCORES, PRODUCT_AREA_IMPACT
from components.publishing.publication import NO_LABEL, Publication
from components.publishing.publish import publish
from components.publishing.undo import undo
from pipeline.cli import run_cli
from pipeline.logs import logging_restored
from pipeline.runs.attempt import attempted
from pipeline.runs.record import RunRecords
from pipeline.runs.run_id import new_run_id
from pipeline.settings import load_settings
from tests.components.publishing.policies import publish_policy
from tests.environment import unset_settings

FOREIGN = (
    "INSERT INTO account_risk_scores SELECT 'X' || n, 0.5, 50, 'medium', now(), 'v1' "
    "FROM generate_series(1, 16) AS n"
)


@pytest.fixture(autouse=True)
def state_dir(monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    with logging_restored():
        yield tmp_path


def publish_scores(hours_ago, run_id="run-1", model="model-1", population=None):
    as_of = datetime.now(timezone.utc) - timedelta(hours=hours_ago)
    rows = [(f"A{n}", 0.1, 90.0, "low", as_of, model) for n in range(20)]
    publication = Publication(
        as_of, model, "account_churn", run_id, len(rows), population=population
    )
    policy = publish_policy(max_count_change=9.0)
    return publish(ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=policy)


def execute(url, statement):
    with closing(psycopg2.connect(url)) as connection, connection:
        connection.cursor().execute(statement)


def run_ends(error=None, kind="score", **known):
    with logging_restored(), attempted(kind, load_settings()) as attempt:
        if error is None:
            attempt.complete(sentence="Published 20 account scores.", **known)
        else:
            attempt.failed(error, **known)
    return attempt.run_id


def status(capsys, *arguments):
    capsys.readouterr()
    code = run_cli(["status", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def told(capsys, *arguments):
    capsys.readouterr()
    code = run_cli(["status", *arguments])
    return code, capsys.readouterr().out


def test_rows_of_another_writer_do_not_make_stale_scores_look_fresh(migrated_database, capsys):
    publish_scores(hours_ago=40)
    execute(migrated_database, FOREIGN)
    _, state = status(capsys)
    assert (state["scores"], state["scores_model_version"]) == (36, "model-1")
    assert 39.9 < state["scores_age_hours"] < 41
    assert state["scores_run_id"] == "run-1"
    assert state["tables"]["scores"]["foreign"] == {"v1": 16}
    assert "16 rows of model v1 are not ours" in told(capsys)[1]
    code, said = told(capsys, "--check")
    assert code == 11
    assert re.search(r"The scores are 40\.\d hours old, more than 26\.0 hours", said)
    assert "account_risk_scores: 16 rows of model v1 are not ours." in said


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM account_risk_scores WHERE account_id < 'A15'", "that we published are miss"),
        ("UPDATE account_risk_scores SET churn_probability = 0.2", "20 rows changed since, not by"),
        ("UPDATE account_risk_scores SET model_version = 'v2' WHERE account_id = 'A3'", "1 row of"),
        ("DELETE FROM account_risk_scores", "20 rows that we published are missing"),
    ],
)
def test_a_table_that_others_changed_is_not_well(migrated_database, capsys, statement, sentence):
    publish_scores(hours_ago=1)
    assert told(capsys, "--check")[0] == 0
    execute(migrated_database, statement)
    code, said = told(capsys, "--check")
    assert code == 11
    assert sentence in said


def test_rows_that_were_there_before_us_are_not_ours(migrated_database, capsys):
    execute(migrated_database, FOREIGN)
    code, state = status(capsys, "--check")
    assert code == state["exit"] == 11
    assert state["problems"] == [
        "account_risk_scores shows no publication of ours.",
        "account_risk_scores: 16 rows of model v1 are not ours.",
    ]


def test_an_undo_to_the_rows_of_another_leaves_no_publication_of_ours(migrated_database, capsys):
    execute(migrated_database, FOREIGN)
    publish_scores(hours_ago=1)
    undo(ACCOUNT_RISK_SCORES, reason="wrong")
    code, state = status(capsys, "--check")
    assert (code, state["publication_id"], state["scores_age_hours"]) == (11, None, None)
    assert state["problems"] == ["account_risk_scores shows no publication of ours."]
    assert state["tables"]["scores"]["as_published"]  # as they were before us


def test_the_check_takes_an_age_and_says_that_all_is_well(migrated_database, capsys):
    publish_scores(hours_ago=30)
    run_ends()
    assert told(capsys, "--check")[0] == 11
    code, said = told(capsys, "--check", "--max-age", "31h")
    assert code == 0
    assert "All is well" in said
    assert re.search(r"30\.\d hours old, model model-1", said)
    assert told(capsys, "--check", "--max-age", "2d")[0] == 0
    assert told(capsys, "--check", "--max-age", "29.5h")[0] == 11
    assert run_cli(["status", "--check", "--max-age", "soon"]) == 2
    assert run_cli(["status", "--max-age", "26h"]) == 2


def test_runs_are_told_where_the_database_cannot_be_asked(migrated_database, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert run_cli(["run", "score"]) == 5
    code, said = told(capsys)
    assert code == 5
    assert "failed with code 5" in said
    assert "No database answers at nobody@127.0.0.1:1/none" in said
    code, state = status(capsys)
    assert (code, state["exit"], state["last_run"]["exit_code"]) == (5, 5, 5)
    assert len(state["runs"]) == 1


def test_the_check_ends_as_other_commands_do_where_the_database_cannot_be_asked(
    migrated_database, monkeypatch
):
    execute(migrated_database, "DROP TABLE account_risk_scores")
    assert run_cli(["status", "--check"]) == 7
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert run_cli(["status", "--check"]) == 5


def test_who_is_silent_is_told(migrated_database, capsys):
    population = {
        "active_within_days": 90,
        "why": None,
        "silent": 7,
        "silent_accounts": "listed",
        "rows_after_churn": "final",
    }
    publish_scores(hours_ago=40)
    assert "population" not in told(capsys)[1]
    publish_scores(hours_ago=1, population=population)
    assert status(capsys)[1]["population"] == population
    said = "accounts with feedback in 90 days; 7 silent ones are not scored; a churn is final"
    assert said in " ".join(told(capsys)[1].split())


def test_an_undone_publication_is_not_the_last(migrated_database, capsys):
    publish_scores(hours_ago=50, run_id="old", model="former")
    publish_scores(hours_ago=2)
    assert status(capsys, "--check")[0] == 0
    undo(ACCOUNT_RISK_SCORES, reason="wrong")
    code, state = status(capsys, "--check")
    assert (code, state["scores_model_version"], state["scores_run_id"]) == (11, "former", "old")
    assert state["tables"]["scores"]["as_published"]


def test_the_last_run_is_told_with_its_reason(migrated_database, capsys):
    """Two runs fail at one node: what each failed of is told."""
    publish_scores(hours_ago=1)
    run_ends(NothingToPublish("There is no champion."), failed_node="AccountScorer")
    code, said = told(capsys, "--check")
    assert code == 11
    assert "failed with code 3 at AccountScorer: There is no champion." in said
    refused = PublicationRefused("account_risk_scores would change too much.")
    name = run_ends(refused, failed_node="AccountScorer")
    _, said = told(capsys)
    assert f"score {name}, failed with code 8 at AccountScorer" in said
    assert "account_risk_scores would change too much." in said
    assert "failed (3) at AccountScorer" in " ".join(said.split())
    assert f"score-{name}.log" in said
    run_ends()
    assert told(capsys, "--check")[0] == 0


def test_only_runs_that_were_to_publish_and_began_count_for_the_check(migrated_database, capsys):
    publish_scores(hours_ago=1)
    run_ends()
    run_ends(NothingToPublish("no matter"), kind="tune")
    with attempted("score", load_settings()):
        assert run_cli(["run", "score"]) == 9
        assert told(capsys, "--check")[0] == 0
        _, state = status(capsys)
        assert [run["state"] for run in state["runs"]][:2] == ["not started", "running"]


def test_a_run_that_was_killed_or_interrupted_is_told_so(migrated_database, state_dir, capsys):
    publish_scores(hours_ago=1)
    records = RunRecords(state_dir / "runs")
    ended = records.read(run_ends())
    name, began = new_run_id(), ended.started_at + timedelta(seconds=1)
    # As the process leaves it that is killed: at work, and nobody holds its lock.
    at_work = replace(ended, state="running", ended_at=None, exit_code=None)
    records.write(replace(at_work, run_id=name, started_at=began))
    _, said = told(capsys)
    assert f"last run     score {name}, killed" in said
    assert told(capsys, "--check")[0] == 11
    records.write(replace(records.read(name), started_at=ended.started_at - timedelta(hours=1)))
    run_ends(KeyboardInterrupt(), kind="train")
    _, said = told(capsys)
    assert "interrupted with code 130" in said
    assert "Interrupted by Ctrl-C." in said


def test_warnings_of_a_run_that_succeeded_are_kept_and_shown(migrated_database, capsys):
    as_of = datetime.now(timezone.utc) - timedelta(hours=1)
    rows = [("billing", "pro", 50.0, 9, -0.1, 4, 3, as_of, "weights-1")]
    with attempted("score", load_settings()) as attempt:
        publication = Publication(as_of, "weights-1", NO_LABEL, attempt.run_id, 1)
        publish(
            PRODUCT_AREA_IMPACT, lambda: rows, publication=publication, policy=publish_policy(9.0)
        )
        attempt.complete(warnings=("tier: 3 new values\x1b[31m",))
    _, said = told(capsys)
    assert "warning      tier: 3 new values\\x1b[31m" in said
    assert "complete, 1 warning" in said
    assert run_cli(["publications", "show", "1"]) == 0
    said = capsys.readouterr().out
    assert "warning      tier: 3 new values\\x1b[31m" in said
    assert f"score-{attempt.run_id}.log" in said
    assert run_cli(["publications", "show", "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["run"]["warnings"] == ["tier: 3 new values\x1b[31m"]


def test_runs_on_another_database_are_not_told(
    migrated_database, postgres_server, migrated_template, monkeypatch, capsys
):
    run_ends(NothingToPublish("There is no champion."))
    other = postgres_server.create_database(migrated_template)
    try:
        monkeypatch.setenv("DATABASE_URL", postgres_server.url(other))
        publish_scores(hours_ago=1)
        assert status(capsys)[1]["runs"] == []
        assert told(capsys, "--check")[0] == 0
    finally:
        postgres_server.drop_database(other)


def test_runs_of_other_machines_are_told_from_the_database(
    migrated_database, state_dir, monkeypatch, capsys
):
    name = run_ends(NothingToPublish("There is no champion."))
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(state_dir / "other"))
    _, state = status(capsys)
    assert [run["run_id"] for run in state["runs"]] == [name]
    assert state["last_run"]["sentence"] == "There is no champion."
    assert state["last_run"]["state_dir"] == str(state_dir)


def test_scores_of_the_future_are_not_well(migrated_database, capsys):
    publish_scores(-100)
    code, said = told(capsys, "--check")
    assert code == 11
    assert "hours in the future" in said
    assert "publications undo" in said
    assert "hours in the future)" in told(capsys)[1]


def test_a_record_that_the_database_would_not_take_keeps_no_other_from_it(
    migrated_database, state_dir, capsys
):
    run_ends()
    (path,) = (state_dir / "runs").glob("*.json")
    for name, change in (
        ("a", {"kind": "other"}),
        ("b", {"sentence": "\0"}),
        ("c", {"state": "x"}),
    ):
        odd = {**json.loads(path.read_text()), "run_id": name, "in_database": False, **change}
        path.with_name(f"{name}.json").write_text(json.dumps(odd))
    last = run_ends(RuntimeError("a \0 in it"))
    code, state = status(capsys)
    assert (code, state["last_run"]["run_id"]) == (0, last)
    with closing(psycopg2.connect(migrated_database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT run_id FROM tens_insight.runs")
        assert {last} < {name for (name,) in cursor.fetchall()}
