"""The network before it has learnt anything, and the model that is put together."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving_model.learning.calibration import Blend, churned_within
from serving_model.learning.churn_model import churn_model
from serving_model.learning.fitting import network_log_odds
from serving_model.learning.linear_hazards import LinearHazards
from serving_model.learning.network import (
    NetworkShape,
    member_log_odds,
    served_log_odds,
    served_weights,
    start_network,
)
from serving_model.learning.piecewise_linear import find_bins
from tests.property_tests import cases

SHAPE = NetworkShape(hidden_units=(8, 4), l2=0.01, dropout=0.5, members=3)
FEATURES = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
BINS = [find_bins(FEATURES, count) for count in (10, 4)]
BASE = np.array([-3.0, -1.0], dtype=np.float32)


def network(seed: int = 1):
    return start_network(BINS, BASE, SHAPE, seed)


def log_odds(of, features=FEATURES):
    """Of each member, [n, members, K]."""
    return member_log_odds(of.weights, of.bins, features, None).numpy()


def test_it_starts_about_the_base_rate() -> None:
    found = log_odds(network())
    assert found.shape == (64, 3, 2)
    assert np.abs(found.mean(axis=(0, 1)) - BASE).max() < 0.5


def test_the_seed_alone_decides_where_it_starts() -> None:
    first, same, other = (log_odds(network(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-3


@pytest.mark.parametrize("member", [0, 1, 2])
def test_members_do_not_touch_each_other(member: int) -> None:
    """The last of three reads the coarse bins, alone in its first kernel."""
    model = network()
    before = log_odds(model)
    fine, coarse, *others = model.kernels
    own = [(coarse, 0)] if member == 2 else [(fine, member)]
    for kernel, place in [*own, *((one, member) for one in others)]:
        kernel[:, place] += 1.0
    moved = np.abs(log_odds(model) - before).max(axis=(0, 2))
    assert [kernel.shape[1] for kernel in model.kernels] == [2, 1, 3, 3]
    assert moved[member] > 0.1
    assert np.count_nonzero(moved) == 1


@pytest.mark.parametrize(("members", "reading"), [(1, [1]), (2, [1, 0]), (5, [1, 1, 1, 0, 0])])
def test_members_take_turns_at_the_bins(members: int, reading: list[int]) -> None:
    """The second bins are blind to all columns but the first."""
    blind = find_bins(FEATURES * np.float32([1, 0, 0, 0, 0]), 4)
    shape = dataclasses.replace(SHAPE, members=members)
    model = start_network([BINS[0], blind], BASE, shape, seed=1)
    shifted = FEATURES + np.float32([0, 1, 0, 0, 0])
    moved = np.abs(log_odds(model, shifted) - log_odds(model)).max(axis=(0, 2))
    assert (moved > 1e-3).astype(int).tolist() == reading


def test_kernels_that_are_scaled_once_give_the_same_bits() -> None:
    of = network()
    found = served_log_odds(served_weights(of), of.bins, FEATURES).numpy()
    np.testing.assert_array_equal(found, log_odds(of))


def test_the_served_model_is_the_blend_of_both_parts() -> None:
    random = np.random.default_rng(3)
    linear = LinearHazards(
        random.normal(size=(5, 2)).astype(np.float32), np.array([-2.0, 0.5], np.float32)
    )
    blend, part = Blend(0.6, 0.3, -0.4), network()
    expected = churned_within(
        0.6 * linear.log_odds(FEATURES) + 0.3 * network_log_odds(part, FEATURES) - 0.4
    )
    served = churn_model(5, linear, part, blend)(FEATURES).numpy()
    np.testing.assert_allclose(served, expected, rtol=1e-5)
    alone = churn_model(5, linear, None, Blend())(FEATURES).numpy()
    np.testing.assert_allclose(alone, churned_within(linear.log_odds(FEATURES)), rtol=1e-5)


@settings(max_examples=cases(50), deadline=None)
@given(
    weights=arrays.arrays(np.float32, (5, 3), elements=st.floats(-50, 50, width=32)),
    bias=arrays.arrays(np.float32, 3, elements=st.floats(-50, 50, width=32)),
)
def test_a_longer_horizon_is_never_safer(weights: np.ndarray, bias: np.ndarray) -> None:
    model = churn_model(5, LinearHazards(weights, bias), None, Blend())
    found = model(FEATURES).numpy()
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=1) >= 0).all()


def test_hazards_add_up_as_survival_does() -> None:
    hazards = np.array([[0.1, 0.2, 0.5]])
    found = churned_within(np.log(hazards / (1 - hazards)))
    np.testing.assert_allclose(found, [[0.1, 1 - 0.9 * 0.8, 1 - 0.9 * 0.8 * 0.5]])
