"""Permutation importance and contributions by reason group."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, logit
from sklearn.metrics import log_loss, roc_auc_score

from components.model_gate.evaluation_set import EvaluationSet, read_labels, read_serialized
from components.model_gate.predictions import Seen
from components.model_gate.slice_checks import Traits
from components.model_review.sections.estimates import SectionMissing
from components.model_review.sections.importance import (
    SHUFFLES,
    contributions_of,
    importance_of,
    shuffle,
)
from serving_model.reasons.fact_sentences import GROUP_WORDS, group_words
from serving_model.served.interface import SCORE_FEATURES, SERVING
from serving_model.served.model_card import read_card, write_card
from serving_model.served.predict import ModelScorer
from transforms.account_features import FEATURES, feature_names
from transforms.reason_groups import feature_groups, group_names, group_of

pytestmark = pytest.mark.xdist_group(name="judged")

COLUMNS = len(feature_names())
SILENCE = np.array(feature_groups()) == "silence"


class SilenceAlone(tf.Module):
    """Reads the columns of silence and nothing else, negated where they were shuffled."""

    @tf.function(input_signature=[tf.TensorSpec([None, COLUMNS], tf.float32, name=FEATURES)])
    def score_features(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        total = tf.reduce_sum(features * SILENCE.astype(np.float32), axis=1, keepdims=True)
        return {"churn_probability": tf.sigmoid(total - 2)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        none = tf.zeros_like(examples)[:, None]
        return {
            "account_id": none,
            "churn_probability": tf.cast(tf.strings.length(none), tf.float32),
        }


@pytest.fixture(scope="module")
def silence_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, module = tmp_path_factory.mktemp("silence"), SilenceAlone()
    signatures = {SERVING: module.serve, SCORE_FEATURES: module.score_features}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    write_card(str(folder), {"model_version": "silence-alone"})
    return folder


@pytest.fixture(scope="module")
def loaded(complete: SimpleNamespace) -> Any:
    """The challenger as TensorFlow loads it."""
    return tf.saved_model.load(complete.model)


def examples(accounts: int, seed: int = 1) -> EvaluationSet:
    """Random features; who is silent leaves."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(accounts, COLUMNS)).astype(np.float32)
    chance = expit(features[:, SILENCE].sum(axis=1) - 2)
    labels = (random.random(accounts) < chance).astype(np.float64)
    text, days = np.full(accounts, "x"), np.zeros(accounts)
    seen = Seen(np.full(len(labels), -1.0), np.full(len(labels), 60.0))
    return EvaluationSet([], text, labels, features, days, Traits(text, text, text), seen)


def test_a_group_that_the_model_does_not_read_loses_exactly_nothing(silence_alone: Path) -> None:
    found = importance_of(ModelScorer(silence_alone), examples(500))
    first, *others = found
    assert first.group == "silence"
    assert first.auc_lost.value > 0.2
    assert first.log_loss_added.value > 0.1
    assert {one.group for one in others} == set(group_names()) - {"silence"}
    for one in others:
        assert (one.auc_lost.value, one.auc_lost.interval) == (0, (0, 0))
        assert (one.log_loss_added.value, one.log_loss_added.interval) == (0, (0, 0))
    assert sum(one.features for one in found) == COLUMNS
    assert first.features == SILENCE.sum()
    assert {one.accounts for one in found} == {500}


def test_of_a_large_snapshot_a_sample_is_shuffled(silence_alone: Path) -> None:
    scorer, large = ModelScorer(silence_alone), examples(4_000)
    sampled, all_ = importance_of(scorer, large, most=1_500)[0], importance_of(scorer, large)[0]
    assert (sampled.accounts, all_.accounts) == (1_500, 4_000)
    assert sampled.auc_lost.value == pytest.approx(all_.auc_lost.value, abs=0.05)
    assert importance_of(scorer, large, most=1_500)[0] == sampled


def test_what_cannot_be_asked_says_why(silence_alone: Path) -> None:
    scorer, few = ModelScorer(silence_alone), examples(50)
    with pytest.raises(SectionMissing, match=f"has 3 features, expected {COLUMNS}"):
        importance_of(scorer, few._replace(features=few.features[:, :3]))
    with pytest.raises(SectionMissing, match="0 of 50 accounts"):
        importance_of(scorer, few._replace(labels=np.zeros(50)))


