"""What `run auto` does around its run, with the run itself replaced."""

from typing import Any

import pytest

from components.errors import (
    DatabaseUnreachable,
    DataGateStopped,
    NothingToPublish,
    PublicationRefused,
    StateDirectoryBusy,
    TensInsightError,
)
from pipeline.commands import auto
from pipeline.policy.clean import Plan
from pipeline.policy.decide import SCORE, Act, Decision, Rule, blind
from pipeline.policy.facts import TRAIN
from tests.pipeline.policy.conftest import END

RULES = (Rule("age", "", "It is old.", "Train."),)


class Calls:
    """What was run, and what training ends with."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.cleaned = 0
        self.error: Exception | None = None
        self.score_error: Exception | None = None

    def run(self, kind: str, as_of: Any, as_json: bool, **options: Any) -> int:
        self.runs.append(kind)
        if kind == TRAIN and self.error is not None:
            raise self.error
        if kind == SCORE and self.score_error is not None:
            raise self.score_error
        return 0

    def clean(self, settings: Any, on_wait: Any) -> Plan:
        self.cleaned += 1
        return Plan()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(auto, "run_and_report", made.run)
    monkeypatch.setattr(auto, "clean", made.clean)
    monkeypatch.setattr(auto, "perform", lambda decision, settings: [])
    decide_on(monkeypatch, Decision(END, RULES, [Act(TRAIN, "It is old.")]))
    return made


def decide_on(monkeypatch: pytest.MonkeyPatch, decision: Decision) -> None:
    monkeypatch.setattr(auto, "decided", lambda settings: decision)


def failed(error: TensInsightError, *published: str) -> TensInsightError:
    error.facts["published"] = published
    return error


def test_it_runs_what_was_decided(calls: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert auto.run_auto(None, False) == 0
    assert calls.runs == [TRAIN]
    assert calls.cleaned == 1
    assert "The policy: train: It is old." in capsys.readouterr().err


@pytest.mark.parametrize("error", [failed(DataGateStopped("few")), RuntimeError("a bug")])
def test_a_training_that_fails_does_not_keep_the_champion_from_scoring(
    calls: Calls, error: Exception
) -> None:
    calls.error = error
    with pytest.raises(type(error)):
        auto.run_auto(None, False)
    assert calls.runs == [TRAIN, SCORE]


def test_the_code_is_that_of_the_training_where_the_score_fails_too(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    calls.error = failed(DataGateStopped("few"))
    calls.score_error = failed(PublicationRefused("would move too much"))
    with pytest.raises(DataGateStopped):
        auto.run_auto(None, False)
    assert calls.runs == [TRAIN, SCORE]
    assert "Scoring failed too: would move too much" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        failed(DataGateStopped("areas"), "Published 12 account scores."),
        failed(DatabaseUnreachable("down")),
        failed(StateDirectoryBusy("another")),
        failed(NothingToPublish("no champion")),
    ],
)
def test_nothing_is_scored_twice_or_where_it_would_fail_too(calls: Calls, error: Exception) -> None:
    calls.error = error
    with pytest.raises(type(error)):
        auto.run_auto(None, False)
    assert calls.runs == [TRAIN]


def test_where_nothing_can_be_seen_nothing_is_removed(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide_on(monkeypatch, blind(END, "no connection"))
    assert auto.run_auto(None, False) == 0
    assert (calls.runs, calls.cleaned) == ([SCORE], 0)


def test_files_that_cannot_be_removed_do_not_hold_up_the_run(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(settings: Any, on_wait: Any) -> Plan:
        raise StateDirectoryBusy("another run")

    monkeypatch.setattr(auto, "clean", refused)
    assert auto.run_auto(None, False) == 0
    assert calls.runs == [TRAIN]
    assert "nothing was cleaned up: another run" in capsys.readouterr().err
