"""The linear part against scikit-learn, period by period."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from serving_model.learning.linear_hazards import base_log_odds, fit_linear
from serving_model.learning.person_periods import PersonPeriods


def drawn(rows: int = 800) -> tuple[np.ndarray, PersonPeriods]:
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
        reference = LogisticRegression(C=strength, tol=1e-8, max_iter=1000)
        reference.fit(features[rows].astype(np.float64), periods.churned[rows, period])
        np.testing.assert_allclose(found.weights[:, period], reference.coef_[0], atol=1e-3)
        assert found.bias[period] == pytest.approx(reference.intercept_[0], abs=1e-3)
        np.testing.assert_allclose(
            found.log_odds(features)[:, period],
            reference.decision_function(features.astype(np.float64)),
            atol=5e-3,
        )


def test_a_period_of_one_outcome_or_of_nobody_has_no_weights() -> None:
    features, periods = drawn()
    churned, counted = periods.churned.copy(), periods.counted.copy()
    churned[:, 0] = 0
    counted[:, 1] = False
    churned[:, 1] = 0
    found = fit_linear(features, PersonPeriods(counted, churned), [0.1])
    assert (found.weights == 0).all()
    assert found.bias[0] == pytest.approx(np.log(0.5 / 800.5), abs=1e-5)
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
