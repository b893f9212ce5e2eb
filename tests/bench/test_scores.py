"""The best possible ranking and its share against their definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.limit import bootstrap_interval
from bench.scores import constant_log_loss, expected_best_auc, share_of_reachable
from serving_model.evaluation.metrics import auc


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
    assert auc(churned, probability) == pytest.approx(expected_best_auc(probability), abs=0.006)


def test_share_is_none_for_the_base_rate_and_all_for_the_limit() -> None:
    churned = np.array([True, False, False, False])
    limit = np.array([0.7, 0.2, 0.1, 0.1])
    assert share_of_reachable(churned, limit, limit) == pytest.approx(1)
    assert share_of_reachable(churned, np.full(4, 0.25), limit) == pytest.approx(0)
    assert constant_log_loss(churned) == pytest.approx(-(np.log(0.25) + 3 * np.log(0.75)) / 4)


def test_interval_covers_the_mean_as_theory_says() -> None:
    values = np.random.default_rng(1).normal(size=400)
    low, high = bootstrap_interval(lambda at: float(values[at].mean()), 400)
    error = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - error, values.mean() + error), abs=0.02)
