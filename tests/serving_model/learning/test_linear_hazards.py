"""The linear part against scikit-learn, period by period."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from serving_model.learning.linear_hazards import base_log_odds, fit_linear, linear_path
from serving_model.learning.person_periods import PersonPeriods


def drawn(rows: int = 3000) -> tuple[np.ndarray, PersonPeriods]:
    random = np.random.default_rng(1)
    features = random.normal(size=(rows, 4)).astype(np.float32)
    left = random.random((rows, 2)) < 1 / (1 + np.exp(1.5 - features[:, :2]))
    counted = np.stack([np.ones(rows, bool), ~left[:, 0]], axis=1)
    return features, PersonPeriods(counted, (left & counted).astype(np.float32))


@pytest.mark.parametrize("strength", [1e-3, 1e-1])
def test_each_period_is_a_regression_of_those_still_there(strength: float) -> None:
    features, periods = drawn()
    found = fit_linear(features, periods, [strength])
    for period in range(2):
        rows = periods.counted[:, period]
        reference = LogisticRegression(C=strength, tol=1e-12, solver="newton-cholesky")
        reference.fit(features[rows].astype(np.float64), periods.churned[rows, period])
        np.testing.assert_allclose(found.weights[:, period], reference.coef_[0], atol=1e-6)
        assert found.bias[period] == pytest.approx(reference.intercept_[0], abs=1e-6)
        np.testing.assert_allclose(
            found.log_odds(features)[:, period],
            reference.decision_function(features.astype(np.float64)),
            atol=1e-5,
        )


def test_a_period_of_one_outcome_or_of_nobody_has_no_weights() -> None:
    features, periods = drawn()
    churned, counted = periods.churned.copy(), periods.counted.copy()
    churned[:, 0] = 0
    counted[:, 1] = False
    churned[:, 1] = 0
    found = fit_linear(features, PersonPeriods(counted, churned), [0.1])
    assert (found.weights == 0).all()
    assert found.bias[0] == pytest.approx(np.log(0.5 / 3000.5), abs=1e-5)
    assert found.bias[1] == 0


def test_the_base_is_that_of_what_counts() -> None:
    counted = np.array([[True], [True], [True], [False]])
    churned = np.array([[1], [0], [0], [0]], np.float32)
    found = base_log_odds(PersonPeriods(counted, churned))
    np.testing.assert_allclose(found, [np.log(1.5 / 2.5)], rtol=1e-6)


def test_several_penalties_make_the_mean_of_their_regressions() -> None:
    features, periods = drawn()
    each = [fit_linear(features, periods, [one]).log_odds(features) for one in (1e-3, 1e-1)]
    found = fit_linear(features, periods, [1e-3, 1e-1]).log_odds(features)
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-5)


def test_a_path_finds_what_each_penalty_finds_alone() -> None:
    features, periods = drawn()
    strengths = (3e-4, 1e-2, 1e-1)
    for strength, found in zip(strengths, linear_path(features, periods, strengths), strict=True):
        alone = fit_linear(features, periods, [strength])
        np.testing.assert_allclose(found.weights, alone.weights, atol=1e-6)
        np.testing.assert_allclose(found.bias, alone.bias, atol=1e-6)
