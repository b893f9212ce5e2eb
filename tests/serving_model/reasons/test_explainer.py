"""The reasons of models that were trained, exported and loaded again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from scipy.special import logit

from serving_model.learning.calibration import Blend
from serving_model.learning.churn_model import churn_model
from serving_model.learning.fitting import FitSettings, fit_network
from serving_model.learning.labelled_examples import LabelledExamples, load_examples
from serving_model.learning.linear_hazards import fit_linear
from serving_model.learning.network import NetworkShape
from serving_model.learning.person_periods import person_periods
from serving_model.reasons.explainer import Explainer
from serving_model.served.interface import BASE_LOG_ODDS, CONTRIBUTIONS, TRANSFORM
from serving_model.served.predict import Explanation, ModelScorer
from transforms import columns
from transforms import event_spec as spec
from transforms.account_features import FEATURES, feature_names
from transforms.reason_groups import feature_groups, group_names


def busy(events: int, word: str, tone: str) -> dict[str, Any]:
    return {
        spec.ACCOUNT_ID: f"busy {events} {word} {tone}",
        spec.CUSTOMER_TIER: word,
        spec.REGION: word,
        spec.CUTOFF: 0,
        spec.TENURE_DAYS: 3000.0,
        spec.DAYS_SINCE_LAST_EVENT: 0.1 if events else 2900.0,
        "lifetime_count": float(10 * events),
        "lifetime_negative_count": float(events),
        "lifetime_neutral_count": 0.0,
        "lifetime_positive_count": float(9 * events),
        **dict.fromkeys(spec.LIFE_FLOATS, float(events)),
        spec.LIFE_SOURCE: np.array([word][:events], np.str_),
        spec.LIFE_SOURCE_COUNT: np.array([9.0 * events][:events]),
        spec.DAYS_SINCE_SOURCE: np.array([0.1][:events]),
        spec.EVENT_AGE_DAYS: np.linspace(179, 0.1, events),
        columns.PRIORITY.feature: np.full(events, 5, np.int64),
        **{
            one.feature: np.array([word] * events, np.str_)
            for one in columns.CATEGORIES
            if not one.of_account
        },
        columns.SENTIMENT.feature: np.array([tone] * events, np.str_),
    }


def extremes(tools: SimpleNamespace) -> list[bytes]:
    """No event, one, five hundred; words that training never saw; nothing at all."""
    raw = [
        busy(events, word, tone)
        for events in (0, 1, 500)
        for word in ("never seen", "billing", "")
        for tone in columns.SENTIMENTS
    ]
    nobody = busy(0, "", "") | dict.fromkeys((*spec.SCALAR_FLOATS, *spec.LIFE_FLOATS), 0.0)
    return [tools.example(one) for one in [*raw, nobody]]


def gaps(found: Explanation) -> np.ndarray:
    odds = np.log(found.probabilities) - np.log1p(-found.probabilities)
    return np.abs(found.base_log_odds + found.contributions.sum(axis=1) - odds)


class Snapshots(NamedTuple):
    learnt: LabelledExamples
    raw: dict[str, Any]
    features: tf.Tensor


@pytest.fixture(scope="module")
def explanation(world: SimpleNamespace, scorer: ModelScorer, tools: SimpleNamespace) -> Explanation:
    return scorer.explain(world.scored[:300] + extremes(tools))


def test_the_contributions_add_up(explanation: Explanation) -> None:
    assert gaps(explanation).max() < 1e-3
    assert np.ptp(explanation.contributions, axis=0).max() > 0.1
    assert explanation.groups == group_names()


@pytest.fixture(scope="module")
def snapshots(world: SimpleNamespace, tools: SimpleNamespace) -> Snapshots:
    """What the world's model learnt from, and extreme accounts: parsed, and as features."""
    serialized = tf.constant(world.scored[:300] + extremes(tools))
    transform = tf.saved_model.load(str(world.model)).signatures[TRANSFORM]
    return Snapshots(
        load_examples([world.pattern], tft.TFTransformOutput(world.graph)),
        tf.io.parse_example(serialized, spec.raw_feature_spec(with_label=False)),
        transform(examples=serialized)[FEATURES],
    )


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "hidden"), [(1, (16,)), (2, (32, 16)), (3, (64,))])
def test_they_add_up_whatever_the_seed_and_the_network(
    snapshots: Snapshots, seed: int, hidden: tuple[int, ...]
) -> None:
    """Of models that are fitted here and not exported."""
    learnt, periods = snapshots.learnt, person_periods(snapshots.learnt, (30, 60))
    shape = NetworkShape(hidden, l2=0.002, dropout=0.2, members=2)
    network = fit_network(learnt.features, periods, FitSettings(shape, seed, 256, 0.01, 4))
    linear = fit_linear(learnt.features, periods, [0.01])
    model = churn_model(learnt.features.shape[1], linear, network, Blend(0.5, 0.5))
    answer = model(snapshots.features, training=False)[:, 1:]
    explainer = Explainer(model, learnt.features, column=1)
    found = explainer.reasons(snapshots.raw, snapshots.features, answer)
    odds = logit(answer[:, 0].numpy().astype(np.float64))
    parts = found[CONTRIBUTIONS].numpy().sum(axis=1, dtype=np.float64)
    assert np.abs(found[BASE_LOG_ODDS].numpy()[:, 0] + parts - odds).max() < 1e-3
    assert np.ptp(found[CONTRIBUTIONS].numpy(), axis=0).max() > 0.1


