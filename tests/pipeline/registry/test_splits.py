"""`models split`, as one types it."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from pipeline.cli import run_cli
from tests.components.conftest import FeedbackTables
from tests.components.outcome_recorder.published import record as record_outcomes
from tests.components.shadow.test_split_result import DIVIDED, NAMES, day, publish

OLD, NEW, REFUSED = "20260501-aaaaaaaa", "20260601-bbbbbbbb", "20260602-cccccccc"
FIRST = datetime(2024, 3, 1, tzinfo=timezone.utc)


@pytest.fixture
def stocked(sqlite_shelf: Any, migrated_database: str) -> Any:
    for version, blessed in ((OLD, True), (NEW, True), (REFUSED, False)):
        sqlite_shelf.train(version, blessed=blessed)
    return sqlite_shelf


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run_cli(["models", "split", *arguments]) == code
    found = capsys.readouterr()
    return found.err if code else found.out


def test_a_split_begins_lasts_and_ends(stocked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys) == "No split lasts: the champion scores all accounts.\n"
    begun = said(capsys, OLD, "20260601", "--share", "0.125", "--reason", "which is better?")
    assert f"Split the accounts: {OLD}: transition 1, split by" in begun
    assert f"{NEW} scores 12.5% of the accounts" in begun
    assert f"The champion is now {OLD}; before it was {NEW}." in begun
    assert f"Split 1: {OLD} scores 87.5% of the accounts, {NEW} 12.5%" in said(capsys)
    assert said(capsys, "--result") == "Nothing was published by a split yet.\n"
    for version in (OLD, NEW):
        assert run_cli(["models", "show", version]) == 0
        shown = capsys.readouterr().out
        assert "in a split" in shown
        assert "transition 1   split by" in shown
    # A model that is blessed meanwhile waits.
    stocked.train("20260701-dddddddd", blessed=True)
    assert stocked.registry.champion().properties.model_version == OLD
    assert run_cli(["models", "withdraw", OLD, "--reason", "worse"]) == 0
    capsys.readouterr()
    assert f"Not divided now: {NEW} scores all accounts" in said(capsys)
    ended = said(capsys, "--end", "--reason", "decided")
    assert "The champion is now 20260701-dddddddd" in ended
    assert said(capsys).startswith("No split lasts")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([OLD], "takes two versions, and --share"),
        ([OLD, NEW], "takes two versions, and --share"),
        ([OLD, NEW, "--share", "0"], "0<x<1"),
        ([OLD, NEW, "--share", "1.5"], "0<x<1"),
        ([OLD, REFUSED, "--share", "0.5"], "only what was blessed or accepted is ever published"),
        ([OLD, OLD, "--share", "0.5"], "Both models of the split"),
        ([OLD, "x", "--share", "0.5"], "There is no model 'x'"),
        ([OLD, NEW, "--share", "0.5", "--end"], "or --end, or --result"),
        (["--end"], "No split lasts"),
        (["--reason", "why"], "goes with the begin of a split"),
    ],
)
def test_what_cannot_be_split(
    stocked: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert why in said(capsys, *arguments, code=2)
    assert stocked.registry.transitions() == []


def test_what_came_of_it_is_told(
    stocked: Any, migrated_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = FeedbackTables(migrated_database)
    tables.add({"account_id": name, "created_at": day(when)} for name in NAMES for when in (-3, 12))
    tables.churn([(name, day(4)) for name in NAMES if not DIVIDED.is_second(name)][::2])
    first = publish(tables, 0, NAMES)
    assert "No window has closed yet: the first one does 10 days after 2024-03-01" in said(
        capsys, "--result"
    )
    record_outcomes(day(12), first)
    told = said(capsys, "--result")
    assert "Split 7, 1 publications as of 2024-03-01 to 2024-03-01" in told
    assert "Verdict: accounts of two leave less often: the split may be ended." in told
    assert "acted upon" not in told
    found = json.loads(said(capsys, "--json"))
    assert found["lasting"] is None
    assert sum(found["result"]["accounts"]) == len(NAMES)
