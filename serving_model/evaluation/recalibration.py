"""How far a model's probabilities may be off at its next publication.

The log-odds of a publication are off by a straight line: log-odds of leaving = published log-odds +
intercept + slope x (published log-odds - centre). What is known of the line is a normal
distribution, made of

- a prior: models of ours that pass the gate are off by so much;
- the line of a window that has closed, such as that of the evaluation set;
- the window: each one is off by something of its own, of its season and its incidents, which all
  accounts share and which no number of them averages out. What the outcomes of one window say about
  the next one is blurred by it, twice.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import expit, roots_hermitenorm

from serving_model.evaluation.metrics import SMALLEST_PROBABILITY
from transforms.arrays import Floats

INTERCEPT_DEVIATION: Final = 0.12
"""Standard deviation of the shift that a model has in every window, in log-odds: what 60 simulated
worlds showed, as they did for the other three."""
SLOPE_DEVIATION: Final = 0.18
WINDOW_DEVIATION: Final = 0.085
"""Standard deviation of the shift of one window, in log-odds, where no history tells."""
SLOPE_WINDOW_DEVIATION: Final = 0.11
"""The same of the slope."""
WINDOW_WEIGHT: Final = 4
"""So many windows that differ by WINDOW_DEVIATION are believed in beside those that were seen."""
_WEAK: Final = np.diag([1.0, 1.0])
"""Of the prior of a fitted line: it keeps a line finite where there is one outcome alone."""
_STEPS: Final = 50
_TOLERANCE: Final = 1e-9
_NODES: Final = 5


class Line(NamedTuple):
    """How far the log-odds of a window were off, as its outcomes tell."""

    centre: float
    """Log-odds at which the intercept holds; there its error is independent of the slope's."""
    intercept: float
    intercept_deviation: float
    slope: float
    """0 where log-odds are neither timid (above) nor bold (below)."""
    slope_deviation: float


class Recalibration(NamedTuple):
    """A normal distribution of intercept and slope."""

    centre: float
    """Log-odds at which the intercept holds."""
    mean: Floats
    """Of intercept and slope, [2]; zeros where the probabilities are right on average."""
    covariance: Floats
    """[2, 2]."""

    def is_same(self, other: "Recalibration") -> bool:
        """Tells whether two are the same numbers."""
        return (
            self.centre == other.centre
            and np.array_equal(self.mean, other.mean)
            and np.array_equal(self.covariance, other.covariance)
        )

    def chances(self, log_odds: Floats) -> Floats:
        """Returns the mean probability of leaving over all lines, [n].

        Args:
            log_odds: As published, [n].
        """
        distance = log_odds - self.centre
        line = log_odds + self.mean[0] + self.mean[1] * distance
        (intercept, both), (_, slope) = self.covariance
        deviation = np.sqrt(intercept + 2 * both * distance + slope * np.square(distance))
        nodes, weights = roots_hermitenorm(_NODES)
        found = np.zeros_like(line)
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            found += weight * expit(line + node * deviation)
        return found

    def drawn(self, log_odds: Floats, count: int, random: np.random.Generator) -> Floats:
        """Returns probabilities of leaving by lines that were drawn, [count, n].

        Args:
            log_odds: As published, [n].
            count: How many lines.
            random: Where the randomness comes from.
        """
        lines = random.multivariate_normal(self.mean, self.covariance, count)
        distance = log_odds - self.centre
        return np.asarray(expit(log_odds + lines[:, :1] + lines[:, 1:] * distance))


