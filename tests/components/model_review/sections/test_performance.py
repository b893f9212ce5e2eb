"""ROC, precision-recall, metrics and their intervals against scikit-learn."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from sklearn import metrics as sklearn_metrics

from components.model_review.sections.estimates import Curve, SectionMissing
from components.model_review.sections.gains import contacts
from components.model_review.sections.performance import ModelMetrics, performance_of
from tests.components.model_review.judgements import PAIRS, drawn, predictions
from tests.components.model_review.lines import area, distance

Pairs = list[tuple[int, float]]
Metric = Callable[[np.ndarray, np.ndarray], float]


def calibration_error(labels: np.ndarray, found: np.ndarray) -> float:
    """Ten bins of equal size; accounts of one probability carry their mean label."""
    frame = pd.DataFrame({"label": labels, "found": found})
    frame["label"] = frame.groupby("found")["label"].transform("mean")
    frame = frame.sort_values("found", kind="stable").reset_index(drop=True)
    sizes = [len(frame) // 10 + (place < len(frame) % 10) for place in range(10)]
    sums = frame.groupby(np.repeat(np.arange(10), sizes))[["label", "found"]].sum()
    return float((sums["label"] - sums["found"]).abs().sum() / len(frame))


METRICS: dict[str, Metric] = {
    "auc": sklearn_metrics.roc_auc_score,
    "pr_auc": sklearn_metrics.average_precision_score,
    "log_loss": sklearn_metrics.log_loss,
    "calibration_error": calibration_error,
}


def by_model(measured: tuple[ModelMetrics, ...]) -> dict[str, ModelMetrics]:
    return {one.model: one for one in measured}


def steps(curve: Curve) -> dict[float, float]:
    """By recall that is reached, the precision on the way to it."""
    pieces = pairwise(zip(curve.x, curve.y, strict=True))
    return {right: high for (left, _), (right, high) in pieces if right > left}


@given(PAIRS)
def test_metrics_are_scikit_learns(pairs: Pairs) -> None:
    labels, found = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    performance = performance_of(
        predictions(labels, challenger=found, constant=np.full(len(found), 0.2))
    )
    assert [one.model for one in performance.metrics] == ["challenger", "constant"]
    measured = performance.metrics[0]
    for name, metric in METRICS.items():
        assert measured.metrics[name].value == pytest.approx(metric(labels, found), abs=1e-9), name
    assert measured.mean_predicted == pytest.approx(np.mean(found))
    assert performance.base_rate == pytest.approx(np.mean(labels))


@given(PAIRS)
def test_of_few_accounts_the_curves_are_scikit_learns(pairs: Pairs) -> None:
    labels, found = zip(*pairs, strict=True)
    performance = performance_of(predictions(labels, challenger=found))
    (roc,), (curve,) = performance.roc, performance.precision_recall
    vain, reached, _ = sklearn_metrics.roc_curve(labels, found)
    assert max(distance(roc, *corner) for corner in zip(vain, reached, strict=True)) < 1e-9
    assert area(roc) == pytest.approx(sklearn_metrics.roc_auc_score(labels, found))
    precision, recall, _ = sklearn_metrics.precision_recall_curve(labels, found)
    best = pd.Series(precision).groupby(recall).max().drop(0.0, errors="ignore")
    for recall_reached, expected in best.items():
        assert distance(curve, recall_reached, expected) < 1e-9
    expected_area = sklearn_metrics.average_precision_score(labels, found)
    assert area(curve) == pytest.approx(expected_area)


@pytest.mark.parametrize("digits", [2, 9])
def test_of_many_accounts_the_curves_are_scikit_learns_to_two_pixels(digits: int) -> None:
    sample = drawn(3_000)
    labels, found = sample.labels, np.round(sample.models["challenger"], digits)
    performance = performance_of(predictions(labels, challenger=found))
    (roc,), (curve,) = performance.roc, performance.precision_recall
    vain, reached, _ = sklearn_metrics.roc_curve(labels, found)
    off = max(distance(roc, *corner) for corner in zip(vain[::5], reached[::5], strict=True))
    assert off < 2 / 400
    assert area(roc) == pytest.approx(sklearn_metrics.roc_auc_score(labels, found), abs=2e-3)
    precision, recall, _ = sklearn_metrics.precision_recall_curve(labels, found)
    best = pd.Series(precision).groupby(recall).max().drop(0.0)
    assert np.mean([distance(curve, *point) for point in best.iloc[::5].items()]) < 2 / 400
    expected = sklearn_metrics.average_precision_score(labels, found)
    assert area(curve) == pytest.approx(expected, abs=5e-3)


def test_curves_begin_and_end_where_they_must() -> None:
    performance = performance_of(drawn(2_000))
    for curve in performance.roc + performance.precision_recall:
        assert (curve.x[0], curve.x[-1]) == (0, 1)
        assert all(left <= right for left, right in pairwise(curve.x))
        assert all(0 <= y <= 1 for y in curve.y)
    assert {(curve.y[0], curve.y[-1]) for curve in performance.roc} == {(0, 1)}
    assert [one.model for one in performance.roc] == ["challenger", "champion", "constant"]
    # What ranks nobody finds as many leavers as it calls.
    constant_roc, constant_curve = performance.roc[-1], performance.precision_recall[-1]
    assert (constant_roc.x, constant_roc.y) == ((0, 1), (0, 1))
    assert steps(constant_curve) == {1.0: performance.base_rate}


def test_intervals_are_those_of_resampled_accounts() -> None:
    sample = drawn(500)
    labels, found = sample.labels, sample.models["challenger"]
    drawings = np.random.default_rng(99).integers(500, size=(800, 500))
    measured = by_model(performance_of(sample).metrics)["challenger"]
    for name in ("auc", "pr_auc", "log_loss"):
        resampled = [METRICS[name](labels[rows], found[rows]) for rows in drawings]
        low, high = np.quantile(resampled, [0.025, 0.975])
        interval = measured.metrics[name].interval
        assert interval == pytest.approx((low, high), abs=0.06 * (high - low)), name


@pytest.mark.parametrize(("label", "said"), [(0, "0 of 3 accounts"), (1, "3 of 3 accounts")])
def test_where_nobody_left_or_all_did_there_is_nothing_to_rank(label: int, said: str) -> None:
    with pytest.raises(SectionMissing, match=said):
        performance_of(predictions([label] * 3, challenger=[0.1, 0.2, 0.3]))


@given(PAIRS)
def test_accounts_of_one_probability_are_called_together(pairs: Pairs) -> None:
    labels, found = map(np.array, zip(*pairs, strict=True))
    counted = contacts(labels, found)
    for place, threshold in enumerate(sorted(set(found), reverse=True), start=1):
        called = found >= threshold
        assert counted.contacted[place] == called.sum()
        assert counted.churned[place] == labels[called].sum()
    assert (counted.contacted[0], counted.churned[0]) == (0, 0)
    assert len(counted.contacted) == len(set(found)) + 1
