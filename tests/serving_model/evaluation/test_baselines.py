"""The simple models: what they learn, and that their penalty is chosen by time."""

import gc
import tracemalloc

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from serving_model.evaluation.baselines import STRENGTHS, fit_baselines
from serving_model.evaluation.metrics import auc
from serving_model.evaluation.ranking import CONSTANT, LOGISTIC_REGRESSION, RECENCY
from serving_model.learning.time_split import TimeSplit

ROWS = 4_000
SPLIT = TimeSplit(np.arange(3_000), np.arange(3_000, ROWS), "newest")


def drawn(signal: float, silence: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(8)
    features = random.normal(size=(ROWS, 20)).astype(np.float32)
    days = random.exponential(20, ROWS).astype(np.float32)
    odds = -1.5 + signal * features[:, 0] + silence * (np.log1p(days) - 2.5)
    return features, days, (random.random(ROWS) < expit(odds)).astype(np.float32)


def test_the_constant_is_the_base_rate_of_training() -> None:
    features, days, labels = drawn(1.0)
    found = fit_baselines(features, days, labels, SPLIT).probabilities(features[:7], days[:7])
    assert found[CONSTANT].tolist() == [pytest.approx(float(labels.mean()))] * 7


def test_logistic_regression_is_scikit_learns_with_the_chosen_penalty() -> None:
    features, days, labels = drawn(1.0)
    fitted = fit_baselines(features, days, labels, SPLIT)
    reference = LogisticRegression(C=fitted.strength, solver="newton-cholesky", tol=1e-10)
    reference.fit(features.astype(np.float64), labels)
    found = fitted.probabilities(features, days)[LOGISTIC_REGRESSION]
    np.testing.assert_allclose(found, reference.predict_proba(features)[:, 1], atol=1e-3)
    assert auc(labels, found) > 0.7


def test_recency_sees_silence_alone() -> None:
    features, days, labels = drawn(3.0, silence=0.8)
    found = fit_baselines(features, days, labels, SPLIT).probabilities(features, days)[RECENCY]
    reference = LogisticRegression(C=np.inf, tol=1e-10)
    reference.fit(np.log1p(days)[:, None].astype(np.float64), labels)
    expected = reference.predict_proba(np.log1p(days)[:, None])[:, 1]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert (np.diff(found[np.argsort(days)]) >= 0).all()


def test_noise_gets_a_strong_penalty_and_signal_a_weaker_one() -> None:
    assert fit_baselines(*drawn(0.0), SPLIT).strength <= STRENGTHS[1]
    assert fit_baselines(*drawn(1.5), SPLIT).strength > STRENGTHS[1]


def test_the_newest_rows_choose() -> None:
    """A signal that turns round in the newest rows is not to be trusted."""
    features, days, labels = drawn(1.5)
    turned = features.copy()
    turned[SPLIT.stop, 0] *= -1
    assert fit_baselines(turned, days, labels, SPLIT).strength == STRENGTHS[0]


def test_one_class_among_the_fitted_rows_is_no_error() -> None:
    features, days, labels = drawn(1.0)
    labels[SPLIT.fit] = 0
    fitted = fit_baselines(features, days, labels, SPLIT)
    assert fitted.strength == STRENGTHS[0]
    assert np.isfinite(fitted.probabilities(features, days)[LOGISTIC_REGRESSION]).all()


def test_no_strength_keeps_a_copy_of_the_features() -> None:
    """What SciPy's minimiser leaves refers to itself, with the features in it."""
    rows = 2 * ROWS
    features = np.random.default_rng(8).normal(size=(rows, 100)).astype(np.float32)
    labels = (features[:, 0] > 1).astype(np.float32)
    split = TimeSplit(np.arange(rows * 3 // 4), np.arange(rows * 3 // 4, rows), "newest")
    gc.disable()  # it looks at the number of objects, not at their size
    tracemalloc.start()
    try:
        fitted = fit_baselines(features, labels, labels, split)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert fitted.strength > STRENGTHS[2]  # several were tried
    assert peak < 3 * features.nbytes
    assert kept < features.nbytes / 4
