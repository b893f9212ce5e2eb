"""What the report says of the run itself, from artifacts as the nodes leave them."""

import json
from dataclasses import asdict

import pytest
from tfx.types import standard_artifacts

from components.data_checker.checks import STOPPED, WARNED, Check
from components.data_checker.decision_file import write_checks
from components.model_gate.decision_file import Decision
from components.model_gate.gate_check import Population
from components.model_review.run_artifacts import collect
from components.model_review.sections import decision as outcomes
from components.model_review.sections.changes import changes_of
from components.model_review.sections.data import data_facts_of, splits_of
from components.model_review.sections.decision import checks_of, decision_of, head_of
from components.model_review.sections.lineage import components_of, lineage_of, settings_of
from components.model_review.sections.model_card import card_of
from components.registry.artifacts import DataGateDecision, PublishedScores
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from components.registry.node_costs import DONE, FAILED, NOT_RUN, NodeCost
from components.registry.published_properties import PublishedScoresProperties
from components.verdicts import PASSED, SKIPPED
from tests.components.sample_properties import EXAMPLES as SAMPLE
from tests.components.sample_properties import SCORES

EXAMPLES = SAMPLE | {
    "as_of": "2026-06-01T00:00:00+00:00",
    "label_source": "account_churn",
    "lookback_days": 180,
    "horizon_days": 60,
    "max_events": 500,
    "feedback_rows": 1_210,
    "newest_feedback": "2026-05-29T12:00:00+00:00",
    "rows_without_account": 60,
    "rows_in_future": 2,
    "rows_without_date": 1,
    "late_rows": 7,
    "previous_as_of": "2026-05-31T00:00:00+00:00",
    "previous_feedback_rows": 1_100,
    "previous_scored": 50,
    "rows_last_week": 90,
    "rows_weeks_before": 808,
    "train_cutoffs": "2026-01-01T00:00:00+00:00,2026-01-15T00:00:00+00:00",
    "train_examples": 100,
    "train_churned": 9,
    "eval_cutoffs": "2026-04-02T00:00:00+00:00",
    "eval_examples": 60,
    "eval_churned": 5,
    "score_cutoffs": "2026-06-01T00:00:00+00:00",
    "score_examples": 55,
    "score_churned": 0,
}
MODEL = {"model_version": "new", "packages": "tfx 1", "saved_model_sha256": "abc"}
OLD = {"model_version": "old", "settings": json.dumps({"seed": 1, "epochs": 16, "gone": [1]})}
PUBLISHED = SCORES | {"model_version": "new", "published_count": 1_055}


def artifact(kind, folder, properties=None):
    made = kind()
    folder.mkdir(parents=True)
    made.uri = str(folder)
    if properties is not None:
        properties.write(made)
    return made


def check(name, verdict, found=None, threshold="", group="size", splits=("eval",)):
    return Check(name, group, splits, found, threshold, verdict, f"{name} {verdict}")


CHECKS = [
    check("eval: examples", PASSED, 60, ">= 20"),
    check("score against train: region", PASSED, 0.02, "<= 0.1", "skew", ("score", "train")),
    check("score against eval: event_topic", WARNED, 0.3, "<= 0.2", "drift", ("score", "eval")),
    check("score against train: tenure", PASSED, 0.5, "<= 0.6", "skew", ("score", "train")),
    check("drift: score against eval", SKIPPED, None, "compared", "drift", ("score", "eval")),
]


@pytest.fixture
def run(tmp_path):
    """Collects a run: what is None was never made."""

    def make(examples=EXAMPLES, checks=CHECKS, blessed=None, model=MODEL, published=None, **others):
        inputs = {"scores": [], "champion": []}
        if examples is not None:
            kind = standard_artifacts.Examples
            properties = ExamplesProperties.from_plain(examples)
            inputs["examples"] = [artifact(kind, tmp_path / "examples", properties)]
        if checks is not None:
            decision = DataGateDecision()
            decision.uri = str(tmp_path / "checks")
            write_checks(decision, checks)
            inputs["data_decision"] = [decision]
        if blessed is not None:
            blessing = artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
            (tmp_path / "blessing" / "decision.json").write_text(judged(blessed).as_json())
            inputs["blessing"] = [blessing]
        if published is not None:
            properties = PublishedScoresProperties.from_plain(published) if published else None
            inputs["scores"] = [artifact(PublishedScores, tmp_path / "scores", properties)]
        costs = others.pop("costs", [])
        for name, plain in {"model": model, **others}.items():
            if plain is not None:
                properties = ModelProperties.from_plain(plain)
                inputs[name] = [artifact(standard_artifacts.Model, tmp_path / name, properties)]
        return collect(inputs, "2026-06-01T07:00:00", costs)

    return make


