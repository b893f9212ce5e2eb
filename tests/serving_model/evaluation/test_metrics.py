"""Metrics against scikit-learn and against definitions written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from serving_model.evaluation.metrics import (
    CalibrationBins,
    auc,
    expected_calibration_error,
    log_loss,
)

PAIRS = st.lists(
    st.tuples(st.integers(0, 1), st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]))),
    min_size=1,
    max_size=60,
)


@given(PAIRS)
def test_auc_equals_scikit_learn_with_ties(pairs: list[tuple[int, float]]) -> None:
    labels, probabilities = zip(*pairs, strict=True)
    if len(set(labels)) == 1:
        assert math.isnan(auc(labels, probabilities))
        return
    expected = sklearn_metrics.roc_auc_score(labels, probabilities)
    assert auc(labels, probabilities) == pytest.approx(expected, abs=1e-9)


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
