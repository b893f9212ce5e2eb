"""Closed forms against all outcomes that are possible, and against realised metrics."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serving_model.evaluation import metrics
from serving_model.evaluation.expected_metrics import (
    ExpectedRanking,
    expected_brier,
    expected_log_loss,
)
from tests.property_tests import cases

PROBABILITIES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.2, 0.2, 0.5, 1.0]))
ACCOUNTS = st.lists(st.tuples(PROBABILITIES, st.floats(0, 1)), min_size=1, max_size=7)
"""What was published, and how likely the account leaves."""


def outcomes(chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All outcomes, [2^n, n], and how likely each is, [2^n]."""
    labels = np.array(list(itertools.product((0.0, 1.0), repeat=len(chances))))
    return labels, np.prod(np.where(labels == 1, chances, 1 - chances), axis=1)


def concordant(labels: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concordant pairs and pairs of each outcome."""
    won = (found[:, None] > found) + 0.5 * (found[:, None] == found)
    won_pairs = np.einsum("oi,ij,oj->o", labels, won, 1 - labels)
    return won_pairs, labels.sum(axis=1) * (1 - labels).sum(axis=1)


@settings(max_examples=cases(200))
@given(ACCOUNTS)
@example([(0.0, 1.0), (0.0, 0.99999)])
@example([(0.0, 0.9681361004832842), (0.2, 0.0)])
def test_deviation_of_auc_is_that_of_all_outcomes(accounts: list[tuple[float, float]]) -> None:
    found, chances = np.array(accounts).T
    labels, weight = outcomes(chances)
    won, pairs = concordant(labels, found)
    expected_pairs = weight @ pairs
    auc = ExpectedRanking(found).auc(chances)
    if expected_pairs < 1e-9:
        assert math.isnan(auc.mean) or expected_pairs > 1e-13
        return
    ratio = weight @ won / expected_pairs
    d = won - ratio * pairs
    assert weight @ d == pytest.approx(0, abs=1e-9)
    # Sums of up to n^2 terms near 1, rounded, are divided by the square of the expected pairs.
    rounded = 4 * np.finfo(np.float64).eps * len(accounts) ** 2 / expected_pairs**2
    deviation = math.sqrt(weight @ d**2) / expected_pairs
    assert auc.deviation == pytest.approx(deviation, abs=1e-6 + math.sqrt(rounded))
    shared = weight @ (d * pairs) / expected_pairs**2
    assert auc.mean == pytest.approx(ratio - shared, rel=1e-7, abs=1e-7 + rounded)


@settings(max_examples=cases(100))
@given(ACCOUNTS)
def test_means_over_accounts_are_exact(accounts: list[tuple[float, float]]) -> None:
    found, chances = np.array(accounts).T
    labels, weight = outcomes(chances)
    for moments, function in (
        (expected_log_loss(found, chances), metrics.log_losses),
        (expected_brier(found, chances), metrics.squared_errors),
    ):
        values = function(labels, np.broadcast_to(found, labels.shape)).mean(axis=1)
        mean = weight @ values
        assert moments.mean == pytest.approx(mean, rel=1e-9, abs=1e-9)
        deviation = math.sqrt(max(0, weight @ (values - mean) ** 2))
        assert moments.deviation == pytest.approx(deviation, rel=1e-6, abs=1e-6)


@settings(max_examples=cases(100))
@given(st.lists(st.tuples(PROBABILITIES, st.sampled_from([0.0, 1.0])), min_size=1, max_size=60))
def test_known_outcomes_give_the_realised_metrics(accounts: list[tuple[float, float]]) -> None:
    found, labels = np.array(accounts).T
    ranking = ExpectedRanking(found)
    for expected, function in (
        (ranking.auc(labels).mean, metrics.auc),
        (ranking.average_precision(labels), metrics.average_precision),
        (ranking.calibration_error(labels), metrics.expected_calibration_error),
        (expected_log_loss(found, labels).mean, metrics.log_loss),
        (expected_brier(found, labels).mean, metrics.brier_score),
    ):
        assert expected == pytest.approx(function(labels, found), abs=1e-9, nan_ok=True)


def test_identical_probabilities_have_an_auc_of_one_half() -> None:
    chances = np.random.default_rng(1).beta(1, 9, 500)
    found = ExpectedRanking(np.full(500, 0.1)).auc(chances)
    assert found.mean == pytest.approx(0.5, abs=1e-12)
    assert found.deviation == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.65])
@pytest.mark.parametrize("decimals", [3, 1], ids=["few ties", "many ties"])
def test_expected_metrics_are_the_means_of_realised_ones(rate: float, decimals: int) -> None:
    random = np.random.default_rng(3)
    chances = random.beta(2 * rate, 2 * (1 - rate), 400)
    found = np.round(np.clip(0.8 * chances + 0.05, 0, 1), decimals)
    draws = (random.random((220, 400)) < chances).astype(float)
    draws = draws[draws.any(axis=1)]
    ranking = ExpectedRanking(found)
    auc, brier = ranking.auc(chances), expected_brier(found, chances)
    pairs: list[tuple[float, Callable[..., float]]] = [
        (auc.mean, metrics.auc),
        (ranking.average_precision(chances), metrics.average_precision),
        (ranking.calibration_error(chances), metrics.expected_calibration_error),
        (brier.mean, metrics.brier_score),
    ]
    for expected, function in pairs:
        realised = np.array([function(labels, found) for labels in draws[:200]])
        error = realised.std() / math.sqrt(len(realised))
        assert expected == pytest.approx(realised.mean(), abs=4 * error + 0.001)
    realised = np.array([metrics.auc(labels, found) for labels in draws[:200]])
    assert auc.deviation == pytest.approx(realised.std(), rel=0.15)