def log_odds_of(probabilities: Floats) -> Floats:
    """Returns the log-odds of probabilities; 0 and 1 count as 1e-15 off, as in log_loss."""
    kept = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def fitted_line(labels: Floats, probabilities: Floats, weights: Floats | None = None) -> Line:
    """Fits a line to accounts whose outcome is known, by logistic regression.

    Args:
        labels: 0 or 1, [m], m at least 1.
        probabilities: As published, [m].
        weights: How much each account counts, [m]; all alike if None.
    """
    log_odds = log_odds_of(probabilities)
    accounts = np.ones(len(labels)) if weights is None else weights
    point, curvature = np.zeros(2), _WEAK
    for _ in range(_STEPS):
        found = expit(log_odds + point[0] + point[1] * log_odds)
        missed = accounts * (found - labels)
        information = accounts * found * (1 - found)
        gradient = np.array([missed.sum(), missed @ log_odds]) + _WEAK @ point
        (flat, both), steep = _products(information, log_odds)
        curvature = np.array([[flat, both], [both, steep]]) + _WEAK
        step = np.linalg.solve(curvature, gradient)
        # Far from the end the curvature says too little: no more than one unit at a time.
        point = point - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _TOLERANCE:
            break
    covariance = np.linalg.inv(curvature)
    # Where the slope turns without moving the intercept.
    centre = -float(covariance[0, 1] / covariance[1, 1])
    intercept = float(point[0] + point[1] * centre)
    flat_variance = covariance[0, 0] - covariance[0, 1] ** 2 / covariance[1, 1]
    deviations = np.sqrt([flat_variance, covariance[1, 1]])
    return Line(centre, intercept, float(deviations[0]), float(point[1]), float(deviations[1]))


def _products(information: Floats, log_odds: Floats) -> tuple[tuple[float, float], float]:
    weighted = information * log_odds
    return (float(information.sum()), float(weighted.sum())), float(weighted @ log_odds)


def recalibration(
    line: Line | None,
    *,
    centre: float,
    window_deviation: float = WINDOW_DEVIATION,
    intercept_deviation: float = INTERCEPT_DEVIATION,
    slope_deviation: float = SLOPE_DEVIATION,
    slope_window_deviation: float = SLOPE_WINDOW_DEVIATION,
) -> Recalibration:
    """Returns what prior and the line of a closed window say about the next window.

    Args:
        line: Of one window of the same model; None if there is none.
        centre: Log-odds at which the intercept shall hold if there is no line, such as those of
            the base rate.
        window_deviation: Of the shift that a window has of its own.
        intercept_deviation: Of the prior for the shift that lasts.
        slope_deviation: Of the prior for the slope that lasts, around 0.
        slope_window_deviation: Of what a window adds to the slope.
    """
    lasting = np.square([intercept_deviation, slope_deviation])
    window = np.square([window_deviation, slope_window_deviation])
    if line is None:
        return Recalibration(centre, np.zeros(2), np.diag(lasting + window))
    # Of what that window was off by, only what lasts is expected again.
    intercept, of_intercept = _posterior(
        line.intercept, line.intercept_deviation**2 + window[0], lasting[0]
    )
    slope, of_slope = _posterior(line.slope, line.slope_deviation**2 + window[1], lasting[1])
    covariance = np.diag([of_intercept, of_slope]) + np.diag(window)
    return Recalibration(line.centre, np.array([intercept, slope]), covariance)


def _posterior(value: float, variance: float, prior: float) -> tuple[float, float]:
    """Mean and variance of a number with a normal prior around 0, measured once."""
    share = prior / (prior + variance) if prior else 0.0
    return share * value, share * variance


def window_deviation(models: Sequence[Sequence[Line]]) -> float:
    """Returns how much windows of a model differ by, beyond the chance of their outcomes.

    Args:
        models: By model, the lines of windows that do not overlap.
    """
    freedom, excess = float(WINDOW_WEIGHT), WINDOW_WEIGHT * WINDOW_DEVIATION**2
    for lines in models:
        shifts = np.array([line.intercept for line in lines])
        chance = np.square([line.intercept_deviation for line in lines])
        if len(lines) > 1:
            freedom += len(lines) - 1
            excess += float(np.square(shifts - shifts.mean()).sum())
            excess -= float(chance.sum()) * (len(lines) - 1) / len(lines)
    return float(np.sqrt(max(excess / freedom, (WINDOW_DEVIATION / 2) ** 2)))
