"""Ranking, log-loss and intervals against their definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scores import (
    auc,
    bootstrap_interval,
    constant_log_loss,
    expected_best_auc,
    log_loss,
    share_of_reachable,
)

cases = st.lists(
    st.tuples(st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.9]), st.booleans()), min_size=2, max_size=12
)


@given(cases)
def test_auc_counts_pairs(case: list[tuple[float, bool]]) -> None:
    probability, churned = (np.array(column) for column in zip(*case, strict=True))
    pairs = list(itertools.product(probability[churned], probability[~churned]))
    found = auc(probability, churned)
    if pairs:
        expected = np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs])
        assert found == pytest.approx(expected)
    else:
        assert np.isnan(found)


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=12, unique=True))
def test_expected_best_auc_sums_over_pairs(values: list[float]) -> None:
    pairs = list(itertools.permutations(values, 2))
    won = sum(a * (1 - b) for a, b in pairs if a > b)
    everything = sum(a * (1 - b) for a, b in pairs)
    assert expected_best_auc(np.array(values)) == pytest.approx(won / everything)


def test_true_probabilities_reach_their_expected_auc() -> None:
    rng = np.random.default_rng(0)
    probability = rng.beta(1, 6, 100_000)
    churned = rng.random(100_000) < probability
    assert auc(probability, churned) == pytest.approx(expected_best_auc(probability), abs=0.006)


def test_share_is_none_for_the_base_rate_and_all_for_the_limit() -> None:
    churned = np.array([True, False, False, False])
    limit = np.array([0.7, 0.2, 0.1, 0.1])
    assert share_of_reachable(limit, limit, churned) == pytest.approx(1)
    assert share_of_reachable(np.full(4, 0.25), limit, churned) == pytest.approx(0)
    assert constant_log_loss(churned) == pytest.approx(-(np.log(0.25) + 3 * np.log(0.75)) / 4)
    assert log_loss(np.array([0.0, 1.0]), np.array([True, False])) < np.inf


def test_interval_covers_the_mean_as_theory_says() -> None:
    values = np.random.default_rng(1).normal(size=400)
    low, high = bootstrap_interval(lambda at: float(values[at].mean()), 400, 1)
    error = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - error, values.mean() + error), abs=0.02)
