"""run_fn on examples with and without something to learn."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from serving_model.evaluation.metrics import auc, log_loss
from serving_model.learning.labelled_examples import load_examples
from serving_model.learning.learner import TrainerSettings
from serving_model.learning.trainer import LEARNER
from serving_model.served.interface import TRANSFORM
from serving_model.served.model_card import read_card
from serving_model.served.predict import ModelScorer
from transforms import event_spec as spec
from transforms.account_features import FEATURES
from transforms.reason_facts import fact_names, fact_word_names
from transforms.reason_groups import group_names


def relabelled(examples: list[bytes], labels: np.ndarray) -> list[bytes]:
    parsed = [tf.train.Example.FromString(one) for one in examples]
    for example, label in zip(parsed, labels, strict=True):
        example.features.feature[spec.LABEL].int64_list.value[:] = [int(label)]
        days = 15.0 if label else -1.0
        example.features.feature[spec.DAYS_TO_CHURN].float_list.value[:] = [days]
    return [example.SerializeToString() for example in parsed]


def test_a_planted_signal_is_learnt_and_calibrated(
    world: SimpleNamespace, scorer: ModelScorer
) -> None:
    probabilities = scorer.score(world.scored)[1]
    assert auc(world.labels, probabilities) > 0.72
    constant = np.full(len(world.labels), world.labels.mean())
    assert log_loss(world.labels, probabilities) < 0.95 * log_loss(world.labels, constant)
    base_rate = scorer.card["trained_base_rate"]
    assert probabilities.mean() == pytest.approx(base_rate, abs=0.02)


@pytest.mark.slow
def test_two_runs_agree_however_the_snapshots_lie_in_files(
    world: SimpleNamespace, scorer: ModelScorer, tools: SimpleNamespace, tmp_path: Path
) -> None:
    pattern = tools.write_split(tmp_path / "train", world.examples[::-1], shards=3)
    np.random.seed(99)  # a global state that must not matter
    again = tools.train(pattern, world.graph, tmp_path / "model")
    first = scorer.score(world.scored)[1]
    np.testing.assert_allclose(ModelScorer(again).score(world.scored)[1], first, atol=1e-6)


@pytest.mark.slow
def test_noise_teaches_nothing_but_the_base_rate(
    world: SimpleNamespace, tools: SimpleNamespace
) -> None:
    """What is learnt is not exported: that the exported model gives the same is tested above."""
    examples = load_examples([world.pattern], tft.TFTransformOutput(world.graph))
    labels = (np.random.default_rng(3).random(len(examples.labels)) < 0.25).astype(np.float32)
    noise = examples._replace(
        labels=labels, days_to_churn=np.where(labels > 0, np.float32(15), np.float32(-1))
    )
    fitted = LEARNER(noise, TrainerSettings.from_custom_config(tools.config))
    transform = tf.saved_model.load(str(world.model)).signatures[TRANSFORM]
    features = transform(examples=tf.constant(world.scored))[FEATURES]
    probabilities = fitted.served()(features, training=False)[:, fitted.horizons.target].numpy()
    assert 0.4 < auc(world.labels, probabilities) < 0.6
    assert probabilities.mean() == pytest.approx(0.25, abs=0.05)


def test_the_card_holds_what_was_handed_over_and_what_was_found(world: SimpleNamespace) -> None:
    card = read_card(str(world.model))
    assert card["model_version"] == "test-1"
    assert card["horizon_days"] == 30
    assert card["trained_examples"] == len(world.examples)
    assert 0.2 < float(card["trained_base_rate"]) < 0.3
    assert card["churn_horizons"] == "15,30,60"
    assert card["dropped_horizons"] == ""
    assert 0.2 < float(card["calibrated_base_rate"]) < 0.3
    assert json.loads(card["risk_bands"]) == {
        "mode": "probability",
        "base_rate": card["calibrated_base_rate"],
        "cuts": [0.25, 0.5, 0.75],
    }
    assert str(card["reason_groups"]).split(",") == list(group_names())
    assert str(card["reason_facts"]).split(",") == list(fact_names())
    assert str(card["reason_fact_words"]).split(",") == list(fact_word_names())


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_refused(
    world: SimpleNamespace, tools: SimpleNamespace, tmp_path: Path, label: int
) -> None:
    same = relabelled(world.examples[:40], np.full(40, label))
    pattern = tools.write_split(tmp_path / "train", same)
    with pytest.raises(ValueError, match=f"All 40 training examples have label {label}"):
        tools.train(pattern, world.graph, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_no_file_and_no_snapshot_are_refused(
    world: SimpleNamespace, tools: SimpleNamespace, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="No training files match"):
        tools.train(str(tmp_path / "none-*"), world.graph, tmp_path / "model")
    pattern = tools.write_split(tmp_path / "train", [])
    with pytest.raises(ValueError, match="hold no example"):
        tools.train(pattern, world.graph, tmp_path / "model")


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ValueError, match="lacks 'hidden_units'"):
        TrainerSettings.from_custom_config({"seed": 1})
