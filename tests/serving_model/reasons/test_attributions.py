"""Integrated gradients: they add up, and agree with exact Shapley values where those agree."""

import math
from collections.abc import Callable
from itertools import combinations

import keras
import numpy as np
import pytest
import tensorflow as tf

from serving_model.learning.calibration import Blend
from serving_model.learning.churn_model import churn_model
from serving_model.learning.linear_hazards import LinearHazards
from serving_model.learning.network import NetworkShape, start_network
from serving_model.learning.piecewise_linear import find_bins
from serving_model.reasons.attributions import contributions, gauss_legendre, log_odds
from serving_model.reasons.factors import LARGEST_PROBABILITY, SMALLEST_PROBABILITY

COLUMNS = 6
RANDOM = np.random.default_rng(0)
ACCOUNTS = RANDOM.normal(size=(40, COLUMNS)).astype(np.float32)
BASE = RANDOM.normal(size=COLUMNS).astype(np.float32)
WEIGHTS = RANDOM.normal(size=COLUMNS).astype(np.float32)

Probability = Callable[[tf.Tensor], tf.Tensor]


def explained(probability: Probability, accounts: np.ndarray, base: np.ndarray) -> np.ndarray:
    change = log_odds(probability(tf.constant(accounts)))
    change -= log_odds(probability(tf.constant(base[None])))
    return contributions(probability, tf.constant(accounts), tf.constant(base), change).numpy()


def linear(features: tf.Tensor) -> tf.Tensor:
    return tf.sigmoid(tf.linalg.matvec(features, WEIGHTS) - 1)


def pairs(features: tf.Tensor) -> tf.Tensor:
    odds = tf.linalg.matvec(features, WEIGHTS)
    odds += features[:, 0] * features[:, 1] - 0.5 * features[:, 2] * features[:, 4]
    return tf.sigmoid(odds)


def network(seed: int, scale: float = 1.0) -> Probability:
    """Bent, averaged and blended as the served model, its weights `scale` as large."""
    random = np.random.default_rng(seed)
    shape = NetworkShape((16, 8), 0.0, 0.0, 3)
    rows = random.normal(size=(500, COLUMNS)).astype(np.float32)
    bins = [find_bins(rows, count) for count in (10, 4)]
    part = start_network(bins, np.full(2, -2, np.float32), shape, seed)
    part = part._replace(weights=tuple(scale * weight for weight in part.weights))
    straight = 0.3 * scale * random.normal(size=(COLUMNS, 2)).astype(np.float32)
    linear = LinearHazards(straight, np.full(2, -1, np.float32))
    model = churn_model(COLUMNS, linear, part, Blend(0.6, 0.5, -0.2))
    return lambda features: model(features, training=False)[:, 1]


def odds_of(probability: Probability, accounts: np.ndarray) -> np.ndarray:
    values = probability(tf.constant(accounts)).numpy().astype(np.float64)
    values = np.clip(values, SMALLEST_PROBABILITY, LARGEST_PROBABILITY)
    return np.log(values) - np.log1p(-values)


