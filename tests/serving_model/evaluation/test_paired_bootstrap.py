"""The fast bootstrap against a plain loop, and its metrics against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from serving_model.evaluation import metrics
from serving_model.evaluation.paired_bootstrap import (
    WITH_INTERVAL,
    WeightedRanking,
    interval,
    paired_bootstrap,
)

ACCOUNTS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 4)), min_size=2, max_size=30
)


@settings(deadline=None)
@given(accounts=ACCOUNTS)
def test_weighted_metrics_are_those_of_scikit_learn(accounts: list) -> None:
    churned, places, counts = (np.array(column) for column in zip(*accounts, strict=True))
    labels, found = churned.astype(np.float64), places / 5
    weights = np.stack([counts, np.ones_like(counts)]).astype(np.float32)
    areas, averages = WeightedRanking(labels, found).metrics(weights).values()
    for weight, area, average in zip(weights, areas, averages, strict=True):
        kept = weight > 0
        if len(np.unique(labels[kept])) < 2:
            assert np.isnan(area)
            continue
        chosen = labels[kept], found[kept]
        expected = roc_auc_score(*chosen, sample_weight=weight[kept])
        assert area == pytest.approx(expected, abs=1e-9)
        expected = average_precision_score(*chosen, sample_weight=weight[kept])
        assert average == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(accounts=ACCOUNTS)
def test_average_precision_is_that_of_scikit_learn(accounts: list) -> None:
    churned, places, _ = (np.array(column) for column in zip(*accounts, strict=True))
    found = metrics.average_precision(churned, places / 5)
    if churned.any():
        assert found == pytest.approx(average_precision_score(churned, places), abs=1e-12)
    else:
        assert np.isnan(found)


def drawn(accounts: int, seed: int = 3) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    truth = random.beta(1, 6, accounts)
    labels = (random.random(accounts) < truth).astype(np.float64)
    rounded = np.round(truth, 2)
    return labels, {"one": truth, "two": np.clip(rounded + 0.05, 0, 1), "same": truth.copy()}


def test_a_plain_loop_finds_the_same() -> None:
    labels, models = drawn(150)
    fast = paired_bootstrap(labels, models, resamples=40, seed=9)
    random = np.random.default_rng(9)
    for number in range(40):
        rows = random.integers(150, size=150)
        for name, found in models.items():
            truth, scores = labels[rows], found[rows]
            own = [replicates[number] for replicates in fast[name].values()]
            expected = [metric.function(truth, scores) for metric in WITH_INTERVAL]
            np.testing.assert_allclose(own, expected, atol=1e-6)


def test_models_that_are_one_differ_by_nothing() -> None:
    labels, models = drawn(500)
    found = paired_bootstrap(labels, models, resamples=50)
    for name, own in found["one"].items():
        np.testing.assert_allclose(own, found["same"][name], rtol=0, atol=1e-6)
    assert (found["one"]["auc"] == found["same"]["auc"]).all()


def test_resamples_in_parts_are_complete_and_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, models = drawn(300)
    whole = paired_bootstrap(labels, models, resamples=25)
    monkeypatch.setattr("serving_model.evaluation.paired_bootstrap._CELLS", 300 * 4)
    parts = paired_bootstrap(labels, models, resamples=25)
    for name, own in parts["two"].items():
        np.testing.assert_allclose(own, whole["two"][name], atol=1e-6)
    assert parts["two"]["auc"].shape == (25,)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Over 200 samples, the mean's interval of 95 % holds it in 90 to 99 %."""
    covered = 0
    for seed in range(200):
        labels, models = drawn(400, seed)
        low, high = interval(paired_bootstrap(labels, models, 200, seed)["one"]["calibration_gap"])
        covered += low <= 0 <= high
    assert 180 <= covered <= 198


def test_one_class_has_no_interval() -> None:
    found = paired_bootstrap(np.zeros(20), {"one": np.linspace(0, 1, 20)}, resamples=5)["one"]
    assert interval(found["auc"]) is None
    assert interval(found["log_loss"]) is not None
