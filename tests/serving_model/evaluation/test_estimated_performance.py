"""Estimated and partial performance of publications whose truth is known."""

import math
import resource
import tracemalloc

import numpy as np
import pytest

from serving_model.evaluation import metrics
from serving_model.evaluation.estimated_performance import (
    estimated_performance,
    later_chances,
    partial_performance,
)
from serving_model.evaluation.recalibration import Recalibration, recalibration
from serving_model.served.risk import CATEGORIES

CERTAIN = Recalibration(-2.0, np.zeros(2), np.zeros((2, 2)))
"""The probabilities are right."""
CUTS = (0.25, 0.5, 0.75)
FUNCTIONS = {
    "auc": metrics.auc,
    "pr_auc": metrics.average_precision,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier_score,
    "calibration_error": metrics.expected_calibration_error,
}


def published(accounts: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).beta(0.7, 5, accounts)


def test_intervals_cover_what_calibrated_probabilities_come_to() -> None:
    covered = dict.fromkeys((*FUNCTIONS, "left", "precision", "recall"), 0)
    random = np.random.default_rng(6)
    for seed in range(80):
        found = published(700, seed)
        bands = np.digitize(found, CUTS)
        labels = (random.random(700) < found).astype(float)
        estimate = estimated_performance(found, bands, CATEGORIES, CERTAIN, draws=300)
        for name, one in estimate.metrics.items():
            covered[name] += one.low <= FUNCTIONS[name](labels, found) <= one.high
        covered["left"] += estimate.left.low <= labels.sum() <= estimate.left.high
        band, caught = estimate.bands["medium"], labels[bands == 1].sum()
        covered["precision"] += band.precision.low <= caught / band.flagged <= band.precision.high
        covered["recall"] += band.recall.low <= caught / labels.sum() <= band.recall.high
    assert all(70 <= count <= 80 for count in covered.values()), covered


def test_what_is_not_known_of_the_calibration_widens_every_interval() -> None:
    found = published(20_000)
    bands = np.digitize(found, CUTS)
    blurred = recalibration(None, centre=-2, window_deviation=0.3, slope_deviation=0.3)
    exact, wide = (
        estimated_performance(found, bands, CATEGORIES, belief) for belief in (CERTAIN, blurred)
    )
    for name in ("auc", "log_loss", "brier"):
        widths = [one.metrics[name].high - one.metrics[name].low for one in (exact, wide)]
        assert widths[1] > 2 * widths[0]
    # A calibration that may be off makes probabilities timid ones: fewer of each pair are told.
    assert wide.metrics["auc"].value < exact.metrics["auc"].value


def test_a_band_by_hand() -> None:
    found = np.array([0.1, 0.2, 0.6, 0.8])
    estimate = estimated_performance(found, np.array([0, 0, 2, 2]), ["a", "b", "c"], CERTAIN)
    assert set(estimate.bands) == {"a", "c"}
    band = estimate.bands["c"]
    assert band.flagged == 2
    assert band.left.value == pytest.approx(1.4)
    assert band.precision.value == pytest.approx(0.7)
    assert band.recall.value == pytest.approx(1.4 / 1.7)
    assert band.lift.value == pytest.approx(0.7 / (1.7 / 4))
    assert band.false_positives.value == pytest.approx(0.6)
    assert band.false_negatives.value == pytest.approx(0.3)


def test_one_account_has_no_ranking() -> None:
    estimate = estimated_performance(np.array([0.3]), np.array([0]), ["low"], CERTAIN)
    assert math.isnan(estimate.metrics["auc"].value)
    assert estimate.metrics["brier"].value == pytest.approx(0.21)
    assert estimate.left.value == pytest.approx(0.3)


def test_a_window_that_has_closed_in_full_gives_the_realised_metrics() -> None:
    found = published(500)
    labels = np.random.default_rng(2).random(500) < found
    bands = np.digitize(found, CUTS)
    estimate = partial_performance(found, found, labels, bands, CATEGORIES, CERTAIN)
    for name, one in estimate.metrics.items():
        realised = FUNCTIONS[name](labels.astype(float), found)
        assert one.value == pytest.approx(realised, abs=1e-9)
        assert (one.low, one.high) == pytest.approx((realised, realised), abs=2e-3)
    assert estimate.left == pytest.approx((labels.sum(),) * 3)


def test_early_churn_alone_is_biased_and_the_partial_performance_is_not() -> None:
    """Few leave early for certain, and anybody leaves later: early churned are easy to tell."""
    random = np.random.default_rng(4)
    naive, ours = [], []
    for _ in range(60):
        early = random.beta(0.3, 6, 3_000)
        later = random.beta(5, 50, 3_000)
        whole = early + (1 - early) * later
        left = random.random(3_000) < early
        all_left = left | (random.random(3_000) < later)
        realised = metrics.auc(all_left, whole)
        bands = np.zeros(3_000, np.int64)
        estimate = partial_performance(
            whole, early, left, bands, ["low"], CERTAIN, draws=10, cells=50
        )
        naive.append(metrics.auc(left, whole) - realised)
        ours.append(estimate.metrics["auc"].value - realised)
    assert np.mean(naive) > 0.1
    assert abs(np.mean(ours)) < 0.003


def test_chances_of_the_rest_of_the_window() -> None:
    whole, closed = np.array([0.5, 0.2, 1.0, 1.0]), np.array([0.2, 0.2, 0.9, 1.0])
    assert later_chances(whole, closed) == pytest.approx([0.375, 0, 1, 0])


@pytest.mark.slow
def test_a_million_accounts_take_seconds_and_no_more_memory_than_their_columns() -> None:
    found = published(1_000_000)
    bands = np.digitize(found, CUTS)
    belief = recalibration(None, centre=-2)
    began = resource.getrusage(resource.RUSAGE_SELF)
    estimated_performance(found, bands, CATEGORIES, belief)
    ended = resource.getrusage(resource.RUSAGE_SELF)
    assert ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime < 3
    tracemalloc.start()
    estimated_performance(found, bands, CATEGORIES, belief, draws=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 250e6
