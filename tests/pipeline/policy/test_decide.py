"""The written policy as a pure function: what it does, what it holds back, and what it says."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from components.registry.stages import PIN, PROMOTE, UNPIN, WITHDRAW, StageTransition
from pipeline.policy.decide import SCORE, Decision, Rule, blind, decide
from pipeline.policy.facts import TRAIN, Drift, Facts, KnownModel, Performance, kept_by
from pipeline.policy.unlike_settings import UnlikeSetting
from pipeline.setting_groups import PolicySettings
from pipeline.text.policy import policy_lines
from serving_model.evaluation.sequential import Sequential

NOW = datetime(2026, 11, 29, 6, tzinfo=timezone.utc)
OLD = KnownModel("20261001-aaaaaaaa", NOW - timedelta(days=50), "account_churn", 60)
NEW = KnownModel("20261121-bbbbbbbb", NOW - timedelta(days=8), "account_churn", 60)
WAITING = KnownModel("20261128-cccccccc", NOW - timedelta(days=1), "account_churn", 60)
SETTINGS = PolicySettings()
QUIET = Facts(
    NOW,
    champion=NEW,
    former=OLD,
    trained_as_of=NEW.as_of,
    scored_as_of=NOW - timedelta(days=1),
)
FELL = Performance(7, NOW - timedelta(days=70), 0.31, 0.28, 0.34, 0.24, 0.22, 0.26)


def compared(*, worse: float = 1.0, better: float = 1.0, accounts: int = 4000) -> Sequential:
    return Sequential(0.0021, 0.0008, 0.0034, accounts, 3, worse, better, SETTINGS.policy_error)


def days_ago(model: KnownModel, days: float) -> KnownModel:
    return replace(model, as_of=NOW - timedelta(days=days))


def kinds(decision: Decision) -> list[str]:
    return [act.kind for act in decision.acts]


def rule(decision: Decision, name: str) -> Rule:
    return next(one for one in decision.rules if one.name == name)


def with_(**changes: Any) -> Facts:
    return replace(QUIET, **changes)


def test_a_quiet_day_scores() -> None:
    decision = decide(QUIET, SETTINGS)
    assert kinds(decision) == [SCORE]
    assert "2026-11-28" in decision.run.reason
    assert "missing" not in decision.run.reason


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            with_(champion=days_ago(NEW, 30), trained_as_of=NOW - timedelta(days=30)),
            "is 30 days old",
        ),
        (with_(left=200), "200 accounts left since it learnt"),
        (
            with_(unlike=[UnlikeSetting("active_within_days", "off", 120)]),
            "learnt with ACTIVE_WITHIN_DAYS=off; the settings ask for ACTIVE_WITHIN_DAYS=120.",
        ),
        (
            with_(drift=[Drift("source 'x': share of events", NOW - timedelta(days=3))]),
            "2026-11-26",
        ),
        (with_(performance=FELL), "Log-loss of publication 7"),
        (with_(champion=None, former=None, trained_as_of=None), "No model scores"),
    ],
)
def test_what_proposes_to_train_does_and_says_why(facts: Facts, said: str) -> None:
    decision = decide(facts, SETTINGS)
    assert kinds(decision) == [TRAIN]
    assert said in decision.run.reason


@pytest.mark.parametrize(
    "facts",
    [
        with_(champion=days_ago(NEW, 29.9), trained_as_of=NOW - timedelta(days=29.9)),
        with_(left=199),
        with_(performance=replace(FELL, low=0.25)),
    ],
)
def test_less_than_the_setting_does_not(facts: Facts) -> None:
    assert kinds(decide(facts, SETTINGS)) == [SCORE]


@pytest.mark.parametrize(("gap", "run"), [(6.9, SCORE), (7.0, TRAIN)])
def test_no_training_before_the_gap_is_over(gap: float, run: str) -> None:
    facts = with_(left=500, performance=FELL, trained_as_of=NOW - timedelta(days=gap))
    decision = decide(facts, SETTINGS)
    assert kinds(decision) == [run]
    assert ("Hold" in rule(decision, "gap between trainings").would) == (run == SCORE)


def test_a_training_that_came_to_no_champion_counts_for_the_gap() -> None:
    facts = with_(champion=None, former=None, trained_as_of=NOW - timedelta(days=1))
    assert kinds(decide(facts, SETTINGS)) == [SCORE]


def test_other_settings_of_the_examples_are_the_evidence_and_wait_for_the_gap() -> None:
    unlike = [
        UnlikeSetting("horizon_days", 60, 90),
        UnlikeSetting("rows_after_churn", "back", "final"),
    ]
    facts = with_(unlike=unlike)
    decision = decide(facts, SETTINGS)
    assert decision.run.evidence == {
        "settings": {
            "horizon_days": {"learnt": 60, "asked": 90},
            "rows_after_churn": {"learnt": "back", "asked": "final"},
        }
    }
    json.dumps(decision.as_json()["rules"], allow_nan=False, default=str)
    found = rule(decision, "settings of the examples")
    assert found.setting == "HORIZON_DAYS=90, ROWS_AFTER_CHURN=final"
    assert "learnt with HORIZON_DAYS=60, ROWS_AFTER_CHURN=back;" in found.now
    early = decide(replace(facts, trained_as_of=NOW - timedelta(days=6.9)), SETTINGS)
    assert kinds(early) == [SCORE]
    same = rule(decide(QUIET, SETTINGS), "settings of the examples")
    assert same.would == "Nothing."


def test_drift_proposes_nothing_where_the_setting_says_so() -> None:
    facts = with_(drift=[Drift("x", NOW)])
    assert kinds(decide(facts, PolicySettings(retrain_on_drift=False))) == [SCORE]


def test_a_champion_that_is_worse_is_withdrawn_and_the_former_one_scores() -> None:
    facts = with_(against_former=compared(worse=100), left=500, trained_as_of=None)
    decision = decide(facts, SETTINGS)
    assert kinds(decision) == [WITHDRAW, SCORE]
    act = decision.acts[0]
    assert act.version == NEW.version
    assert act.undo == f"tens-insight models promote {NEW.version}"
    assert act.evidence["former_champion"] == OLD.version
    assert act.evidence["worse"] == 100
    assert "3 windows with 4000 accounts" in act.reason
    assert "[+0.00080, +0.00340]" in act.reason
    assert "1.0%" in act.reason
    json.dumps(act.evidence, allow_nan=False)


@pytest.mark.parametrize(
    ("facts", "settings", "said"),
    [
        (with_(against_former=compared(worse=99.9)), SETTINGS, "Nothing."),
        (with_(against_former=compared(accounts=0)), SETTINGS, "Nothing."),
        (with_(), SETTINGS, "Nothing."),
        (
            with_(against_former=compared(worse=1e9)),
            PolicySettings(rollback="off"),
            "ROLLBACK is off",
        ),
        (
            with_(
                against_former=compared(worse=1e9),
                held_by="the champion is pinned by ann@jobs: audit",
            ),
            SETTINGS,
            "ann@jobs",
        ),
        (
            with_(champion=replace(NEW, kept_by="ann@jobs"), against_former=compared(worse=1e9)),
            SETTINGS,
            "what a person decided holds",
        ),
        (with_(former=None), SETTINGS, "Nothing."),
    ],
)
def test_what_keeps_a_champion(facts: Facts, settings: PolicySettings, said: str) -> None:
    decision = decide(facts, settings)
    assert kinds(decision) == [SCORE]
    assert said in rule(decision, "roll back").would


@pytest.mark.parametrize(
    ("found", "done"),
    [
        (compared(better=100), [PROMOTE, SCORE]),
        (compared(worse=100), [WITHDRAW, SCORE]),
        (compared(worse=99, better=99), [SCORE]),
        (compared(accounts=0), [SCORE]),
    ],
)
def test_a_model_in_shadow_is_promoted_or_withdrawn_by_evidence_alone(
    found: Sequential, done: list[str]
) -> None:
    decision = decide(with_(challenger=WAITING, against_champion=found), SETTINGS)
    assert kinds(decision) == done
    if len(done) > 1:
        assert decision.acts[0].version == WAITING.version


def test_a_pin_keeps_a_model_in_shadow() -> None:
    facts = with_(
        challenger=WAITING,
        against_champion=compared(better=1e6),
        held_by="the champion is pinned by ann: audit",
    )
    assert kinds(decide(facts, SETTINGS)) == [SCORE]


def test_one_stage_changes_at_a_time() -> None:
    facts = with_(
        against_former=compared(worse=1e6),
        challenger=WAITING,
        against_champion=compared(better=1e6),
    )
    assert kinds(decide(facts, SETTINGS)) == [WITHDRAW, SCORE]


@pytest.mark.parametrize("worse", [1.0, 1e9])
def test_a_split_keeps_both_of_its_models_and_the_page_says_so(worse: float) -> None:
    held = "ann@jobs lets 20261121-bbbbbbbb and 20261001-aaaaaaaa share the accounts"
    found = decide(with_(against_former=compared(worse=worse), held_by=held), SETTINGS)
    assert kinds(found) == [SCORE]
    assert rule(found, "roll back").would == f"Nothing, since {held}."
    alone = decide(with_(former=None, held_by=held), SETTINGS)
    assert rule(alone, "roll back").would == f"Nothing, since {held}."


@pytest.mark.parametrize(("age", "run"), [(1, SCORE), (89.9, SCORE), (90, TRAIN)])
def test_training_waits_until_enough_is_known_of_a_model_in_shadow(age: float, run: str) -> None:
    """Windows of 60 days and 30 days to look at what closed: no newer model takes its place."""
    facts = with_(
        champion=days_ago(NEW, 200),
        challenger=days_ago(WAITING, age),
        against_champion=compared(),
        trained_as_of=NOW - timedelta(days=8),
        performance=FELL,
    )
    decision = decide(facts, SETTINGS)
    assert kinds(decision) == [run]
    assert (WAITING.version in rule(decision, "gap between trainings").would) == (run == SCORE)


def test_training_does_not_wait_for_what_cannot_be_compared() -> None:
    no_champion = with_(champion=None, former=None, challenger=WAITING, trained_as_of=None)
    assert kinds(decide(no_champion, SETTINGS)) == [TRAIN]
    other_horizon = with_(left=500, challenger=WAITING)
    assert kinds(decide(other_horizon, SETTINGS)) == [TRAIN]


def test_a_missing_run_is_told() -> None:
    assert "missing" in decide(with_(is_late=True), SETTINGS).run.reason


def test_where_nothing_can_be_seen_the_score_is_tried() -> None:
    decision = blind(NOW, "no connection")
    assert kinds(decision) == [SCORE]
    assert "no connection" in decision.run.reason


def _transitions(*made: tuple[str, str, str]) -> list[StageTransition]:
    return [
        StageTransition(number, kind, version, number, by)
        for number, (kind, version, by) in enumerate(made, 1)
    ]


@pytest.mark.parametrize(
    ("made", "by"),
    [
        ([(WITHDRAW, "a", "policy (x@y)"), (PROMOTE, "a", "ann@jobs")], "ann@jobs"),
        ([(WITHDRAW, "a", "ann@jobs"), (PROMOTE, "a", "ann@jobs")], ""),
        ([(WITHDRAW, "a", "policy (x@y)"), (PROMOTE, "a", "policy (x@y)")], ""),
        ([(WITHDRAW, "b", "policy (x@y)"), (PROMOTE, "a", "ann@jobs")], ""),
        ([(PROMOTE, "a", "ann@jobs"), (WITHDRAW, "a", "policy (x@y)")], ""),
        ([(WITHDRAW, "a", "policy (x@y)"), (PIN, "b", "ann"), (UNPIN, "b", "ann")], ""),
    ],
)
def test_who_brought_a_model_back(made: list[tuple[str, str, str]], by: str) -> None:
    assert kept_by("a", _transitions(*made)) == by


def test_the_page_fits_a_terminal_and_shows_every_rule_with_setting_facts_and_act(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    drift = [Drift(f"source 'number {n}': share of events", NOW) for n in range(5)]
    facts = with_(against_former=compared(worse=5), performance=FELL, drift=drift, left=20)
    unlike = [UnlikeSetting(name, 60, 90) for name in ("horizon_days", "active_within_days")]
    decision = decide(replace(facts, unlike=unlike), SETTINGS)
    lines = list(policy_lines(decision))
    assert max(map(len, lines)) <= 80
    text = re.sub(r"\s+", " ", " ".join(lines))
    for one in decision.rules:
        for part in (one.name, one.setting, one.now, one.would):
            assert part in text
    assert "would now train" in text
