"""Newton's method: the minimum from wherever it starts, of the rows that count."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from serving_model.learning.newton import BLOCK, MOST_STEPS, Regression

ROWS = 2 * BLOCK + 3
RANDOM = np.random.default_rng(8)
FEATURES = RANDOM.normal(size=(ROWS, 5)).astype(np.float32)
POSITIVE = (RANDOM.random(ROWS) < 1 / (1 + np.exp(3 - 2 * FEATURES[:, 0]))).astype(np.float32)
COUNTED = RANDOM.random(ROWS) < 0.6


def reference(strength: float) -> np.ndarray:
    model = LogisticRegression(C=strength, tol=1e-12, solver="newton-cholesky")
    model.fit(FEATURES[COUNTED].astype(np.float64), POSITIVE[COUNTED])
    return np.append(model.coef_[0], model.intercept_[0])


@pytest.mark.parametrize("strength", [3e-4, 1.0, 1e3])
@pytest.mark.parametrize(
    "start", [np.zeros(6), np.array([4.0, -4, 4, -4, 4, 12]), np.full(6, -9.0)]
)
def test_it_ends_where_scikit_learn_does(strength: float, start: np.ndarray) -> None:
    """Also from where a whole step would lead further away."""
    found = Regression(FEATURES, POSITIVE, COUNTED, strength).fit(start)
    np.testing.assert_allclose(found, reference(strength), atol=1e-6)


def test_rows_that_do_not_count_change_nothing() -> None:
    other = np.where(COUNTED[:, None], FEATURES, np.float32(1e6))
    wrong = np.where(COUNTED, POSITIVE, 1 - POSITIVE)
    expected, found = (
        Regression(features, positive, COUNTED, 0.1).fit(np.zeros(6))
        for features, positive in ((FEATURES, POSITIVE), (other, wrong))
    )
    np.testing.assert_array_equal(found, expected)


def test_few_steps_lead_there(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    slope = Regression._slope
    monkeypatch.setattr(Regression, "_slope", lambda self, at: taken.append(at) or slope(self, at))
    Regression(FEATURES, POSITIVE, COUNTED, 0.1).fit(np.zeros(6))
    assert 1 < len(taken) < 10 < MOST_STEPS


def test_outcomes_that_a_line_parts_are_held_by_the_penalty() -> None:
    parted = (FEATURES[:, 1] > 0).astype(np.float32)
    found = Regression(FEATURES, parted, COUNTED, 1e6).fit(np.zeros(6))
    assert np.isfinite(found).all()
    assert found[1] > 10 * np.abs(found[[0, 2, 3, 4]]).max()
