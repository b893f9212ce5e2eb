"""`tens-insight models`, as one types it."""

import contextlib
import json
import os
import re
import subprocess
import sys
from typing import Any

import psycopg2
import pytest

from pipeline.cli import run_cli

OLD, NEW, REFUSED = "20260501-aaaaaaaa", "20260601-bbbbbbbb", "20260602-cccccccc"


@pytest.fixture
def stocked(sqlite_shelf: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two blessed models and one that was not, and no database that is named."""
    for name in [name for name in os.environ if name.startswith(("PG", "DATABASE"))]:
        monkeypatch.delenv(name)
    sqlite_shelf.train(OLD, blessed=True)
    sqlite_shelf.train(NEW, blessed=True)
    sqlite_shelf.train(REFUSED, blessed=False)
    return sqlite_shelf


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run_cli(["models", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    return {row["version"]: row for row in found["models"]}


def test_list_without_a_database_says_what_it_cannot_know(
    stocked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["models", "list"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert [line.split()[0] for line in lines] == ["version", REFUSED, NEW, OLD]
    assert re.search(r"not blessed +- +-$", lines[1])
    assert re.search(r"blessed +champion +-$", lines[2])
    assert "Rows published are not known: No database is named" in captured.err


def test_list_counts_the_rows_published_with_a_model(
    stocked: Any,
    migrated_database: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    insert = (
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, run_id, "
        "published_by) VALUES "
        "(gen_random_uuid(), %s, %s, %s, 'inactivity', %s, 0, '{}', 'r', 'test')"
    )
    rows = [
        ("account_risk_scores", "2026-06-01+00", NEW, 100),
        ("account_risk_scores", "2026-06-02+00", NEW, 110),
        ("product_area_impact", "2026-06-03+00", NEW, 18),
    ]
    connection = psycopg2.connect(migrated_database)
    with contextlib.closing(connection), connection, connection.cursor() as cursor:
        cursor.executemany(insert, rows)
        cursor.execute(insert, ("account_risk_scores", "2026-06-04+00", NEW, 5_000))
        cursor.execute(
            "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'ann', "
            "undo_reason = 'wrong' WHERE rows_written = 5000"
        )
    found = listed(capsys)
    assert (found[NEW]["rows_published"], found[OLD]["rows_published"]) == (210, 0)
    assert found[NEW]["last_published_as_of"] == "2026-06-02T00:00:00+00:00"
    monkeypatch.setenv("COLUMNS", "120")
    assert run_cli(["models", "list"]) == 0
    assert "champion  210, last as of 2026-06-02" in capsys.readouterr().out


def test_withdrawing_says_who_is_champion_now(
    stocked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["models", "withdraw", NEW, "--reason", "worse in EU"]) == 0
    said = capsys.readouterr().out
    assert f"The champion is now {OLD}; before it was {NEW}." in said
    assert re.search(
        rf"Withdrew {NEW}: transition 1, withdraw by \S+@\S+ at .* UTC: worse in EU", said
    )
    found = listed(capsys)
    assert (found[OLD]["champion"], found[NEW]["withdrawn"]) == (True, True)
    assert run_cli(["models", "withdraw", OLD, "--reason", "too"]) == 0
    assert "There is no champion now: `run score` ends with exit code 3" in capsys.readouterr().out


def test_pin_promote_and_unpin(stocked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["models", "pin", OLD, "--reason", "audit"]) == 0
    assert run_cli(["models", "promote", NEW]) == 0
    assert f"The champion is still {OLD}, which is pinned." in capsys.readouterr().out
    assert listed(capsys)[OLD]["pinned"]
    assert run_cli(["models", "unpin"]) == 0
    assert f"The champion is now {NEW}; before it was {OLD}." in capsys.readouterr().out
    assert run_cli(["models", "show", OLD, "--json"]) == 0
    transitions = json.loads(capsys.readouterr().out)["transitions"]
    assert [(transition["kind"], transition["reason"]) for transition in transitions] == [
        ("pin", "audit"),
        ("unpin", ""),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["promote", REFUSED], "was not blessed, and only what was blessed or accepted"),
        (["pin", REFUSED], "cannot be pinned"),
        (["unpin"], "No model is pinned"),
        (["withdraw", "20260601-bbbbbbbc", "--reason", "x"], f"Did you mean {NEW}"),
        (["withdraw", NEW], "Missing option '--reason'"),
        (["withdraw", NEW, "--reason", "  "], "needs a reason in words"),
        (["show", "nothing"], "There is no model 'nothing' among 3"),
        (["compare", NEW, "nothing"], "There is no model 'nothing' among 3"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_exit_code_2(
    stocked: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run_cli(["models", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert stocked.registry.transitions() == []


def test_compare_says_that_files_are_gone(stocked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["models", "compare", OLD, NEW, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["evaluation"] is None
    assert f"files of model {OLD} are gone" in found["not_compared"]
    assert run_cli(["models", "show", NEW]) == 0
    assert "(WARNING: gone)" in capsys.readouterr().out


def test_a_metadata_database_that_does_not_answer_is_exit_code_5(
    stocked: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METADATA_DATABASE_URL", "postgresql://ann:hunter2@127.0.0.1:1/meta")
    for arguments in (["models", "list"], ["models", "promote", NEW]):
        assert run_cli(arguments) == 5
        said = capsys.readouterr().err
        assert "ann@127.0.0.1:1/meta (from METADATA_DATABASE_URL)" in said
        assert "hunter2" not in said


def test_a_run_finds_out_at_once_that_its_metadata_database_is_none(
    migrated_database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METADATA_DATABASE_URL", migrated_database)
    assert run_cli(["run", "train"]) == 5
    said = capsys.readouterr().err
    assert "and none of ML Metadata" in said
    assert "Loading TFX" not in said


def test_a_store_without_models(sqlite_shelf: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["models", "list"]) == 0
    assert "No model yet" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("command", [["list"], ["show", NEW]])
def test_lists_and_facts_load_no_tensorflow(stocked: Any, command: list[str]) -> None:
    code = (
        f"import sys; from pipeline.cli import run_cli; run_cli(['models', *{command}]); "
        "print(sorted({'tensorflow', 'tfx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert NEW in done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_beginning_of_a_version_is_enough(
    stocked: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["models", "withdraw", NEW[:8], "--reason", "worse in EU"]) == 0
    assert f"Withdrew {NEW}: " in capsys.readouterr().out
    assert listed(capsys)[NEW]["withdrawn"]
    assert run_cli(["models", "show", OLD[:7], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["row"]["version"] == OLD
    assert run_cli(["models", "compare", OLD[:6], NEW[:8], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["a"], found["b"]) == (OLD, NEW)
    assert run_cli(["models", "promote", "202606"]) == 2
    said = capsys.readouterr().err
    assert f"2 models begin with '202606': {REFUSED}, {NEW}. Say more of it." in said
    for nothing in ("", "2026050 ", "aaaaaaaa"):
        assert run_cli(["models", "show", nothing]) == 2


def test_decisions_print_json_too(stocked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["models", "withdraw", NEW, "--reason", "worse", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["transition"]["kind"], told["before"], told["after"]) == ("withdraw", NEW, OLD)
    assert run_cli(["models", "pin", NEW, "--json"]) == 2
    assert "was withdrawn" in json.loads(capsys.readouterr().out)["error"]
