"""What is read for alerts: alarms of the Monitor, ML Metadata, the champion's files."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from components.errors import ContractBroken
from components.registry.stages import ACCEPT, StageTransition
from components.registry.transitions import append_transition
from pipeline.alerts.facts import free_percent, read_facts, read_metadata
from pipeline.alerts.look import look
from pipeline.runs.attempt import attempted
from pipeline.runs.record import RunRecords
from pipeline.runs.run_id import new_run_id
from pipeline.settings import load_settings
from serving_model.served.model_hash import saved_model_sha256
from tests.contract.conftest import execute
from tests.pipeline.registry.conftest import make_shelf
from tests.pipeline.test_status import publish_scores, run_ends

FINDING = (
    "INSERT INTO tens_insight.drift_metrics SELECT as_of, as_of, 'moment', run_id, publication_id, "
    "model_version, 'previous', '', '', '', '{column}', '{metric}', 0.5, 0.1, 0.2, 'jump', "
    "{surprise}, 3, true, {opened} FROM tens_insight.publications "
    "ORDER BY publication_id DESC LIMIT 1"
)
UNDO = (
    "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'a', undo_reason = 'b' "
    "WHERE publication_id = (SELECT max(publication_id) FROM tens_insight.publications)"
)


def found(url, column, metric, opened="as_of", surprise=9):
    values = {"column": column, "metric": metric, "opened": opened, "surprise": surprise}
    execute(url, FINDING.format(**values))


def moments():
    return read_facts(load_settings(), metadata=False).database.moments


def test_what_begins_with_the_scores_stays_an_alert_about_the_scores(installation):
    found(installation, "churn_probability", "mean log-odds")
    (first,) = moments()
    publish_scores(hours_ago=0)
    opened = f"'{first.opened_at.isoformat()}'"
    found(installation, "churn_probability", "mean log-odds", opened)
    found(installation, ":table", "events", opened, surprise=99)
    (second,) = moments()
    assert (second.opened_at, second.of_scores_alone) == (first.opened_at, True)
    assert (second.metric, second.measures) == ("events", 2)  # what is most unusual comes first


def test_the_publication_before_an_undone_one_is_looked_at(installation):
    assert moments() == []
    found(installation, ":table", "events")
    publish_scores(hours_ago=0)
    found(installation, "churn_probability", "mean probability")
    assert [one.metric for one in moments()] == ["mean probability"]
    execute(installation, UNDO)
    assert [one.metric for one in moments()] == ["events"]


@pytest.fixture
def shelf(installation):
    folder = load_settings().state_dir
    folder.mkdir(exist_ok=True)
    return make_shelf(load_settings().metadata_path)


def test_the_files_of_the_champion_are_looked_at(shelf, tmp_path):
    model = tmp_path / "model" / "Format-Serving"
    model.mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"weights")
    shelf.train(
        "m-1", True, uri=str(model.parent), saved_model_sha256=saved_model_sha256(str(model))
    )
    assert read_metadata(load_settings()).model_problem == ""
    (model / "saved_model.pb").write_bytes(b"weighty")
    assert "are not those that were exported" in read_metadata(load_settings()).model_problem
    shutil.rmtree(model)
    found = read_metadata(load_settings())
    assert found.model_problem.startswith("The files of model m-1 are gone")
    assert found.model_version == "m-1"


def test_three_refused_challengers_one_after_the_other(shelf):
    shelf.train("m-1", True)
    for version in ("m-2", "m-3"):
        shelf.train(version, False)
    assert read_metadata(load_settings()).refused == []
    shelf.train("m-4", None)  # the gate was not asked
    shelf.train("m-5", False)
    assert len(read_metadata(load_settings()).refused) == 3
    append_transition(shelf.store, StageTransition(1, ACCEPT, "m-5", 1, "ann@host", "enough"))
    assert read_metadata(load_settings()).refused == []
    shelf.train("m-6", True)
    assert read_metadata(load_settings()).refused == []


def test_a_store_that_is_damaged_is_a_problem_and_one_that_is_not_there_is_none(installation):
    assert read_metadata(load_settings()).problem == ""
    load_settings().metadata_path.write_text("x" * 5000)
    assert "cannot be used as a sqlite database" in read_metadata(load_settings()).problem


def test_the_store_of_a_run_that_is_at_work_is_left_alone(shelf, monkeypatch):
    shelf.train("m-1", True)
    with attempted("score", load_settings()) as attempt:
        assert read_metadata(load_settings()) is None
        attempt.complete()
    assert read_metadata(load_settings()).model_version == "m-1"


def test_runs_that_gave_way_do_not_hide_one_that_failed(installation, told):
    run_ends(ContractBroken("A table is missing."))
    records = RunRecords(load_settings().runs_dir)
    (failed,) = [one for one in records.newest(9) if one.state == "failed"]
    for number in range(60):
        moment = failed.started_at + timedelta(minutes=number + 1)
        name = new_run_id(moment)
        records.write(replace(failed, run_id=name, started_at=moment, state="not started"))
    look(load_settings())
    assert told() == [("opened", "run_failed")]


def test_the_disk_is_that_of_the_state_directory(installation, monkeypatch):
    assert 0 <= free_percent(load_settings()) <= 100
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", "/nowhere/at/all")
    assert free_percent(load_settings()) is None
