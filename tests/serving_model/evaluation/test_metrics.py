"""Metrics against scikit-learn and against definitions written out."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from serving_model.evaluation.metrics import (
    METRICS,
    CalibrationBins,
    Metric,
    auc,
    expected_calibration_error,
    log_loss,
)
from serving_model.evaluation.paired_bootstrap import paired_bootstrap, replicates_of

PAIRS = st.lists(
    st.tuples(st.integers(0, 1), st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]))),
    min_size=1,
    max_size=60,
)


LABELS = np.array([0, 0, 1, 0, 1, 1, 0, 0, 1, 0], dtype=float)
PROBABILITIES = np.array([0.0, 0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9, 1.0])
VALUES = {
    "auc": 12.5 / 24,
    "pr_auc": (1 / 2 + 2 / 5 + 3 / 6 + 4 / 9) / 4,
    "log_loss": 4.1006,
    "calibration_error": 0.45,
}
"""What each row of METRICS finds on these accounts."""


def test_every_metric_finds_what_it_must() -> None:
    found = {name: metric.function(LABELS, PROBABILITIES) for name, metric in METRICS.items()}
    assert found == pytest.approx(VALUES, abs=1e-4)


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_every_metric_prefers_the_truth_in_its_direction(metric: Metric) -> None:
    random = np.random.default_rng(4)
    truth = random.beta(1, 3, 4_000)
    labels = (random.random(4_000) < truth).astype(float)
    worse = np.clip(truth + random.normal(0, 0.4, 4_000), 0.01, 0.99)
    gain = metric.function(labels, truth) - metric.function(labels, worse)
    assert (gain > 0) == metric.higher_is_better


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_the_bootstrap_computes_every_metric_as_its_function_does(metric: Metric) -> None:
    labels, models = np.tile(LABELS, 9), {"one": np.tile(PROBABILITIES, 9)}
    fast = paired_bootstrap(labels, models, 20, 7, metrics=[metric])["one"][metric.name]
    plain = replicates_of(
        lambda at: metric.function(labels[at], models["one"][at]), len(labels), 20, 7
    )
    np.testing.assert_allclose(fast, plain, atol=1e-5)


@given(PAIRS)
def test_auc_counts_pairs_and_half_the_ties(pairs: list[tuple[int, float]]) -> None:
    left = [p for label, p in pairs if label]
    stayed = [p for label, p in pairs if not label]
    found = auc(*zip(*pairs, strict=True))
    if not (left and stayed):
        assert math.isnan(found)
        return
    won = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(left, stayed)]
    assert found == pytest.approx(np.mean(won), abs=1e-9)


def test_certainty_that_is_wrong_has_a_finite_log_loss() -> None:
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(-math.log(1e-15), rel=1e-4)


@given(PAIRS)
def test_log_loss_equals_scikit_learn(pairs: list[tuple[int, float]]) -> None:
    labels = [label for label, _ in pairs]
    # Between certainty and this, the two differ by where they clip.
    probabilities = [p if p in (0, 1) else min(max(p, 1e-12), 1 - 1e-12) for _, p in pairs]
    clipped = np.clip(probabilities, 1e-15, 1 - 1e-15)
    expected = sklearn_metrics.log_loss(labels, clipped, labels=[0, 1])
    assert log_loss(labels, probabilities) == pytest.approx(expected, rel=1e-9)


def test_calibration_error_of_ten_bins_by_hand() -> None:
    probabilities = np.repeat(np.arange(10) / 10 + 0.05, 20)
    labels = np.tile(np.arange(20) < 4, 10)
    expected = np.mean([abs(place / 10 + 0.05 - 0.2) for place in range(10)])
    assert expected_calibration_error(labels, probabilities) == pytest.approx(expected)


@given(PAIRS, st.randoms(use_true_random=False))
def test_calibration_error_does_not_depend_on_the_order(
    pairs: list[tuple[int, float]], random: object
) -> None:
    labels, probabilities = map(list, zip(*pairs, strict=True))
    error = expected_calibration_error(labels, probabilities)
    random.shuffle(pairs)  # type: ignore[attr-defined]
    shuffled = expected_calibration_error(*map(list, zip(*pairs, strict=True)))
    assert shuffled == pytest.approx(error, abs=1e-9)
    assert 0 <= error <= 1


@given(PAIRS, st.data())
def test_bins_that_are_sorted_once_hold_for_all_labels(
    pairs: list[tuple[int, float]], data: st.DataObject
) -> None:
    probabilities = np.array([probability for _, probability in pairs])
    bins = CalibrationBins(probabilities)
    for _ in range(3):
        labels = data.draw(st.lists(st.integers(0, 1), min_size=len(pairs), max_size=len(pairs)))
        rates = {
            one: np.mean(
                [label for label, p in zip(labels, probabilities, strict=True) if p == one]
            )
            for one in probabilities
        }
        ordered = np.sort(probabilities)
        parts = np.array_split(ordered - [rates[one] for one in ordered], 10)
        expected = sum(abs(part.sum()) for part in parts) / len(pairs)
        assert bins.error(np.array(labels, dtype=np.float64)) == pytest.approx(expected, abs=1e-12)


def test_a_constant_at_the_base_rate_is_calibrated() -> None:
    labels = np.arange(1000) % 4 == 0
    assert expected_calibration_error(labels, np.full(1000, 0.25)) == pytest.approx(0)
    assert expected_calibration_error(labels, np.full(1000, 0.35)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([], [], "at least one"),
        ([0, 1], [0.5], "found shapes"),
        ([0, 2], [0.5, 0.5], "Labels are 0 or 1"),
        ([0, 1], [0.5, float("nan")], "or NaN"),
        ([0, 1], [0.5, 1.5], "0 to 1"),
    ],
)
def test_bad_input_is_refused(labels: list, probabilities: list, message: str) -> None:
    for metric in (auc, log_loss, expected_calibration_error):
        with pytest.raises(ValueError, match=message):
            metric(labels, probabilities)
