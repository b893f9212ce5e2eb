"""`tens-insight report`, as one types it."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from components.model_review.page.signature import signature_block
from pipeline.cli import run_cli

OLD, NEW = "20260501-aaaaaaaa", "20260601-bbbbbbbb"


@pytest.fixture
def reported(sqlite_shelf: Any, tmp_path: Path) -> Any:
    """The reports of two models, and of a later run that the data gate stopped."""
    for number, (version, outcome) in enumerate(
        [(OLD, "blessed"), (NEW, "not blessed"), ("", "stopped by the data gate")]
    ):
        if version:
            sqlite_shelf.train(version, blessed=outcome == "blessed")
        folder = tmp_path / "reviews" / str(number)
        folder.mkdir(parents=True)
        (folder / "review.html").write_text(f"<html lang=en>{version}</html>")
        (folder / "review.json").write_text(json.dumps({"head": {"model_version": version}}))
        facts = {"outcome": outcome, "as_of": f"2026-06-0{number + 1}T00:00:00+00:00"}
        known = facts | ({"model_version": version} if version else {})
        review = sqlite_shelf.artifact("TensInsightModelReview", str(folder), known)
        sqlite_shelf.node(f"run-{number + 1}", "ModelReview", [], [review])
    return sqlite_shelf


@pytest.mark.parametrize(
    ("arguments", "number", "about"),
    [
        ([], 2, "no model, as of 2026-06-03 00:00 UTC: stopped by the data gate"),
        ([NEW], 1, f"model {NEW}, as of 2026-06-02 00:00 UTC: not blessed"),
        ([OLD], 0, f"model {OLD}, as of 2026-06-01 00:00 UTC: blessed"),
    ],
)
def test_it_names_the_newest_report_or_that_of_a_model(
    reported: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    number: int,
    about: str,
) -> None:
    assert run_cli(["report", *arguments]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}/reviews/{number}/review.html\n"
    assert said.err == f"{about}\n"


def test_the_newest_of_several_reports_of_a_model_counts(
    reported: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "reviews" / "0"
    again = {"outcome": "blessed", "model_version": NEW}
    reported.artifact("TensInsightModelReview", str(folder), again)
    assert run_cli(["report", NEW]) == 0
    said = capsys.readouterr()
    assert said.out == f"{folder}/review.html\n"
    assert "as of unknown: blessed" in said.err


def test_json_prints_the_numbers_and_nothing_else(
    reported: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["report", NEW, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"head": {"model_version": NEW}}
    assert said.err == ""


def test_json_cannot_steer_the_terminal_and_damage_is_said(
    reported: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = tmp_path / "reviews" / "1" / "review.json"
    name = "ACC\x1b[31m\x9b2J\u202eü"
    numbers.write_text(json.dumps({"movers": [name]}, ensure_ascii=False), encoding="utf-8")
    assert run_cli(["report", NEW, "--json"]) == 0
    said = capsys.readouterr().out
    assert said.isascii()
    assert "\x1b" not in said
    assert json.loads(said) == {"movers": [name]}
    numbers.write_text('{"movers": [', encoding="utf-8")
    assert run_cli(["report", NEW, "--json"]) == 2
    assert "are damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["20260601-bbbbbbbc"], f"Did you mean {NEW}? `tens-insight models list` shows all"),
        (
            ["nothing"],
            "no evaluation report of a model 'nothing'. There is no model",
        ),
        (["--compare", NEW, "nothing"], "There is no model 'nothing' among 2"),
        (["--compare", "20260601-bbbbbbbc", OLD], f"Did you mean {NEW}"),
        (["--compare", NEW], "--compare"),
        ([NEW, "--compare", OLD, NEW], "--compare A B takes no VERSION and no --json"),
        (["--json", "--compare", OLD, NEW], "--compare A B takes no VERSION and no --json"),
        ([OLD, NEW], "unexpected extra argument"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_exit_code_2(
    reported: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run_cli(["report", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    if "--json" in arguments:
        assert json.loads(captured.out)["exit"] == 2
    else:
        assert captured.out == ""


def test_errors_are_json_where_that_was_asked_for(
    reported: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["report", "nothing", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["exit"]) == ("ReportNotFound", 2)


@pytest.mark.parametrize("name", ["review.html", "review.json"])
def test_a_file_that_is_gone_is_named_with_what_to_do(
    reported: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "reviews" / "1" / name).unlink()
    assert run_cli(["report", NEW]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path}/reviews/1/{name} is recorded, but the file is gone" in said
    assert "TENS_INSIGHT_REVIEW_DIR" in said
    assert "`tens-insight run train` writes a new report" in said


def test_before_the_first_run_it_says_which_command_writes_one(
    sqlite_shelf: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["report"]) == 2
    assert "`tens-insight run train` does" in capsys.readouterr().err


def test_open_hands_the_file_to_the_desktop(
    reported: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, opened = tmp_path / "bin", tmp_path / "opened"
    tools.mkdir()
    (tools / "xdg-open").write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part\n'
                                    f"mv {opened}.part {opened}\n")  # fmt: skip
    (tools / "xdg-open").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    assert run_cli(["report", OLD, "--open"]) == 0
    deadline = time.monotonic() + 10
    while not opened.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert opened.read_text().removeprefix("file://") == f"{tmp_path}/reviews/0/review.html"


def test_without_a_desktop_it_says_which_file_to_open(
    reported: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert run_cli(["report", OLD, "--open"]) == 2
    said = capsys.readouterr()
    assert said.out == f"{tmp_path}/reviews/0/review.html\n"
    assert f"No browser could be started; open {tmp_path}/reviews/0/review.html" in said.err


def test_models_whose_files_are_gone_get_a_page_that_says_so(
    reported: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["report", "--compare", OLD, NEW]) == 0
    page = tmp_path / "reports" / f"compare-{OLD}-{NEW}.html"
    assert capsys.readouterr().out == f"{page}\n"
    assert f"The files of model {OLD} are gone" in page.read_text(encoding="utf-8")


def test_a_signature_is_kept_with_the_model_and_written_into_the_page(
    reported: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setenv("TENS_INSIGHT_REVIEW_DIR", str(copies))
    page = f"<html>{signature_block(())}</html>"
    places = [tmp_path / "reviews/0/review.html", copies / f"2026-06-01T000000-{OLD}.html"]
    for place in places:
        place.write_text(page)
        place.with_suffix(".json").write_text("{}")
    sign = ["models", "review", OLD[:8], "--by", "Ann  Lee\x1b[31m"]
    assert run_cli([*sign, "--approve", "--note", "Fine."]) == 0
    said = capsys.readouterr().out
    assert f"Approved {OLD}: transition 1, approve by Ann Lee\\x1b[31m (" in said
    assert said.count("Written into") == 2
    assert run_cli([*sign, "--reject", "--note", "Worse in EU."]) == 0
    assert f"`tens-insight models withdraw {OLD}` takes it out" in capsys.readouterr().out
    for place in places:
        shown = place.read_text()
        assert shown.index("approved") < shown.index("rejected")
        assert "Worse in EU." in shown
        told = json.loads(place.with_suffix(".json").read_text())["signatures"]
        assert [one["decision"] for one in told] == ["approved", "rejected"]
    assert reported.registry.champion().properties.model_version == OLD
    assert run_cli(["models", "show", OLD]) == 0
    assert "transition 2   reject by Ann Lee" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([NEW, "--approve", "--by", "Ann"], "was not blessed, and only what was blessed or"),
        ([NEW, "--approve", "--by", "Ann"], "it cannot be approved"),
        ([OLD, "--by", "Ann"], "either --approve or --reject"),
        ([OLD, "--approve", "--reject", "--by", "Ann"], "either --approve or --reject"),
        ([OLD, "--approve"], "Missing option '--by'"),
        ([OLD, "--approve", "--by", " "], "a signature needs a name"),
        ([OLD, "--reject", "--by", "Ann"], "a rejection needs a reason"),
        (["nothing", "--approve", "--by", "Ann"], "There is no model 'nothing'"),
    ],
)
def test_what_cannot_be_signed_is_a_usage_error(
    reported: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run_cli(["models", "review", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert reported.registry.transitions() == []


def test_a_page_that_cannot_be_written_loses_no_signature(
    reported: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["models", "review", NEW, "--reject", "--by", "Ann", "--note", "Seen."]) == 0
    assert "it has no place for signatures. It is kept with the model" in capsys.readouterr().out
    (kept,) = reported.registry.transitions()
    assert (kept.kind, kept.version, kept.reason) == ("reject", NEW, "Seen.")
