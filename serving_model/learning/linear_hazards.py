"""The linear part: a logistic regression of the hazard in each period, with an L2 penalty."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving_model.learning.newton import Regression
from serving_model.learning.person_periods import PersonPeriods

REGULARIZATION_STRENGTHS: Final = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
"""scikit-learn's C, the inverse of the L2 penalty, smallest weights first."""


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
        strengths: scikit-learn's C, rising; with several the mean of their regressions is
            returned.

    Returns:
        The weights; those of a period with one outcome alone are 0.
    """
    fitted = list(linear_path(features, periods, strengths))
    weights = np.mean([one.weights for one in fitted], axis=0, dtype=np.float64)
    bias = np.mean([one.bias for one in fitted], axis=0, dtype=np.float64)
    return LinearHazards(weights.astype(np.float32), bias.astype(np.float32))


def linear_path(
    features: NDArray[np.float32], periods: PersonPeriods, strengths: Sequence[float]
) -> Iterator[LinearHazards]:
    """Yields what fit_linear finds with each strength alone.

    Each fit starts from the one before it, from which few steps lead to it.

    Args:
        features: [n, columns].
        periods: Of the same n examples.
        strengths: scikit-learn's C, rising.
    """
    bases = base_log_odds(periods).astype(np.float64)
    found = [np.append(np.zeros(features.shape[1]), base) for base in bases]
    for strength in strengths:
        outcomes = zip(periods.churned.T, periods.counted.T, found, strict=True)
        found = [
            Regression(features, churned, counted, strength).fit(start)
            if churned.any() and (churned < counted).any()
            else start
            for churned, counted, start in outcomes
        ]
        coefficients = np.stack(found, axis=1).astype(np.float32)
        yield LinearHazards(coefficients[:-1], coefficients[-1])
