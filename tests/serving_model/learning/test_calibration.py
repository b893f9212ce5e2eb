"""How the parts are put together: the weights, how they are held back, and the intercept."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from serving_model.learning.calibration import (
    PRIOR_WEIGHTS,
    WEIGHT_DEVIATION,
    Blend,
    churned_within,
    fit_intercept,
    fit_weights,
)
from serving_model.served.model_card import read_card
from tests.property_tests import cases


def drawn(accounts: int, weights: tuple[float, float], shift: float) -> tuple:
    """Labels over two periods, and log-odds of two parts that ought to be weighed so."""
    random = np.random.default_rng(5)
    linear, network = (random.normal(-2, 1, (accounts, 2)) for _ in range(2))
    hazards = expit(weights[0] * linear + weights[1] * network + shift)
    labels = (random.random((accounts, 2)) < hazards).any(axis=1).astype(np.float64)
    return labels, linear, network


@pytest.mark.parametrize("weights", [(0.5, 0.5), (1.0, 0.0), (0.2, 0.6)])
def test_with_much_evidence_the_weights_are_those_of_the_truth(weights: tuple) -> None:
    found = fit_weights(*drawn(100_000, weights, shift=0.3))
    assert (found.linear, found.network) == pytest.approx(weights, abs=0.05)
    assert found.intercept == 0


def test_with_much_evidence_a_third_part_gets_its_share_too() -> None:
    labels, linear, trees = drawn(100_000, (0.4, 0.6), shift=0.3)
    network = np.random.default_rng(8).normal(-2, 1, linear.shape)
    found = fit_weights(labels, linear, network, trees)
    assert (found.linear, found.network, found.trees) == pytest.approx((0.4, 0, 0.6), abs=0.05)


def test_with_little_evidence_the_weights_are_the_priors() -> None:
    labels, linear, network = drawn(12, (1.0, 0.0), 0.0)
    found = fit_weights(labels, linear, network)
    assert (found.linear, found.network) == pytest.approx(PRIOR_WEIGHTS[2], abs=WEIGHT_DEVIATION)
    found = fit_weights(labels, linear, network, network)
    three = (found.linear, found.network, found.trees)
    assert three == pytest.approx(PRIOR_WEIGHTS[3], abs=WEIGHT_DEVIATION)
    alone = fit_weights(labels, linear, None)
    assert alone.linear == pytest.approx(1, abs=WEIGHT_DEVIATION)
    assert alone.network == 0


@pytest.mark.parametrize("shift", [-1.5, 0.0, 0.7])
def test_the_intercept_brings_the_mean_to_the_rate(shift: float) -> None:
    labels, linear, network = drawn(5_000, (0.5, 0.5), shift)
    log_odds = Blend(0.5, 0.5).log_odds(linear, network)
    found = churned_within(log_odds + fit_intercept(labels, log_odds))[:, -1]
    assert found.mean() == pytest.approx(labels.mean(), abs=1e-7)
    assert fit_intercept(labels, log_odds) == pytest.approx(shift, abs=0.15)


@settings(max_examples=cases(60), deadline=None)
@given(
    odds=st.lists(st.floats(-30, 30), min_size=2, max_size=40),
    churned=st.integers(0, 2**40 - 1),
)
def test_whatever_is_fitted_is_finite_and_keeps_the_order(odds: list[float], churned: int) -> None:
    linear = np.sort(np.array(odds))[:, None]
    labels = np.array([churned >> place & 1 for place in range(len(odds))], dtype=np.float64)
    blend = fit_weights(labels, linear, linear)
    log_odds = blend.log_odds(linear, linear)
    found = churned_within(log_odds + fit_intercept(labels, log_odds))[:, 0]
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= -1e-12).all()


def test_the_card_says_how_the_parts_were_put_together(world: SimpleNamespace) -> None:
    card = read_card(str(world.model))
    assert 0 <= float(card["linear_weight"]) <= 2
    assert 0 <= float(card["network_weight"]) <= 2
    assert 0 <= float(card["trees_weight"]) <= 2
    assert card["trees"] in range(5, 61, 5)
    assert abs(float(card["calibration_intercept"])) < 1
    assert card["held_back_examples"] == len(world.examples) / 4  # the newest of four cutoffs
    assert 0 < float(card["held_back_log_loss"]) < 0.7
