"""How far a model's probabilities may be off at its next publication.

The log-odds of a publication are off by a straight line: log-odds of leaving = published log-odds +
intercept + slope x (published log-odds - centre). What is known of the line is a normal
distribution, made of

- a prior: models of ours that pass the gate are off by so much;
- accounts whose outcome is known, such as the evaluation set;
- the window: each one has a shift of its own, that of its season and its incidents, which all
  accounts share and which no number of them averages out. What outcomes of one window say about
  the next one is blurred by it, twice.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import expit, roots_hermitenorm

from serving_model.evaluation.metrics import SMALLEST_PROBABILITY
from transforms.arrays import Floats

INTERCEPT_DEVIATION: Final = 0.12
"""Standard deviation of the shift that a model has in every window, in log-odds."""
SLOPE_DEVIATION: Final = 0.2
WINDOW_DEVIATION: Final = 0.1
"""Standard deviation of the shift of one window, in log-odds, where no history tells."""
_STEPS: Final = 50
_TOLERANCE: Final = 1e-9
_NODES: Final = 9


class Known(NamedTuple):
    """Groups of accounts of similar probability whose outcomes are known, [m] each."""

    log_odds: Floats
    """As published."""
    accounts: Floats
    """At least 0; weights, where groups stand for another population."""
    left: Floats
    """Of them, how many left."""


class Recalibration(NamedTuple):
    """A normal distribution of intercept and slope."""

    centre: float
    """Log-odds at which the intercept holds."""
    mean: Floats
    """Of intercept and slope, [2]; zeros where the probabilities are right on average."""
    covariance: Floats
    """[2, 2]."""

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


def known(labels: Floats, probabilities: Floats, weights: Floats | None = None) -> Known:
    """Returns accounts with known outcomes, each one a group.

    Args:
        labels: 0 or 1, [m].
        probabilities: As published, [m].
        weights: How much each account counts, [m]; all alike if None.
    """
    accounts = np.ones(len(labels)) if weights is None else weights
    return Known(log_odds_of(probabilities), accounts, accounts * labels)


def recalibration(
    outcomes: Known | None,
    *,
    centre: float,
    window_deviation: float = WINDOW_DEVIATION,
    intercept_deviation: float = INTERCEPT_DEVIATION,
    slope_deviation: float = SLOPE_DEVIATION,
) -> Recalibration:
    """Returns what prior and known outcomes say about the next window.

    Args:
        outcomes: Of one window of the same model; None if there are none.
        centre: Log-odds at which the intercept shall hold, such as those of the base rate.
        window_deviation: Of the shift that a window has of its own.
        intercept_deviation: Of the prior for the shift that lasts.
        slope_deviation: Of the prior for the slope, around 0.
    """
    lasting, window = intercept_deviation**2, window_deviation**2
    prior = np.diag([lasting + window, slope_deviation**2])
    mean, covariance = np.zeros(2), prior
    if outcomes is not None and outcomes.accounts.sum() > 0:
        mean, covariance = _posterior(outcomes, prior, centre)
    # Of the shift of that window, the part that lasts is expected again.
    share = lasting / (lasting + window) if lasting + window > 0 else 0.0
    kept = np.diag([share, 1.0])
    own = np.diag([share * window + window, 0.0])
    return Recalibration(centre, kept @ mean, kept @ covariance @ kept + own)


def _posterior(outcomes: Known, prior: Floats, centre: float) -> tuple[Floats, Floats]:
    """The mode, and the inverse curvature there (Laplace's approximation)."""
    design = np.stack([np.ones_like(outcomes.log_odds), outcomes.log_odds - centre])
    precision = np.linalg.inv(prior)
    point = np.zeros(2)
    for _ in range(_STEPS):
        found = expit(outcomes.log_odds + point @ design)
        gradient = design @ (outcomes.accounts * found - outcomes.left) + precision @ point
        information = (design * (outcomes.accounts * found * (1 - found))) @ design.T
        curvature = information + precision
        step = np.linalg.solve(curvature, gradient)
        # Far from the mode the curvature says too little: no more than one unit at a time.
        point = point - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < _TOLERANCE:
            break
    return point, np.linalg.inv(curvature)
