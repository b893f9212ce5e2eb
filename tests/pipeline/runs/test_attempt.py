"""Every attempt leaves a record, however it ends; one at a time works on a state directory."""

import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from rich.console import Console

from components.errors import DataGateStopped, StateDirectoryBusy
from pipeline.cli import run_cli
from pipeline.logs import logging_restored
from pipeline.runs.attempt import Terminated, attempted
from pipeline.runs.progress import Progress
from pipeline.runs.record import RunRecords
from pipeline.runs.run import preflight
from pipeline.runs.run_lock import LOCK_FILE
from pipeline.settings import ConfigurationInvalid, load_settings
from pipeline.status import newest_runs
from tests.components.publishing.test_altered_tables import trigger
from tests.components.publishing.test_own_tables import deferred
from tests.contract.conftest import execute
from tests.environment import unset_settings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
HOLD = """
import sys, time
from pipeline.runs.attempt import attempted
from pipeline.settings import load_settings
with attempted("train", load_settings()):
    print("at work", flush=True)
    time.sleep(60)
"""


SADDEN = (
    "UPDATE feedback_enriched SET sentiment = 'sad' "
    "WHERE id = (SELECT id FROM feedback_enriched WHERE account_id IS NULL AND "
    "created_at < '2026-06-01' ORDER BY created_at DESC LIMIT 1)"
)
PUBLISH_SEVEN = (
    "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
    "label_source, rows_written, rows_removed, category_shares, run_id, published_by) VALUES "
    "(gen_random_uuid(), 'account_risk_scores', now(), 'v', 'none', 7, 0, '{}', %s, 'me')"
)


@pytest.fixture(autouse=True)
def restored_logging():
    """Attempts send the root logger's records to their files."""
    with logging_restored():
        yield


@pytest.fixture
def state_dir(monkeypatch, tmp_path):
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def records(state_dir):
    return RunRecords(state_dir / "runs")