@pytest.mark.slow
def test_of_the_challenger_it_is_what_shuffled_columns_cost(
    complete: SimpleNamespace, loaded: Any
) -> None:
    """By the signatures, by scikit-learn, and by columns found by name."""
    signatures = loaded.signatures
    serialized = read_serialized(f"{complete.inputs['examples'].uri}/Split-eval")
    labels = read_labels(serialized)
    features, order = _features(signatures, serialized)
    features, labels = features[order], labels[order]
    found = {one["group"]: one for one in complete.json["importance"]}
    assert found.keys() == set(group_names())

    def asked(rows: np.ndarray) -> tuple[float, float]:
        answer = signatures[SCORE_FEATURES](features=tf.constant(rows))["churn_probability"]
        probabilities = answer.numpy()[:, 0].astype(np.float64)
        return roc_auc_score(labels, probabilities), log_loss(labels, probabilities)

    area, loss = asked(features)
    for place, group in enumerate(group_names()):
        columns = [n for n, name in enumerate(feature_names()) if group_of(name) == group]
        assert found[group]["features"] == len(columns)
        lost, added = [], []
        for number in range(SHUFFLES):
            rows = features.copy()
            for column in columns:
                rows[:, column] = features[shuffle(len(labels), place, number), column]
            shuffled = asked(rows)
            lost.append(area - shuffled[0])
            added.append(shuffled[1] - loss)
        for values, name in ((lost, "auc_lost"), (added, "log_loss_added")):
            estimate = found[group][name]
            assert estimate["value"] == pytest.approx(sum(values) / SHUFFLES, abs=1e-6)
            assert estimate["interval"] == pytest.approx([min(values), max(values)], abs=1e-6)
    order_shown = [one["auc_lost"]["value"] for one in complete.json["importance"]]
    assert order_shown == sorted(order_shown, reverse=True)


def _features(signatures: Any, serialized: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Features, and the order of the accounts by id."""
    batch = tf.constant(serialized)
    accounts = signatures[SERVING](examples=batch)["account_id"].numpy()[:, 0]
    features = signatures["transform_features"](examples=batch)[FEATURES].numpy()
    return features, np.argsort(accounts.astype("S"), kind="stable")


def test_every_group_has_words_and_no_words_are_left_over() -> None:
    assert list(GROUP_WORDS) == list(group_names())
    assert len(set(GROUP_WORDS.values())) == len(GROUP_WORDS)


def test_a_shuffle_is_fixed_and_no_two_are_alike() -> None:
    first = shuffle(100, 0, 0)
    assert sorted(first) == list(range(100))
    assert (first == shuffle(100, 0, 0)).all()
    others = [shuffle(100, 0, 1), shuffle(100, 1, 0)]
    assert not any((first == one).all() for one in others)


@pytest.mark.slow
def test_contributions_are_means_of_what_adds_up_to_each_score(
    complete: SimpleNamespace, loaded: Any
) -> None:
    serialized = read_serialized(f"{complete.inputs['examples'].uri}/Split-score")
    answer = {
        name: value.numpy().astype(np.float64)
        for name, value in loaded.signatures["explain"](examples=tf.constant(serialized)).items()
        if value.dtype == tf.float32
    }
    parts = answer["contributions"]
    total = logit(answer["churn_probability"]) - answer["base_log_odds"]
    np.testing.assert_allclose(parts.sum(axis=1), total[:, 0], atol=1e-4)
    groups = read_card(complete.model)["reason_groups"].split(",")
    found = {one["group"]: one for one in complete.json["contributions"]}
    assert found.keys() == set(groups)
    for column, group in zip(parts.T, groups, strict=True):
        one = found[group]
        assert one["mean_absolute"] == pytest.approx(np.abs(column).mean(), abs=1e-5)
        assert one["mean"] == pytest.approx(column.mean(), abs=1e-5)
        assert one["raises"] == pytest.approx((column > 0).mean(), abs=5e-3)
        assert one["accounts"] == len(serialized)
        assert one["words"] == group_words(group)
    # What groups add on the whole is the mean of what they add up to.
    assert sum(one["mean"] for one in found.values()) == pytest.approx(total.mean(), abs=1e-4)
    shown = [one["mean_absolute"] for one in complete.json["contributions"]]
    assert shown == sorted(shown, reverse=True)


@pytest.mark.slow
def test_one_account_is_enough(complete: SimpleNamespace, challenger: ModelScorer) -> None:
    one = read_serialized(f"{complete.inputs['examples'].uri}/Split-score")[:1]
    explained = challenger.explain(one)
    by_group = dict(zip(explained.groups, explained.contributions[0], strict=True))
    for found in contributions_of(challenger, one):
        assert found.mean == pytest.approx(by_group[found.group])
        assert found.mean_absolute == pytest.approx(abs(by_group[found.group]))
        assert found.raises == (by_group[found.group] > 0)
