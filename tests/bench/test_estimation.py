"""What the benchmark of estimates concludes from pairs of estimate and truth."""

import math

import numpy as np
import pytest

from bench.estimation import Found, misses, proportion, summed, weighted_auc
from serving_model.evaluation.metrics import auc
from serving_model.evaluation.performance import UNDEFINED, Estimate


def found(value: float, realised: float) -> Found:
    return Found("t", "a", "auc", Estimate(value, value - 0.1, value + 0.1), realised)


def test_rows_are_counted_where_there_was_an_estimate() -> None:
    nothing = found(0.5, 0.5)._replace(estimate=UNDEFINED)
    row = summed([found(0.7, 0.75), found(0.7, 0.9), nothing])
    assert (row.estimates, row.covered) == (2, 1)
    assert row.bias == pytest.approx(-0.125)
    assert row.width == pytest.approx(0.2)
    assert row.error == pytest.approx(math.sqrt((0.05**2 + 0.2**2) / 2))


def test_the_interval_of_a_share_is_the_exact_one() -> None:
    assert proportion(190, 200) == pytest.approx((0.91, 0.976), abs=0.001)
    assert proportion(0, 10)[0] == 0
    assert proportion(10, 10)[1] == 1


def test_weights_count_accounts_several_times() -> None:
    random = np.random.default_rng(1)
    left, scores = random.random(60) < 0.3, random.integers(0, 9, 60).astype(float) / 9
    weights = random.integers(1, 4, 60)
    often = np.repeat(np.arange(60), weights)
    expected = auc(left[often].astype(float), scores[often])
    assert weighted_auc(left, scores, weights.astype(float)) == pytest.approx(expected)


def test_what_is_missed_is_said() -> None:
    good = summed([found(0.7, 0.75)] * 19 + [found(0.7, 0.9)])
    table = {("no drift", "ours", name): good for name in ("auc", "log_loss", "brier")}
    table["partial", "ours", "auc"] = summed([found(0.7, 0.7)] * 3)
    assert list(misses(table)) == []
    table["no drift", "ours", "auc"] = summed([found(0.7, 0.75)] * 20)
    table["partial", "ours", "auc"] = summed([found(0.7, 0.69)] * 3)
    assert list(misses(table)) == [
        "auc: 100.0% of the realised values are covered",
        "partial AUC is off by +0.0100 on average",
    ]