@contextmanager
def another_run():
    """A training run in a process of its own, which is at work."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "at work\n"
        yield process
    finally:
        process.kill()
        process.wait()


def rows(url, columns="run_id, state, exit_code"):
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM tens_insight.runs ORDER BY started_at")
        return cursor.fetchall()


def test_a_run_that_dies_before_its_first_node_leaves_a_record_and_a_log(
    migrated_database, records, monkeypatch
):
    assert run_cli(["run", "score"]) == 7  # there is no feedback at all
    monkeypatch.setenv("TENS_INSIGHT_HORIZON_DAYS", "-1")
    assert run_cli(["run", "train"]) == 6
    monkeypatch.delenv("TENS_INSIGHT_HORIZON_DAYS")
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    assert run_cli(["run", "tune"]) == 5
    found = records.newest(9)
    assert [(one.kind, one.state, one.exit_code) for one in found] == [
        ("tune", "failed", 5),
        ("train", "failed", 6),
        ("score", "failed", 7),
    ]
    assert "No database answers at nobody@127.0.0.1:1/none" in found[0].sentence
    assert "horizon_days" in found[1].sentence
    assert "feedback_enriched does not exist" in found[2].sentence
    for one in found:
        assert f"exit code {one.exit_code}" in Path(one.log).read_text()
        assert one.run_by.endswith(f" on {os.uname().nodename}")
        assert one.started_at <= one.ended_at
    assert [row[1:] for row in rows(migrated_database)] == [("failed", 7), ("failed", 6)]


@pytest.mark.parametrize(
    ("body", "when", "said"),
    [
        ("NEW.exit_code := 0; NEW.state := 'complete'; RETURN NEW;", "BEFORE", "state, exit_code."),
        ("RETURN NULL;", "BEFORE", "every column: the row is not there."),
        (
            "UPDATE tens_insight.runs SET sentence = 'fine' WHERE sentence <> 'fine'; RETURN NULL;",
            "AFTER",
            "sentence.",
        ),
    ],
)
def test_a_row_of_a_run_that_a_trigger_changes_is_told(
    migrated_database, records, body, when, said
):
    changes = trigger("changes", body, f"{when} INSERT OR UPDATE", "tens_insight.runs")
    execute(migrated_database, changes if when == "BEFORE" else deferred(changes))
    assert run_cli(["run", "score"]) == 7
    (found,) = records.newest(9)
    (warning,) = found.warnings
    assert f"does not hold what was written to it about this run: it differs in {said}" in warning
    assert not found.in_database
    execute(migrated_database, "DROP FUNCTION changes CASCADE")
    assert run_cli(["run", "score"]) == 7
    assert [row[1:] for row in rows(migrated_database)] == [("failed", 7)] * 2
    assert all(one.in_database for one in records.newest(9))


def test_the_database_is_told_later_of_what_it_missed(migrated_database, records, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DATABASE_URL", NOWHERE)
        assert run_cli(["run", "score"]) == 5
    assert rows(migrated_database) == []
    with attempted("score", load_settings()) as attempt:
        attempt.reached("here")
        assert rows(migrated_database)[-1] == (attempt.run_id, "running", None)
        attempt.complete(sentence="Published 3 account scores.", warnings=("a", "b"))
    assert [row[1:] for row in rows(migrated_database)] == [("failed", 5), ("complete", 0)]
    assert all(one.in_database for one in records.newest(9))
    assert rows(migrated_database, "sentence, warnings")[-1] == (
        "Published 3 account scores.",
        ["a", "b"],
    )


def test_what_a_failed_run_had_published_is_known_from_the_database(migrated_database, records):
    def publish_and_fail(attempt):
        attempt.reached("here")
        with closing(psycopg2.connect(migrated_database)) as connection, connection:
            connection.cursor().execute(PUBLISH_SEVEN, (attempt.run_id,))
        raise RuntimeError("after the commit")

    with pytest.raises(RuntimeError), attempted("score", load_settings()) as attempt:
        publish_and_fail(attempt)
    (found,) = records.newest(9)
    assert found.published == ("Published 7 accounts to account_risk_scores.",)
    assert (found.exit_code, found.sentence) == (1, "Unexpected RuntimeError: after the commit")


def test_a_complete_run_without_a_sentence_says_what_it_published(migrated_database, records):
    """As the runs of the tfx CLI end."""
    with attempted("train", load_settings()) as attempt:
        attempt.reached("here")
        with closing(psycopg2.connect(migrated_database)) as connection, connection:
            connection.cursor().execute(PUBLISH_SEVEN, (attempt.run_id,))
        attempt.complete()
    (found,) = records.newest(9)
    assert found.sentence == "Published 7 accounts to account_risk_scores."


def test_a_second_run_ends_with_a_message_that_names_the_first(state_dir, records, capsys):
    with another_run() as first:
        (running,) = records.newest(9)
        assert (running.kind, running.state) == ("train", "running")
        for arguments in (["run", "score"], ["run", "train"], ["run", "tune", "--wait", "0s"]):
            assert run_cli(arguments) == 9
            said = capsys.readouterr().err
            assert f"train, run {running.run_id}, by " in said
            assert f"process {first.pid}" in said
            assert "--wait" in said
        settings = load_settings(wait_minutes=0.02)
        with pytest.raises(StateDirectoryBusy), attempted("score", settings):
            pass
    states = [one.state for one in records.newest(9)]
    assert states == ["not started"] * 4 + ["killed"]


def test_a_run_waits_for_another_and_then_works(state_dir, records):
    told = []
    with another_run() as first:

        def end_the_first(said):
            told.append(said)
            assert records.newest(1)[0].state == "waiting"
            first.terminate()

        with attempted("score", load_settings(wait_minutes=1), on_wait=end_the_first) as attempt:
            attempt.complete()
        assert first.wait() == 143
    assert "Waiting for another run" in told[0]
    second, first = records.newest(9)
    assert (second.state, second.exit_code) == ("complete", 0)
    assert (first.state, first.exit_code) == ("interrupted", 143)
    assert "SIGTERM" in first.sentence


def test_a_killed_run_leaves_no_lock_and_is_told_as_killed(migrated_database, state_dir, records):
    with another_run() as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        (found,) = records.newest(9)
        assert (found.state, found.exit_code, found.ended_at) == ("killed", None, None)
        with attempted("score", load_settings()) as attempt:
            attempt.complete()
    assert [row[1:] for row in rows(migrated_database)] == [("killed", None), ("complete", 0)]
    assert not list((state_dir / "runs").glob("*.alive"))
    assert (state_dir / LOCK_FILE).exists()


def test_rows_that_a_killed_run_had_read_are_removed_by_the_next(state_dir, records):
    """They hold what accounts wrote about and when; the Examples of other runs stay."""
    generated = state_dir / "pipeline_root/tens-insight-train/FeedbackExampleGen/examples"
    for kept in (
        generated / "7/Split-train/data",
        generated / "7/rows/feedback-0",
        generated / "6/x",
    ):
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(b"ACC-1")
    with attempted("score", load_settings()) as attempt:
        assert sorted(one.name for one in generated.glob("*/*")) == ["Split-train", "x"]
        attempt.complete()


def test_rows_that_cannot_be_removed_end_no_run(state_dir, records, monkeypatch):
    def refuses(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    (state_dir / "pipeline_root/tens-insight-score/FeedbackExampleGen/examples/3/rows").mkdir(
        parents=True
    )
    monkeypatch.setattr("shutil.rmtree", refuses)
    with attempted("score", load_settings()) as attempt:
        attempt.complete()
    (found,) = records.newest(9)
    assert found.state == "complete"
    assert "Permission denied" in found.warnings[0]


def test_a_run_that_ends_while_it_is_looked_at_was_not_killed(state_dir, records, monkeypatch):
    with attempted("score", load_settings()) as attempt:
        while_running = (state_dir / f"runs/{attempt.run_id}.json").read_text()
        attempt.complete()
    read_text, texts = Path.read_text, [while_running]
    monkeypatch.setattr(
        Path, "read_text", lambda path, **how: texts.pop() if texts else read_text(path, **how)
    )
    assert records.read(attempt.run_id).state == "complete"


def test_an_end_that_only_the_database_was_told_of_stays(migrated_database, state_dir, records):
    """The state directory was full when the run ended, and its file says that it is at work."""
    with attempted("score", load_settings()) as attempt:
        attempt.complete(sentence="Published 3 account scores.")
    record = records.read(attempt.run_id)
    records.write(replace(record, state="running", ended_at=None, in_database=False))
    assert records.read(attempt.run_id).state == "killed"
    with closing(psycopg2.connect(migrated_database)) as connection:
        (found,) = newest_runs(connection.cursor(), load_settings(), 9)
    assert (found.state, found.sentence) == ("complete", "Published 3 account scores.")
    with attempted("score", load_settings()) as later:
        later.complete()
    assert rows(migrated_database)[0] == (attempt.run_id, "complete", 0)


def test_ctrl_c_and_sigterm_are_told_as_what_they_are(state_dir, records):
    with pytest.raises(KeyboardInterrupt), attempted("train", load_settings()):
        raise KeyboardInterrupt
    with pytest.raises(Terminated), attempted("train", load_settings()):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    found = records.newest(9)
    assert [(one.state, one.exit_code) for one in found] == [
        ("interrupted", 143),
        ("interrupted", 130),
    ]


def test_warnings_of_our_own_code_are_kept_each_once(state_dir, records):
    with attempted("score", load_settings()) as attempt:
        for _ in range(2):
            logging.getLogger("components.publishing.publish").warning("The bands changed.")
        logging.getLogger("components.publishing.publish").info("no warning")
        logging.getLogger("apache_beam").warning("not ours")
        attempt.complete(warnings=("Few accounts.",))
    (found,) = records.newest(9)
    assert found.warnings == ("Few accounts.", "The bands changed.")


def test_warnings_of_the_check_before_a_run_are_kept(simulated_database, state_dir, records):
    with closing(psycopg2.connect(simulated_database)) as connection, connection:
        cursor = connection.cursor()
        cursor.execute(
            "ALTER TABLE feedback_enriched DROP CONSTRAINT feedback_enriched_sentiment_check"
        )
        cursor.execute(SADDEN)
    settings = load_settings(as_of="2026-06-01T00:00:00Z")
    told = io.StringIO()
    with attempted("score", settings) as attempt:
        preflight(settings, ("score",), Progress(Console(file=told)))
        attempt.complete()
    (found,) = records.newest(9)
    assert any("Product areas are not ranked" in warning for warning in found.warnings)
    assert "Product areas are not ranked" in told.getvalue()


def test_what_the_check_before_a_run_had_no_time_for_is_no_warning(
    simulated_database, state_dir, records, monkeypatch
):
    monkeypatch.setattr("pipeline.checks.checked_database.SECONDS", 0)
    settings = load_settings(as_of="2026-06-01T00:00:00Z")
    told = io.StringIO()
    with attempted("score", settings) as attempt:
        preflight(settings, ("score",), Progress(Console(file=told)))
        attempt.complete()
    assert records.newest(1)[0].warnings == ()
    assert "decided" not in told.getvalue()


def test_a_state_directory_that_moved_takes_its_records_along(state_dir, records):
    with pytest.raises(DataGateStopped), attempted("score", load_settings()):
        raise DataGateStopped("too few")
    log = Path(records.newest(1)[0].log).read_text()
    shutil.move(state_dir / "runs", state_dir / "new/runs")
    shutil.move(state_dir / "logs", state_dir / "new/logs")
    (found,) = RunRecords(state_dir / "new/runs").newest(9)
    assert Path(found.log).read_text() == log
    assert found.state_dir == str(state_dir / "new")


def test_a_torn_record_counts_as_none(state_dir, records):
    with attempted("score", load_settings()) as attempt:
        attempt.complete()
    for name, text in (("9-empty", ""), ("9-torn", '{"run_id": '), ("9-other", '{"run_id": "x"}')):
        (state_dir / "runs" / f"{name}.json").write_text(text)
    assert [one.run_id for one in records.newest(9)] == [attempt.run_id]


def test_a_record_is_for_its_owner_alone(state_dir):
    with attempted("score", load_settings()) as attempt:
        attempt.complete()
    (file,) = (state_dir / "runs").iterdir()
    assert json.loads(file.read_text())["run_id"] == attempt.run_id
    assert file.stat().st_mode & 0o77 == 0
    assert file.parent.stat().st_mode & 0o77 == 0


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path / "file/state"))
    assert run_cli(["run", "score"]) == 6
    said = capsys.readouterr().err
    assert said.count("nothing can be written") == 1
    assert len(said.splitlines()) == 1
    with pytest.raises(ConfigurationInvalid), attempted("score", load_settings()):
        pass