def judged(blessed):
    population = Population("overall", 61, 6)
    checks = (
        population.check("auc above chance", 0.7, "lower end above 0.5", 0.5, -0.1),
        population.skip("against the champion", "not worse", "there is no champion"),
    )
    return Decision(
        blessed=blessed,
        summary="BLESSED: so" if blessed else "NOT BLESSED: so",
        model_version="new",
        champion_version=None,
        eval={"cutoff": "2026-04-03T00:00:00+00:00", "accounts": 61, "churned": 6},
        training={},
        checks=checks,
        metrics={},
        slices=[],
        calibration=[],
    )


def test_a_blessed_model_that_published(run):
    found = run(blessed=True, published=PUBLISHED, baseline_model=OLD)
    decision = decision_of(found)
    assert decision.kind == outcomes.BLESSED
    assert decision.sentence == "BLESSED: so"
    assert decision.consequence == "1,055 accounts were scored by this model and published."
    head = head_of(found)
    assert (head.model_version, head.champion_version) == ("new", "old")
    assert (head.eval_cutoff[:10], head.accounts, head.churned) == ("2026-04-03", 61, 6)
    assert (head.horizon_days, head.lookback_days) == (60, 180)


@pytest.mark.parametrize(
    ("blessed", "published", "champion", "said"),
    [
        (True, None, {}, "It is champion from now on, but this run published nothing"),
        (True, {}, {}, "It is champion from now on, but this run published nothing"),
        (
            False,
            PUBLISHED | {"model_version": "old"},
            {"champion": OLD},
            "This model scores no account. 1,055 accounts were scored by the champion old",
        ),
        (False, None, {"champion": OLD}, "the champion is still old. The previous publication"),
        (False, None, {}, "This model scores no account, and there is no champion"),
    ],
)
def test_what_a_decision_means(run, blessed, published, champion, said):
    decision = decision_of(run(blessed=blessed, published=published, **champion))
    assert decision.kind == (outcomes.BLESSED if blessed else outcomes.NOT_BLESSED)
    assert said in decision.consequence


def test_a_stop_by_the_data_gate_names_what_stopped_it(run):
    checks = [*CHECKS, check("eval: churned", STOPPED, 0, ">= 20"), check("x", STOPPED)]
    found = run(checks=checks, model=None, costs=[NodeCost("DataGate", FAILED, 0.1)])
    decision = decision_of(found)
    assert decision.kind == outcomes.STOPPED
    assert decision.sentence == "eval: churned stopped; x stopped"
    assert "No model was trained" in decision.consequence
    assert checks_of(found) == ()
    assert head_of(found).model_version is None
    assert head_of(found).accounts == EXAMPLES["eval_examples"]


def test_a_component_that_failed_is_named(run):
    why = "No answer at ann@db.example:5432/crm (from DATABASE_URL), of account 'ACC-1'."
    costs = [NodeCost("ModelTrainer", FAILED, 3.0, None, why), NodeCost("Evaluator", NOT_RUN)]
    found = run(model=None, costs=costs)
    decision = decision_of(found)
    assert decision.kind == outcomes.RUN_FAILED
    said = "ModelTrainer failed: No answer at the database (from DATABASE_URL), of account "
    assert decision.sentence == f"{said}'ACC-1'."
    assert decision.consequence.startswith("The gate could not decide. ")
    hidden = decision_of(found, accounts_shown=False)
    assert hidden.sentence == f"{said}(hidden)."


def test_a_failure_after_the_gate_is_named(run):
    unnamed = "(default user)@(default host):(default port)/(default database)"
    costs = [NodeCost("AccountScorer", FAILED, 3.0, None, f"No answer at {unnamed}.")]
    published = decision_of(run(blessed=True, costs=costs))
    assert published.kind == outcomes.BLESSED
    assert published.consequence.endswith("AccountScorer failed: No answer at the database.")


def test_nothing_at_all_is_known(run):
    found = run(examples=None, checks=None, model=None)
    assert decision_of(found).kind == outcomes.RUN_FAILED
    assert head_of(found).as_of == ""
    assert data_facts_of(found) == splits_of(found) == card_of(found) == ()
    changes = changes_of(found, {"seed": 2})
    assert (changes.volume, changes.drift, changes.settings) == ((), (), ())
    assert {fact.name for fact in lineage_of(found, "c0de")} == {"run", "code version"}


def test_checks_are_those_of_the_gate(run):
    first, second = checks_of(run(blessed=True))
    assert (first.name, first.value, first.verdict) == ("auc above chance", 0.7, "passed")
    assert (second.value, second.interval, second.verdict) == (None, None, "skipped")


