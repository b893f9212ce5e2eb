"""`tens-insight outcomes`: performance by model and month, and who left with a low score."""

import csv
import io
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from components.outcome_recorder.populations import SLICES
from components.publishing.holdout import Holdout
from pipeline.cli import run_cli
from pipeline.commands import outcomes as command
from tests.components.conftest import FeedbackTables
from tests.components.outcome_recorder.published import put_publication, record

FIRST = datetime(2024, 3, 4, tzinfo=timezone.utc)
ACCOUNTS = [f"ACC-{number:03d}" for number in range(300)]
RNG = np.random.default_rng(5)
SCORES = dict(zip(ACCOUNTS, RNG.uniform(0.02, 0.9, len(ACCOUNTS)).tolist(), strict=True))
LEFT = [one for one in ACCOUNTS if RNG.uniform() < SCORES[one]]


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


@pytest.fixture
def tables(migrated_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    found = FeedbackTables(migrated_database)
    found.add({"account_id": one, "created_at": day(-1)} for one in ACCOUNTS)
    found.churn((one, day(5)) for one in LEFT)
    return found


def said(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run_cli(["outcomes", *options]) == 0
    text = capsys.readouterr().out
    if not {"--json", "--csv"} & set(options):
        assert max(map(len, text.splitlines())) <= 80
    return text


def test_before_the_first_publication(tables: Any, capsys: Any) -> None:
    assert "No account has a score yet: `tens-insight status`" in said(capsys)
    assert json.loads(said(capsys, "--json"))["performance"] == []


def test_before_the_first_window_is_over(tables: Any, capsys: Any) -> None:
    put_publication(tables, day(0), SCORES, horizons=(10, 20))
    for options in ([], ["--missed"]):
        text = said(capsys, *options)
        assert "No outcome is known yet." in text
        assert "The first window closes on 2024-03-14 (10 days after it was published)" in text
    assert "No account is known that left with a low score." in said(capsys, "--missed")


@pytest.fixture
def measured(tables: Any) -> Any:
    """Publications of two models in two months; each window but the last one is over."""
    for at in (0, 7, 14, 21, 28, 35):
        number = put_publication(tables, day(at), SCORES, model="m-old" if at < 30 else "m-new")
        record(day(at), number)
    return tables


def test_performance_by_model_and_month(measured: Any, capsys: Any) -> None:
    text = said(capsys)
    assert "4 of 6 windows measured" in text
    lines = [line.split() for line in text.splitlines()]
    march = next(line for line in lines if line[:2] == ["2024-03", "m-old"])
    assert march[2:4] == ["300", f"{len(LEFT) / 4:.0f}"]
    assert "Risk bands: how many of those flagged left" in text
    assert "Actions" not in text
    assert "accounts left with a low score: `tens-insight outcomes --missed` lists them" in text
    assert "The next window closes on 2024-04-11" in text
    found = json.loads(said(capsys, "--json"))
    (auc,) = [one for one in found["performance"] if one["metric"] == "auc" and not one["band"]]
    assert (auc["model_version"], auc["month"], auc["publications"]) == ("m-old", "2024-03", 1)
    assert auc["low"] < auc["value"] < auc["high"]
    rows = list(csv.DictReader(io.StringIO(said(capsys, "--csv"))))
    assert {row["metric"] for row in rows} >= {"auc", "brier", "precision", "recall", "lift"}


def test_only_what_is_asked_for(measured: Any, capsys: Any) -> None:
    assert json.loads(said(capsys, "--json", "--model", "m-n"))["performance"] == []
    assert json.loads(said(capsys, "--json", "--horizon", "30"))["performance"] == []
    assert json.loads(said(capsys, "--json", "--slice", "region"))["performance"] == []


def test_an_undone_publication_does_not_count(measured: Any, capsys: Any) -> None:
    measured.execute(
        "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 't', undo_reason = 't'"
    )
    assert json.loads(said(capsys, "--json"))["performance"] == []
    assert "No account has a score yet" in said(capsys)


def test_accounts_that_left_with_a_low_score(measured: Any, capsys: Any) -> None:
    missed = sorted(one for one in LEFT if SCORES[one] < 0.25)
    text = said(capsys, "--missed", "--limit", "2")
    assert f"{len(missed)} accounts left with a low score" in text
    assert missed[0] in text
    assert f"and {len(missed) - 2} more" in text
    rows = list(csv.DictReader(io.StringIO(said(capsys, "--missed", "--csv"))))
    assert [row["account_id"] for row in rows] == missed
    assert json.loads(said(capsys, "--json", "--missed"))["missed_accounts"] == len(missed)
    since = said(capsys, "--missed", "--csv", "--since", "2024-04-01")
    assert list(csv.DictReader(io.StringIO(since))) == []


@pytest.mark.parametrize(
    "options",
    [["--csv", "--json"], ["--since", "2024-01-01"], ["--missed", "--slice", "region"],
     ["--horizon", "0"]],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(tables: Any, options: list[str]) -> None:
    assert run_cli(["outcomes", *options]) == 2


def test_the_slices_are_those_that_are_measured() -> None:
    assert command.SLICES == SLICES


def test_the_command_does_without_tensorflow(tables: Any) -> None:
    program = (
        "import sys; from pipeline.cli import run_cli; assert run_cli(['outcomes']) == 0; "
        "assert not {'tensorflow', 'tfx', 'sklearn', 'pandas'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_what_a_team_did_is_told_apart(tables: Any, capsys: Any) -> None:
    tables.execute("CREATE TABLE actions (account_id text, acted_at timestamptz, kind text)")
    tables.execute(
        "INSERT INTO actions SELECT one, %s, 'call' FROM unnest(%s::text[]) AS one",
        day(1), ACCOUNTS[::2],
    )  # fmt: skip
    number = put_publication(tables, day(0), SCORES)
    holdout = Holdout(0.3, "s")
    tables.execute("UPDATE tens_insight.publications SET holdout = %s", holdout.recorded)
    record(day(10), number, actions=("actions", "account_id", "acted_at", "kind"))
    text = said(capsys)
    assert "Actions above low: saved is" in text
    flagged = [one for one in ACCOUNTS if SCORES[one] >= 0.25]
    acted = [one for one in flagged if one in ACCOUNTS[::2]]
    stayed = len(set(acted) - set(LEFT))
    alone = sum(map(holdout.holds, flagged))
    row = f"2024-03 m-old {len(acted)} {stayed} {alone}".replace("m-old", "model-1")
    assert row in " ".join(text.split())
