"""Trees in TensorFlow against scikit-learn's own answers, and their place in the model."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier

from serving_model.learning import trees as module
from serving_model.learning.calibration import Blend, churned_within
from serving_model.learning.churn_model import churn_model
from serving_model.learning.linear_hazards import LinearHazards
from serving_model.learning.person_periods import PersonPeriods
from serving_model.learning.trees import fit_trees, log_odds_by_count, log_odds_of, tree_log_odds
from serving_model.reasons.path_sums import PathSums

COLUMNS = 6
UNREAD = 5
"""This column is the same for all who are learnt from."""


def drawn(rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Values on a grid, so that many lie on thresholds, and labels that three columns decide."""
    random = np.random.default_rng(seed)
    features = random.integers(-4, 5, [rows, COLUMNS]).astype(np.float32) / np.float32(3)
    features[:, UNREAD] = 0
    apart = (features[:, 0] > 0) != (features[:, 1] > 0.4)
    chance = 1 / (1 + np.exp(2 - 2.5 * apart - features[:, 2]))
    return features, (random.random(rows) < chance).astype(np.float32)


def periods_of(labels: np.ndarray, count: int = 1) -> PersonPeriods:
    churned = np.repeat(labels[:, None], count, axis=1).astype(np.float32)
    return PersonPeriods(np.ones(churned.shape, np.bool_), churned)


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, np.ndarray, module.Trees]:
    features, labels = drawn(3000)
    return features, labels, fit_trees(features, labels, periods_of(labels, 2), seed=5)


def test_they_answer_as_scikit_learn_does(world: tuple) -> None:
    features, labels, trees = world
    model = HistGradientBoostingClassifier(
        learning_rate=module.LEARNING_RATE,
        max_iter=module.TREES,
        max_leaf_nodes=module.LEAVES,
        min_samples_leaf=module.LEAF_EXAMPLES,
        l2_regularization=module.LEAF_L2,
        max_features=module.COLUMN_SHARE,
        max_bins=module.BINS,
        early_stopping=False,
        random_state=5,
    ).fit(features, labels > 0)
    asked, _ = drawn(500, seed=2)
    theirs = [logit(one[:, 1]) for one in model.staged_predict_proba(asked)]
    by_count = log_odds_by_count(trees, asked)
    assert list(by_count) == list(range(5, module.TREES + 1, 5))
    rate = labels.mean()
    for count, ours in by_count.items():
        moved = theirs[count - 1] - logit(rate)
        np.testing.assert_allclose(ours - trees.start, np.stack([moved] * 2, 1), atol=1e-5)
        np.testing.assert_allclose(log_odds_of(trees.first(count), asked), ours, atol=1e-6)
    served = tree_log_odds(trees, tf.constant(asked)).numpy()
    np.testing.assert_allclose(served, by_count[module.TREES], atol=1e-5)


def test_the_same_examples_and_seed_give_the_same_trees(world: tuple) -> None:
    features, labels, trees = world
    again = fit_trees(features, labels, periods_of(labels, 2), seed=5)
    assert all(np.array_equal(one, other) for one, other in zip(trees, again, strict=True))


def test_they_see_what_no_sum_of_columns_shows(world: tuple) -> None:
    _, _, trees = world
    asked = np.zeros([4, COLUMNS], np.float32)
    asked[:, :2] = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    same, apart, also_apart, also_same = log_odds_of(trees, asked)[:, 0]
    assert min(apart, also_apart) > max(same, also_same) + 1


@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_of_one_outcome_nothing_is_learnt(kind: float) -> None:
    features, _ = drawn(100)
    labels = np.full(100, kind, np.float32)
    trees = fit_trees(features, labels, periods_of(labels), seed=1)
    assert np.array_equal(log_odds_of(trees, features), np.tile(trees.start, (100, 1)))


def test_few_examples_are_no_reason_to_fail() -> None:
    features, labels = drawn(30)
    trees = fit_trees(features, labels, periods_of(labels), seed=1)
    assert np.isfinite(log_odds_of(trees, features)).all()


def test_many_examples_are_thinned(monkeypatch: pytest.MonkeyPatch, world: tuple) -> None:
    features, labels, _ = world
    monkeypatch.setattr(module, "MOST_EXAMPLES", 1000)
    thinned = fit_trees(features, labels, periods_of(labels), seed=5)
    some = fit_trees(features[::3], labels[::3], periods_of(labels), seed=5)
    assert np.array_equal(thinned.value, some.value)


def test_the_model_adds_them_by_their_weight_and_its_reasons_add_up(world: tuple) -> None:
    features, _, trees = world
    weights = np.linspace(-0.5, 0.5, 2 * COLUMNS, dtype=np.float32).reshape(COLUMNS, 2)
    weights[UNREAD] = 0
    linear = LinearHazards(weights, np.array([-2.0, -1.0], np.float32))
    blend = Blend(0.6, 0.0, -0.1, trees=0.4)
    model = churn_model(COLUMNS, linear, None, blend, trees)
    asked = features[:200].copy()
    asked[:, UNREAD] = np.linspace(-1, 1, len(asked))
    expected = churned_within(
        blend.log_odds(linear.log_odds(asked), None, log_odds_of(trees, asked))
    )
    served = model(asked, training=False).numpy()
    np.testing.assert_allclose(served, expected, atol=1e-5)
    base = features.mean(axis=0)
    groups = np.eye(COLUMNS, dtype=np.float32)
    path = PathSums(model.opened, base, 1, groups)
    odds = logit(model(np.concatenate([base[None], asked]), training=False).numpy()[:, 1])
    found = path.found(tf.constant(asked)).numpy()
    change = odds[1:] - odds[0]
    # Of two periods the line bends: what four pieces miss of it is little.
    np.testing.assert_allclose(found.sum(axis=1), change, atol=0.03)
    assert not found[:, UNREAD].any()
    assert found[:, [0, 1, 2, 3, 4]].any(axis=0).all()
