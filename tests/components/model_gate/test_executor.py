"""The gate on real artifacts: what it writes, and what makes it refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components.model_gate import evaluation_set as reading
from components.model_gate.config import ModelGateConfig
from components.model_gate.executor import Executor
from components.model_gate.predictions import read_predictions
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import BlessingProperties
from serving_model.evaluation.metrics import auc
from serving_model.served.predict import ModelScorer
from tests.components.exec_properties import exec_properties
from transforms.event_spec import LABEL

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="judged")]

LIMITS = {
    "min_auc": 0.55,
    "max_worsening": {"auc": 0.2, "pr_auc": 0.2, "log_loss": 0.1},
    "max_calibration_error": 0.1,
    "max_calibration_gap": 0.1,
    "min_slice_churned": 10,
    "min_slice_stayed": 10,
}
Decide = Callable[..., tuple[Any, dict[str, Any]]]


@pytest.fixture
def decide(judged: SimpleNamespace, tmp_path: Path) -> Decide:
    """Runs the gate; returns its blessing and decision.json."""

    def run(without: tuple[str, ...] = (), **limits: Any) -> tuple[Any, dict[str, Any]]:
        inputs = {name: found for name, found in judged.inputs.items() if name not in without}
        blessing = standard_artifacts.ModelBlessing()
        blessing.uri = str(tmp_path / f"blessing-{len(list(tmp_path.iterdir()))}")
        Executor().Do(
            inputs, {"blessing": [blessing]}, exec_properties(ModelGateConfig(**LIMITS | limits))
        )
        text = (Path(blessing.uri) / "decision.json").read_text(encoding="utf-8")
        return blessing, json.loads(text, parse_constant=pytest.fail)

    return run


def failed(decision: dict[str, Any]) -> set[str]:
    return {check["name"] for check in decision["checks"] if check["verdict"] == "failed"}


def test_a_sound_challenger_is_blessed(decide: Decide, judged: SimpleNamespace) -> None:
    blessing, decision = decide()
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
    assert said.auc == pytest.approx(decision["metrics"]["challenger"]["auc"])


def test_metrics_are_those_of_the_models_own_answers(
    decide: Decide, judged: SimpleNamespace
) -> None:
    _, decision = decide()
    serialized = reading.read_serialized(f"{judged.inputs['examples'][0].uri}/Split-eval")
    spec = {LABEL: tf.io.FixedLenFeature([], tf.int64)}
    labels = tf.io.parse_example(serialized, spec)[LABEL].numpy()
    for name, model in (("challenger", "model"), ("champion", "baseline_model")):
        found = ModelScorer(f"{judged.inputs[model][0].uri}/Format-Serving").score(serialized)[1]
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
        ({"max_worsening": {"auc": -0.4}}, "auc against the champion"),
        ({"max_worsening": {"pr_auc": -0.9}}, "pr_auc against the champion"),
        ({"max_worsening": {"log_loss": -0.5}}, "log_loss against the logistic_regression"),
    ],
)
def test_a_bar_that_is_missed_refuses_and_says_so(
    decide: Decide, limits: dict[str, Any], name: str
) -> None:
    blessing, decision = decide(**limits)
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


def test_slices_with_too_little_are_named(decide: Decide) -> None:
    _, decision = decide(min_slice_churned=10_000)
    assert all("10000" in one["skipped"] for one in decision["slices"])
    names = {one["slice"] for one in decision["slices"]}
    assert {"customer_tier free", "region EU", "state new"} <= names
    assert {check["slice"] for check in decision["checks"] if check["verdict"] != "skipped"} == {
        "overall"
    }


def test_a_gate_that_fails_blesses_nothing(
    decide: Decide, judged: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(judged.inputs["model"][0], "uri", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="is not a churn model"):
        decide()
    assert not list(tmp_path.rglob("BLESSED"))


def test_above_a_size_the_baselines_learn_from_a_share_and_it_is_said(
    decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole = decide()
    monkeypatch.setattr(reading, "MOST_TRAINING_EXAMPLES", whole["training"]["examples"] // 2)
    _, half = decide()
    assert whole["training"]["share_of_accounts"] == 1
    assert half["training"]["share_of_accounts"] == pytest.approx(0.5, abs=1e-3)
    share = half["training"]["examples"] / whole["training"]["examples"]
    assert share == pytest.approx(0.5, abs=0.1)
    both = [one["metrics"]["logistic_regression"]["auc"] for one in (whole, half)]
    assert np.diff(both) == pytest.approx(0, abs=0.1)


def test_the_same_inputs_give_the_same_decision(decide: Decide) -> None:
    assert decide()[1] == decide()[1]


def test_what_was_judged_is_kept_by_account(decide: Decide, judged: SimpleNamespace) -> None:
    blessing, decision = decide()
    kept = read_predictions(blessing.uri)
    serialized = reading.read_serialized(f"{judged.inputs['examples'][0].uri}/Split-eval")
    labels = reading.read_labels(serialized)
    for name, model in (("challenger", "model"), ("champion", "baseline_model")):
        scorer = ModelScorer(f"{judged.inputs[model][0].uri}/Format-Serving")
        accounts, found = scorer.score(serialized)
        order = np.argsort(accounts)
        assert kept.accounts.tolist() == accounts[order].tolist()
        np.testing.assert_allclose(kept.models[name], found[order], atol=1e-6)
        assert kept.labels.tolist() == labels[order].tolist()
    assert list(kept.models) == list(decision["metrics"])
    assert (kept.models["constant"] == kept.models["constant"][0]).all()
    assert {len(trait) for trait in kept.traits} == {len(labels)}
