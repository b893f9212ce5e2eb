"""The gate on real artifacts: what it writes, and what makes it refuse."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components import ahead
from components.cold_start_config import RuleConfig
from components.errors import StateUnusable
from components.model_gate import begun_early, executor, measurement
from components.model_gate import evaluation_set as reading
from components.model_gate.band_worth import bands_to_judge
from components.model_gate.measurement import Measurement, baselines_of, by_rule
from components.model_gate.predictions import read_predictions
from components.model_trainer.trained_run import TrainedRun
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import BlessingProperties
from serving_model.evaluation.metrics import auc
from serving_model.served.predict import ModelScorer
from tests.components.judged_models import run_gate
from transforms.cold_start_rule import RULE_SIGNALS
from transforms.event_spec import LABEL

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="judged")]

BASELINES = ("recency", "cold_start_rule")
"""Whose first accounts are counted."""

Answers = tuple[np.ndarray, np.ndarray]
Decide = Callable[..., tuple[Any, dict[str, Any]]]


@pytest.fixture(scope="module")
def measured(blessed: SimpleNamespace, judged: SimpleNamespace) -> Measurement:
    """What the gate measured when it blessed the challenger, from what it left."""
    decision = blessed.decision
    card = ModelScorer(f"{judged.inputs['model'][0].uri}/Format-Serving").card
    return Measurement(
        read_predictions(blessed.blessing.uri),
        (decision["model_version"], decision["champion_version"]),
        decision["eval"]["cutoff"],
        60,
        decision["training"],
        tuple(bands_to_judge(card)),
    )


@pytest.fixture(scope="module")
def answers(judged: SimpleNamespace) -> dict[str, Answers]:
    """Accounts and probabilities of the evaluation split as each model gives them, alone."""
    serialized = reading.read_serialized(f"{judged.inputs['examples'][0].uri}/Split-eval")
    folders = {"challenger": "model", "champion": "baseline_model"}
    return {
        name: ModelScorer(f"{judged.inputs[model][0].uri}/Format-Serving").score(serialized)
        for name, model in folders.items()
    }


@pytest.fixture
def decide(judged: SimpleNamespace, tmp_path: Path) -> Decide:
    """Runs the whole gate; returns its blessing and decision.json."""

    def run(without: tuple[str, ...] = (), **limits: Any) -> tuple[Any, dict[str, Any]]:
        inputs = {name: found for name, found in judged.inputs.items() if name not in without}
        folder = tmp_path / f"blessing-{len(list(tmp_path.iterdir()))}"
        blessing = run_gate(inputs, folder, **limits)
        text = (folder / "decision.json").read_text(encoding="utf-8")
        return blessing, json.loads(text, parse_constant=pytest.fail)

    return run


@pytest.fixture
def decide_again(decide: Decide, measured: Measurement, monkeypatch: pytest.MonkeyPatch) -> Decide:
    """The same with other limits on what was measured already."""
    monkeypatch.setattr(executor, "measure", lambda *_: measured)
    return decide


def failed(decision: dict[str, Any]) -> set[str]:
    return {check["name"] for check in decision["checks"] if check["verdict"] == "failed"}


def test_a_blessed_challenger_runs_in_shadow_where_the_setting_says_so_and_there_is_a_champion(
    decide_again: Decide,
) -> None:
    blessing, _ = decide_again(after_blessing="shadow")
    assert BlessingProperties.read(blessing).shadow is True
    first, _ = decide_again(("baseline_model",), after_blessing="shadow")
    assert BlessingProperties.read(first).shadow is None
    at_once, _ = decide_again()
    assert BlessingProperties.read(at_once).shadow is None
    refused, _ = decide_again(after_blessing="shadow", min_auc=0.99)
    assert BlessingProperties.read(refused).shadow is None


def test_a_sound_challenger_is_blessed(blessed: SimpleNamespace, judged: SimpleNamespace) -> None:
    blessing, decision = blessed.blessing, blessed.decision
    assert decision["blessed"] is True, decision["summary"]
    assert sorted(path.name for path in Path(blessing.uri).iterdir()) == [
        "BLESSED",
        "decision.json",
        "predictions.parquet",
    ]
    said = BlessingProperties.read(blessing)
    assert (said.blessed, said.current_model_id, said.baseline_model_id) == (True, 11, 12)
    assert said.current_model == judged.inputs["model"][0].uri
    assert said.model_version == decision["model_version"] == "20260601-challenger"
    assert decision["champion_version"] == "20260601-champion"
    assert said.summary == decision["summary"]
    assert said.horizons_judged == "15,30,60"
    assert said.auc == pytest.approx(decision["metrics"]["challenger"]["auc"])


def test_metrics_are_those_of_the_models_own_answers(
    blessed: SimpleNamespace, judged: SimpleNamespace, answers: dict[str, Answers]
) -> None:
    decision = blessed.decision
    serialized = reading.read_serialized(f"{judged.inputs['examples'][0].uri}/Split-eval")
    spec = {LABEL: tf.io.FixedLenFeature([], tf.int64)}
    labels = tf.io.parse_example(serialized, spec)[LABEL].numpy()
    for name, (_, found) in answers.items():
        assert decision["metrics"][name]["auc"] == pytest.approx(auc(labels, found))
        assert decision["metrics"][name]["mean_predicted"] == pytest.approx(found.mean())
    assert decision["eval"] == {
        "cutoff": "2026-04-02T00:00:00+00:00",
        "accounts": len(labels),
        "churned": labels.sum(),
    }
    train = ExamplesProperties.read(judged.inputs["examples"][0]).splits["train"]
    rate = train.churned / train.examples
    assert decision["metrics"]["constant"]["mean_predicted"] == pytest.approx(rate)
    assert decision["metrics"]["constant"]["auc"] == 0.5
    assert sum(row["accounts"] for row in decision["calibration"]) == len(labels)
    assert decision["training"]["examples"] == train.examples


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"min_auc": 0.99}, "auc"),
        ({"max_worsening": {"auc": -0.4}}, "auc against the logistic_regression"),
        ({"max_worsening": {"auc": -0.4}}, "auc against the cold_start_rule"),
        ({"max_worsening": {"auc": -0.4}}, "auc against the champion"),
        ({"max_worsening": {"pr_auc": -0.9}}, "pr_auc against the champion"),
        ({"max_worsening": {"log_loss": -0.5}}, "log_loss against the logistic_regression"),
    ],
)
def test_a_bar_that_is_missed_refuses_and_says_so(
    decide_again: Decide, limits: dict[str, Any], name: str
) -> None:
    blessing, decision = decide_again(**limits)
    assert name in failed(decision)
    assert decision["blessed"] is False
    assert sorted(path.name for path in Path(blessing.uri).iterdir()) == [
        "NOT_BLESSED",
        "decision.json",
        "predictions.parquet",
    ]
    assert not BlessingProperties.read(blessing).blessed
    accounts, churned = decision["eval"]["accounts"], decision["eval"]["churned"]
    assert f"on {accounts} accounts ({churned} churned)" in decision["summary"]
    assert "missed by" in decision["summary"]


def test_without_a_champion_its_bars_are_skipped_and_that_is_said(decide: Decide) -> None:
    blessing, decision = decide(without=("baseline_model",))
    assert decision["champion_version"] is None
    assert "champion" not in decision["metrics"]
    skipped = [check for check in decision["checks"] if check["verdict"] == "skipped"]
    assert "there is no champion" in " ".join(check["message"] for check in skipped)
    assert BlessingProperties.read(blessing).baseline_model_id is None


def test_slices_with_too_little_are_named(decide_again: Decide) -> None:
    _, decision = decide_again(min_slice_churned=10_000)
    assert all("10000" in one["skipped"] for one in decision["slices"])
    names = {one["slice"] for one in decision["slices"]}
    assert {"customer_tier free", "region EU", "state new"} <= names
    assert {check["slice"] for check in decision["checks"] if check["verdict"] != "skipped"} == {
        "overall",
        "top decile",
    }
    assert [one["days"] for one in decision["horizons"] if not one["not_judged"]] == [60]
    assert "churned and" in decision["horizons"][0]["not_judged"]
    assert "at least 10000 and" in decision["horizons"][0]["not_judged"]


def test_every_horizon_is_judged_or_says_why_not(
    blessed: SimpleNamespace, judged: SimpleNamespace
) -> None:
    kept = read_predictions(blessed.blessing.uri)
    scorer = ModelScorer(f"{judged.inputs['model'][0].uri}/Format-Serving")
    assert tuple(kept.horizons) == scorer.horizons
    np.testing.assert_allclose(kept.horizons[60], kept.models["challenger"], atol=1e-6)
    assert kept.seen.lost(60).tolist() == kept.labels.tolist()
    found = {one["days"]: one for one in blessed.decision["horizons"]}
    assert list(found) == list(scorer.horizons)
    assert found[60]["auc"] == blessed.decision["metrics"]["challenger"]["auc"]
    for days, one in found.items():
        assert one["not_judged"] == ""
        assert one["churned"] == kept.seen.lost(days).sum()
        assert one["mean_observed"] == pytest.approx(kept.seen.lost(days).mean())
    named = {(one["slice"], one["name"]): one["verdict"] for one in blessed.decision["checks"]}
    assert named["within 30 days", "calibration ratio"] == "passed"
    assert named["overall", "horizons in order"] == "passed"


def test_the_first_accounts_are_counted_beside_two_baselines_and_the_champion(
    blessed: SimpleNamespace,
) -> None:
    kept, decision = read_predictions(blessed.blessing.uri), blessed.decision
    found = {(one["model"], one["first"]): one for one in decision["first_accounts"]}
    assert {model for model, _ in found} == {"challenger", "champion", *BASELINES}
    order = np.argsort(-kept.models["challenger"], kind="stable")
    for first in (50, 100, 200):
        churned = kept.labels[order][:first].sum()
        assert found["challenger", first]["churned"] == pytest.approx(churned)
        assert found["challenger", first]["precision"] == pytest.approx(churned / first)
        assert found["challenger", first]["recall"] == pytest.approx(churned / kept.labels.sum())
    assert {one["other"] for one in decision["first_differences"]} == {"champion", *BASELINES}


def test_the_cold_start_rule_is_a_baseline_with_the_weights_that_are_set(
    blessed: SimpleNamespace, judged: SimpleNamespace
) -> None:
    kept, decision = read_predictions(blessed.blessing.uri), blessed.decision
    rate = decision["training"]["base_rate"]
    found = kept.models["cold_start_rule"]
    assert found.mean() == pytest.approx(rate, abs=1e-8)
    assert decision["metrics"]["cold_start_rule"]["auc"] == pytest.approx(auc(kept.labels, found))
    (examples,), (graph,) = judged.inputs["examples"], judged.inputs["transform_graph"]
    transform = tft.TFTransformOutput(graph.uri)
    read = reading.read_eval(f"{examples.uri}/Split-eval", transform, 180)
    np.testing.assert_allclose(by_rule(read.serialized, RuleConfig(), rate), found, atol=1e-12)
    silence = RuleConfig(rule_weights=dict.fromkeys(RULE_SIGNALS, 0.0) | {"silence": 1.0})
    by_silence = by_rule(read.serialized, silence, rate)
    order = np.argsort(read.silence_days, kind="stable")
    assert (np.diff(by_silence[order]) >= 0).all()
    assert np.ptp(by_silence) > 0


def test_a_gate_that_fails_blesses_nothing(
    decide: Decide, judged: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(judged.inputs["model"][0], "uri", str(tmp_path / "nowhere"))
    with pytest.raises(StateUnusable, match="nowhere"):
        decide()
    assert not list(tmp_path.rglob("BLESSED"))


def test_above_a_size_the_baselines_learn_from_a_share_and_it_is_said(
    judged: SimpleNamespace, blessed: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (examples,), (graph,) = judged.inputs["examples"], judged.inputs["transform_graph"]
    data, whole = ExamplesProperties.read(examples), blessed.decision
    monkeypatch.setattr(reading, "MOST_TRAINING_EXAMPLES", whole["training"]["examples"] // 2)
    transform = tft.TFTransformOutput(graph.uri)
    baselines, training, pace = baselines_of(examples, data, transform)
    assert whole["training"]["share_of_accounts"] == 1
    assert training["share_of_accounts"] == pytest.approx(0.5, abs=1e-3)
    assert pace.windows == ()
    assert training["examples"] / whole["training"]["examples"] == pytest.approx(0.5, abs=0.1)
    evaluation_set = reading.read_eval(f"{examples.uri}/Split-eval", transform, data.lookback_days)
    found = baselines.probabilities(evaluation_set.features, evaluation_set.silence_days)
    both = [
        whole["metrics"]["logistic_regression"]["auc"],
        auc(evaluation_set.labels, found["logistic_regression"]),
    ]
    assert np.diff(both) == pytest.approx(0, abs=0.1)


def test_the_same_inputs_give_the_same_decision_with_baselines_begun_early(
    decide: Decide,
    judged: SimpleNamespace,
    blessed: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (examples,), (graph,) = judged.inputs["examples"], judged.inputs["transform_graph"]
    read, threads = measurement.read_training, []

    def noted(*arguments: Any) -> Any:
        threads.append(threading.current_thread().name)
        return read(*arguments)

    monkeypatch.setattr(measurement, "read_training", noted)
    monkeypatch.setattr(reading, "_kept_sets", {})
    with ahead.followed_by([begun_early.begun_early]):
        ahead.begin("what another node made")
        ahead.begin(TrainedRun(examples, graph.uri))
        assert decide()[1] == blessed.decision
    assert threads == ["ahead"]


def test_baselines_of_a_large_run_wait_for_their_turn(
    judged: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (examples,), (graph,) = judged.inputs["examples"], judged.inputs["transform_graph"]
    trained = TrainedRun(examples, graph.uri)
    assert len(list(begun_early.begun_early(trained))) == 1
    monkeypatch.setattr(begun_early, "MOST_EXAMPLES", 100)
    assert list(begun_early.begun_early(trained)) == []


def test_a_small_evaluation_set_is_read_once_for_all_nodes(
    judged: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (examples,), (graph,) = judged.inputs["examples"], judged.inputs["transform_graph"]
    split, transform = f"{examples.uri}/Split-eval", tft.TFTransformOutput(graph.uri)
    first = reading.read_eval(split, transform, 180)
    assert reading.read_eval(split, tft.TFTransformOutput(graph.uri), 180) is first
    monkeypatch.setattr(reading, "MOST_KEPT_EXAMPLES", len(first.labels) - 1)
    other = reading.read_eval(split, transform, 30)
    assert (other.traits.state != first.traits.state).any()
    assert reading._kept_sets == {}


def test_what_was_measured_gives_the_same_decision(
    decide_again: Decide, blessed: SimpleNamespace
) -> None:
    assert decide_again()[1] == blessed.decision


def test_what_was_judged_is_kept_by_account(
    blessed: SimpleNamespace, judged: SimpleNamespace, answers: dict[str, Answers]
) -> None:
    kept = read_predictions(blessed.blessing.uri)
    serialized = reading.read_serialized(f"{judged.inputs['examples'][0].uri}/Split-eval")
    labels = reading.read_labels(serialized)
    for name, (accounts, found) in answers.items():
        order = np.argsort(accounts)
        assert kept.accounts.tolist() == accounts[order].tolist()
        np.testing.assert_allclose(kept.models[name], found[order], atol=1e-6)
        assert kept.labels.tolist() == labels[order].tolist()
    assert list(kept.models) == list(blessed.decision["metrics"])
    assert (kept.models["constant"] == kept.models["constant"][0]).all()
    assert {len(trait) for trait in kept.traits} == {len(labels)}
