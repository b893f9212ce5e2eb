"""Realised performance: exact values, and intervals like those of the bootstrap of accounts."""

import numpy as np
import pytest

from serving_model.evaluation.metrics import AUC, LOG_LOSS, METRICS, PR_AUC
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from serving_model.evaluation.realised_performance import CELLS, realised_performance

NAMES = ("low", "medium", "high", "critical")


def world(accounts, seed=0):
    random = np.random.default_rng(seed)
    probabilities = 1 / (1 + np.exp(-random.normal(-2, 1.2, accounts)))
    labels = (random.uniform(size=accounts) < probabilities).astype(np.float64)
    return labels, probabilities, np.digitize(probabilities, (0.25, 0.5, 0.75))


@pytest.mark.parametrize("accounts", [CELLS // 2, 3_000])
def test_intervals_are_those_of_the_bootstrap_of_accounts(accounts):
    labels, probabilities, bands = world(accounts)
    found = realised_performance(labels, probabilities, bands, NAMES)
    metrics = [AUC, PR_AUC, LOG_LOSS]
    replicates = paired_bootstrap(labels, {"model": probabilities}, metrics=metrics)["model"]
    for metric in metrics:
        low, high = interval(replicates[metric.name])
        own = found.metrics[metric.name]
        assert own.value == pytest.approx(metric.function(labels, probabilities))
        # Two bootstraps of a thousand resamples each.
        assert own.low == pytest.approx(low, abs=0.12 * (high - low))
        assert own.high == pytest.approx(high, abs=0.12 * (high - low))


def test_ties_count_as_half():
    labels = np.array([1.0, 0.0, 1.0, 0.0] * 5)
    found = realised_performance(labels, np.full(20, 0.3), np.ones(20, np.int64), NAMES)
    assert found.metrics["auc"] == (0.5, 0.5, 0.5)


def test_what_means_nothing_is_not_a_number():
    labels, probabilities = np.zeros(9), np.linspace(0.1, 0.2, 9)
    found = realised_performance(labels, probabilities, np.zeros(9, np.int64), NAMES)
    assert np.isnan(found.metrics["auc"].value)
    assert np.isnan(found.bands["low"].recall.value)
    assert np.isnan(found.bands["low"].lift.value)
    assert found.bands["low"].precision == (0, 0, 0)
    assert found.left == (0, 0, 0)
    assert found.bands.keys() == {"low"}


def test_every_metric_of_the_gate_is_measured():
    found = realised_performance(*world(50), NAMES)
    assert found.metrics.keys() >= {*METRICS, "brier"}