@pytest.mark.slow
def test_they_add_up_without_a_network(
    world: SimpleNamespace, tools: SimpleNamespace, tmp_path: Path
) -> None:
    path = tools.train(world.pattern, world.graph, tmp_path / "model", hidden_units=[])
    assert gaps(ModelScorer(path).explain(world.scored[:300] + extremes(tools))).max() < 1e-3


def test_they_start_at_the_mean_answer_of_the_training_examples(
    world: SimpleNamespace, scorer: ModelScorer, explanation: Explanation, tools: SimpleNamespace
) -> None:
    mean = scorer.score([tools.without_label(one) for one in world.examples])[1].mean()
    assert np.ptp(explanation.base_log_odds) == 0
    assert 1 / (1 + np.exp(-explanation.base_log_odds[0])) == pytest.approx(mean, rel=1e-4)


def test_the_reasons_do_not_depend_on_the_batch(
    world: SimpleNamespace, scorer: ModelScorer, explanation: Explanation
) -> None:
    alone = [scorer.explain([one]) for one in world.scored[:20]]
    found = np.concatenate([one.contributions for one in alone])
    np.testing.assert_allclose(found, explanation.contributions[:20], atol=1e-4)
    facts = np.concatenate([one.facts for one in alone])
    np.testing.assert_allclose(facts, explanation.facts[:20], rtol=1e-5)
    words = np.concatenate([one.fact_words for one in alone])
    assert words.tolist() == explanation.fact_words[:20].tolist()


def test_the_planted_reason_is_found(world: SimpleNamespace, scorer: ModelScorer) -> None:
    found = scorer.explain(world.scored)
    negative = found.contributions[:, found.groups.index("negative_feedback")]
    share = found.facts[:, found.fact_names.index("lifetime_negative")] / np.maximum(
        found.facts[:, found.fact_names.index("lifetime_count")], 1
    )
    assert np.corrcoef(negative, share)[0, 1] > 0.6
    size = np.abs(found.contributions).mean(axis=0)
    assert found.groups[int(size.argmax())] == "negative_feedback"


def test_a_group_is_the_sum_of_its_columns_of_the_horizon_asked_for(
    world: SimpleNamespace,
) -> None:
    """Of a linear model, built here: every column's share is known beforehand."""
    random = np.random.default_rng(0)
    features = random.normal(size=(50, len(feature_names()))).astype(np.float32)
    weights = random.normal(size=(len(feature_names()), 2)).astype(np.float32) / 20
    inputs = keras.Input([len(feature_names())])
    model = keras.Model(inputs, keras.layers.Dense(2, activation="sigmoid")(inputs))
    model.set_weights([weights, np.float32([-2.0, -1.0])])
    explainer = Explainer(model, features, column=1)
    raw = tf.io.parse_example(world.scored[:50], spec.raw_feature_spec(with_label=False))
    answer = model(features)[:, 1:]
    found = explainer.reasons(raw, tf.constant(features), answer)[CONTRIBUTIONS].numpy()
    each = (features - explainer.base) * weights[:, 1]
    own = np.array(feature_groups())
    expected = [each[:, own == group].sum(axis=1) for group in group_names()]
    np.testing.assert_allclose(found, np.array(expected).T, atol=1e-4)