def test_volume_is_compared_with_the_last_publication(run):
    volume = {one.name: (one.before, one.now) for one in changes_of(run(), {}).volume}
    assert volume["rows of feedback"] == ("1,100", "1,210 (+10.0%)")
    assert volume["accounts to score"] == ("50", "55 (+10.0%)")
    assert volume["rows that came late: older than the last run's as_of"] == ("-", "7")
    assert volume["rows a week: mean of 8 weeks, and the last"] == ("101", "90")


def test_rows_that_are_gone_are_not_called_late(run):
    volume = changes_of(run(examples=EXAMPLES | {"late_rows": -3}), {}).volume
    assert ("-", "3") in {(one.before, one.now) for one in volume if "removed" in one.name}


def test_drift_is_shown_by_how_far_it_is_beyond_its_limit(run):
    drift = changes_of(run(), {}).drift
    assert [(one.feature, one.now, one.base, one.distance, one.limit) for one in drift] == [
        ("event_topic", "score", "eval", 0.3, 0.2),
        ("tenure", "score", "train", 0.5, 0.6),
        ("region", "score", "train", 0.02, 0.1),
    ]


def test_settings_are_compared_with_the_champions(run):
    found = changes_of(run(baseline_model=OLD), {"seed": 2, "epochs": 16, "added": "x"})
    assert [(one.name, one.before, one.now) for one in found.settings] == [
        ("added", "-", "x"),
        ("gone", "[1]", "-"),
        ("seed", "1", "2"),
    ]
    assert found.champion_version == "old"
    assert found.since == EXAMPLES["previous_as_of"]


def test_data_facts_splits_and_checks(run):
    found = run()
    facts = {one.name: one.value for one in data_facts_of(found)}
    assert facts["rows of feedback"] == "1,210"
    assert facts["newest feedback"] == "2026-05-29 12:00 UTC, 2 days before as_of"
    assert facts["rows later than as_of, not read"] == "2"
    assert list(found.checks) == list(CHECKS)
    train, evaluation, score = splits_of(found)
    assert (train.first[:10], train.last[:10], train.cutoffs) == ("2026-01-01", "2026-01-15", 2)
    assert (evaluation.examples, evaluation.churned) == (60, 5)
    assert (score.examples, score.churned) == (55, None)


def test_lineage_settings_and_costs(run):
    found = run(blessed=True, costs=[NodeCost("Pusher", DONE, 0.5, 12.0)])
    facts = {one.name: one.value for one in lineage_of(found, "c0de")}
    assert facts["code version"] == "c0de"
    assert facts["packages"] == "tfx 1"
    assert facts["database snapshot"].startswith(f"as of {EXAMPLES['as_of']}: 1,210 rows")
    assert facts["Model"].endswith("/model")
    settings = settings_of({"b": [1, 2], "a": "text", "c": None})
    assert [(one.name, one.value) for one in settings] == [
        ("a", "text"),
        ("b", "[1, 2]"),
        ("c", "null"),
    ]
    assert [asdict(one) for one in components_of(found)] == [
        {"name": "Pusher", "seconds": 0.5, "peak_mib": 12.0, "outcome": "done"}
    ]


def test_the_card_says_what_this_label_means(run):
    by_dates = " ".join(sum((texts for _, texts in card_of(run())), ()))
    assert "a churn date within 60 days" in by_dates
    assert "60 of 1,210 rows of feedback name no account" in by_dates
    assert "7 rows came late" in by_dates
    assert "chosen by a hash" not in by_dates


def test_the_card_says_where_accounts_were_left_out(run):
    thinned = run(examples=EXAMPLES | {"train_available": 4_321})
    texts = " ".join(sum((texts for _, texts in card_of(thinned)), ()))
    assert "Those 100 are of accounts chosen by a hash" in texts
    assert texts.count("all accounts would give 4,321.") == 1


@pytest.mark.parametrize(
    ("silent_accounts", "became"),
    [("listed", "it is not scored."), ("scored", "it is scored, though this model has seen none")],
)
def test_the_card_says_who_is_silent_and_counted_by_no_figure(run, silent_accounts, became):
    limit = {"active_within_days": 90, "eval_silent": 1_034, "eval_silent_churned": 3}
    found = run(examples=EXAMPLES | limit | {"silent_accounts": silent_accounts})
    texts = " ".join(sum((texts for _, texts in card_of(found)), ()))
    assert "without feedback in the 90 days before a cutoff is silent, and no example" in texts
    assert became in texts
    assert "1,034 accounts were silent, and 3 of them had a churn date within 60 days" in texts


def test_the_card_warns_of_silence_as_a_label(run):
    limit = {"active_within_days": 90}
    silent = run(examples=EXAMPLES | limit | {"label_source": "inactivity", "late_rows": 0})
    texts = " ".join(sum((texts for _, texts in card_of(silent)), ()))
    assert "no feedback of the account for 60 days" in texts
    assert "silent for all of the 90 days" in texts
    assert "no churn date says" not in texts
    assert "came late" not in texts