def shapley(probability: Probability, account: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Shapley 1953, by every subset: what is not in it stands as in the base account."""
    players = len(account)
    subsets = [set(s) for size in range(players + 1) for s in combinations(range(players), size)]
    mixed = [[account[n] if n in one else base[n] for n in range(players)] for one in subsets]
    odds = odds_of(probability, np.array(mixed, np.float32))
    value = {frozenset(one): float(v) for one, v in zip(subsets, odds, strict=True)}
    found = np.zeros(players)
    for one in map(frozenset, subsets):
        for player in set(range(players)) - one:
            weight = math.factorial(len(one)) * math.factorial(players - len(one) - 1)
            found[player] += weight * (value[one | {player}] - value[one])
    return found / math.factorial(players)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_they_add_up_to_the_change_of_log_odds(seed: int, scale: float) -> None:
    model = network(seed, scale)
    far = np.concatenate([ACCOUNTS, 6 * np.sign(ACCOUNTS), BASE[None]])
    change = odds_of(model, far) - odds_of(model, BASE[None])
    np.testing.assert_allclose(explained(model, far, BASE).sum(axis=1), change, atol=1e-3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_little_is_missed_before_it_is_shared(seed: int) -> None:
    model = network(seed)
    change = odds_of(model, ACCOUNTS) - odds_of(model, BASE[None])
    free = contributions(
        model, tf.constant(ACCOUNTS), tf.constant(BASE), tf.constant(change, tf.float32), nodes=512
    ).numpy()
    np.testing.assert_allclose(explained(model, ACCOUNTS, BASE), free, atol=0.1)


def test_a_linear_model_gives_each_its_weight_times_its_distance() -> None:
    expected = WEIGHTS * (ACCOUNTS - BASE)
    np.testing.assert_allclose(explained(linear, ACCOUNTS, BASE), expected, atol=1e-5)


def test_a_feature_that_is_not_read_gets_nothing() -> None:
    model = network(4)

    def blind(features: tf.Tensor) -> tf.Tensor:
        return model(features * np.float32([1, 1, 0, 1, 1, 1]))

    assert (explained(blind, ACCOUNTS, BASE)[:, 2] == 0).all()


def test_features_that_do_the_same_get_the_same() -> None:
    model = network(5)

    def even(features: tf.Tensor) -> tf.Tensor:
        both = (features[:, :1] + features[:, 1:2]) / 2
        return model(tf.concat([both, both, features[:, 2:]], axis=1))

    accounts, base = ACCOUNTS.copy(), BASE.copy()
    accounts[:, 1], base[1] = accounts[:, 0], base[0]
    found = explained(even, accounts, base)
    np.testing.assert_allclose(found[:, 0], found[:, 1], atol=1e-5)
    assert np.abs(found[:, 0]).max() > 0.01


def test_the_base_account_has_no_reasons() -> None:
    assert (explained(network(6), np.stack([BASE] * 2), BASE) == 0).all()


def test_products_of_two_are_halved_as_shapley_values_halve_them() -> None:
    expected = [shapley(pairs, account, BASE) for account in ACCOUNTS]
    np.testing.assert_allclose(explained(pairs, ACCOUNTS, BASE), expected, atol=1e-4)


def test_shapley_values_of_a_network_are_near() -> None:
    model = network(7)
    expected = np.array([shapley(model, account, BASE) for account in ACCOUNTS])
    found = explained(model, ACCOUNTS, BASE)
    np.testing.assert_allclose(expected.sum(axis=1), found.sum(axis=1), atol=1e-3)
    assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.95


def test_the_nodes_integrate_polynomials_exactly() -> None:
    places, weights = gauss_legendre(16)
    assert weights.sum() == pytest.approx(1, abs=1e-6)
    assert weights @ places.astype(np.float64) ** 9 == pytest.approx(0.1, abs=1e-6)


def test_certainty_has_finite_log_odds() -> None:
    odds = log_odds(tf.constant([0.0, 1e-20, 0.5, 1.0])).numpy()
    assert np.isfinite(odds).all()
    assert (np.diff(odds) >= 0).all()


def test_a_probability_near_one_adds_up_too() -> None:
    inputs = keras.Input([COLUMNS])
    steep = keras.Model(inputs, keras.ops.sigmoid(keras.ops.sum(inputs, 1, keepdims=True)))

    def model(features: tf.Tensor) -> tf.Tensor:
        return steep(features)[:, 0]

    sure = np.full((1, COLUMNS), 2.0, np.float32)
    base = np.full(COLUMNS, -0.5, np.float32)
    change = odds_of(model, sure) - odds_of(model, base[None])
    np.testing.assert_allclose(explained(model, sure, base).sum(axis=1), change, atol=1e-3)
