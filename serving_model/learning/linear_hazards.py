"""The linear part: a logistic regression of the hazard in each period, with an L2 penalty."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from serving_model.learning.person_periods import PersonPeriods

REGULARIZATION_STRENGTHS: Final = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
"""scikit-learn's C, the inverse of the L2 penalty, weakest weights first."""
_MOST_STEPS: Final = 50


class LinearHazards(NamedTuple):
    """Log-odds of leaving in each of K periods: features x weights + bias."""

    weights: NDArray[np.float32]
    """[columns, K]."""
    bias: NDArray[np.float32]
    """[K]."""

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns the log-odds of the hazards, float64 [n, K]."""
        return np.asarray(features @ self.weights + self.bias, dtype=np.float64)


def base_log_odds(periods: PersonPeriods) -> NDArray[np.float32]:
    """Returns the log-odds of the hazard of the mean account, float32 [K].

    Half an example more of each outcome keeps them finite if one of the two is missing.
    """
    churned = (periods.churned * periods.counted).sum(axis=0, dtype=np.float64) + 0.5
    stayed = periods.counted.sum(axis=0) + 1 - churned
    return np.asarray(np.log(churned / stayed), dtype=np.float32)


def fit_linear(
    features: NDArray[np.float32], periods: PersonPeriods, strengths: Sequence[float]
) -> LinearHazards:
    """Fits each period on the examples that count in it.

    Args:
        features: [n, columns].
        periods: Of the same n examples.
        strengths: scikit-learn's C; with several the mean of their regressions is returned.

    Returns:
        The weights; those of a period with one outcome alone are 0.
    """
    bases = base_log_odds(periods)
    fitted = [
        [_fit_period(features[counted], churned[counted], bias, one) for one in strengths]
        for counted, churned, bias in zip(periods.counted.T, periods.churned.T, bases, strict=True)
    ]
    weights = [np.mean([one for one, _ in period], axis=0) for period in fitted]
    biases = [np.mean([one for _, one in period]) for period in fitted]
    return LinearHazards(
        np.stack(weights, axis=1).astype(np.float32), np.array(biases, dtype=np.float32)
    )


def _fit_period(
    features: NDArray[np.float32], churned: NDArray[np.float32], bias: float, strength: float
) -> tuple[NDArray[np.float32], float]:
    if churned.min(initial=1) == churned.max(initial=0) or not churned.size:
        return np.zeros(features.shape[1], dtype=np.float32), bias
    # Newton's steps need few passes over the examples where these outnumber the columns.
    model: Any = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=_MOST_STEPS)
    model.fit(features, churned)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])
