"""Logistic regression with an L2 penalty, by Newton's method over blocks of rows."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from transforms.arrays import Floats

BLOCK: Final = 2048
"""Rows that are looked at together: few enough to stay in a processor's cache."""
TOLERANCE: Final = 1e-5
"""Largest change of a coefficient in the last step. Steps get shorter quadratically: the next one
would be shorter by the change of log-odds in this one, some hundredths at most."""
MOST_STEPS: Final = 50
_MOST_HALVINGS: Final = 30
_LEAST_CURVATURE: Final = 2.5e-7
"""Of the intercept in each row, a millionth of the largest there can be."""


class _Slope(NamedTuple):
    """The loss at a point of d + 1 coefficients, the intercept last, and its derivatives."""

    loss: float
    gradient: Floats
    """[d + 1]."""
    hessian: Floats
    """[d + 1, d + 1]."""


class Regression(NamedTuple):
    """strength x log-loss + half the squared weights; rows that do not count have no part.

    scikit-learn's LogisticRegression minimises the same, with C for strength, on a copy of the
    rows. Here gradients are summed in float64; the Hessian, which decides the way and not
    the end, in float32, at half the time.
    """

    features: NDArray[np.float32]
    """[n, d]."""
    positive: NDArray[np.float32]
    """0 or 1, [n]."""
    counted: NDArray[np.bool_]
    """Which rows count, [n]; both outcomes are among them."""
    strength: float
    """Inverse of the penalty."""

    def fit(self, start: Floats) -> Floats:
        """Returns the coefficients of the minimum, float64 [d + 1], the intercept last.

        Args:
            start: Coefficients to begin with.
        """
        point, slope = start, self._slope(start)
        for _ in range(MOST_STEPS):
            step = cho_solve(cho_factor(slope.hessian), slope.gradient)
            if np.abs(step).max() <= TOLERANCE:
                return np.asarray(point - step, dtype=np.float64)
            point, slope = self._taken(point, slope, step)
        return point

    def _taken(self, point: Floats, before: _Slope, step: Floats) -> tuple[Floats, _Slope]:
        """A step, halved until the loss does not rise."""
        for _ in range(_MOST_HALVINGS):
            reached = point - step
            slope = self._slope(reached)
            if slope.loss <= before.loss + 1e-9 * abs(before.loss):
                break
            step = step / 2
        return reached, slope

    def _slope(self, point: Floats) -> _Slope:
        size = len(point)
        loss, gradient, hessian = 0.0, np.zeros(size), np.zeros((size, size))
        for start in range(0, len(self.features), BLOCK):
            rows = slice(start, start + BLOCK)
            counted = self.counted[rows]
            found = _block(self.features[rows][counted], self.positive[rows][counted], point)
            loss, gradient, hessian = loss + found[0], gradient + found[1], hessian + found[2]
        weights = np.append(point[:-1], 0.0)
        # The intercept has no penalty: far from the end, rounding could leave it no curvature.
        least = _LEAST_CURVATURE * self.strength * np.count_nonzero(self.counted)
        penalty = np.diag(np.append(np.ones(size - 1), least))
        return _Slope(
            self.strength * loss + float(weights @ weights) / 2,
            self.strength * gradient + weights,
            self.strength * hessian + penalty,
        )


def _block(features: NDArray[np.float32], positive: NDArray[np.float32], point: Floats) -> _Slope:
    """What some rows contribute to the log-loss and its derivatives."""
    exact = features.astype(np.float64)
    log_odds = exact @ point[:-1] + point[-1]
    probability = expit(log_odds)
    missed = probability - positive
    loss = np.logaddexp(0.0, log_odds).sum() - positive @ log_odds
    root = np.sqrt(probability * (1 - probability)).astype(np.float32)
    scaled = np.empty((len(features), len(point)), np.float32)
    np.multiply(features, root[:, None], out=scaled[:, :-1])
    scaled[:, -1] = root
    return _Slope(float(loss), np.append(missed @ exact, missed.sum()), scaled.T @ scaled)
