"""Blends linear part and network into calibrated probabilities."""

from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import log_expit

from transforms.arrays import Floats

PRIOR_WEIGHT: Final = 0.5
"""Mean of the normal prior of each part's weight."""
WEIGHT_DEVIATION: Final = 0.2
"""Standard deviation of that prior."""
_FURTHEST_SHIFT: Final = 200.0


class Blend(NamedTuple):
    """Log-odds of hazards: linear x the linear part's + network x the network's + intercept."""

    linear: float = 1.0
    network: float = 0.0
    intercept: float = 0.0

    def log_odds(self, linear: Floats, network: Floats | None) -> Floats:
        """Returns the blended log-odds of the hazards, [n, K] as both are given."""
        found = self.linear * linear + self.intercept
        return found if network is None else found + self.network * network


def churned_within(log_odds: Floats) -> Floats:
    """Returns the probability of leaving by the end of each period, [n, K].

    Args:
        log_odds: Of the hazard in each period, [n, K].
    """
    stayed: Floats = np.cumsum(log_expit(-log_odds), axis=1)
    return -np.expm1(stayed)


def fit_weights(labels: Floats, linear: Floats, network: Floats | None) -> Blend:
    """Finds the weights of both parts on examples that neither was fitted on.

    Stacking (Wolpert 1992, "Stacked generalization") with a normal prior of half and half,
    which is hard to beat where there is little to learn from. The sum of the weights is also
    the slope that Platt 1999 would fit: it draws overconfident log-odds together. An
    intercept is fitted beside them and dropped, see fit_intercept.

    Args:
        labels: 0 or 1, [n]: lost by the end of the last of these periods.
        linear: Log-odds of hazards, [n, K].
        network: The same of the network; None if there is none.
    """
    parts = [linear] if network is None else [linear, network]
    prior = 1.0 if network is None else PRIOR_WEIGHT

    def loss(point: Floats) -> float:
        log_odds = point[-1] + sum(w * part for w, part in zip(point, parts, strict=False))
        stayed = log_expit(-log_odds).sum(axis=1)
        churned = np.log(np.maximum(-np.expm1(stayed), 1e-12))
        surprise = -float(np.sum(np.where(labels > 0, churned, stayed)))
        return surprise + float(np.sum((point[:-1] - prior) ** 2)) / (2 * WEIGHT_DEVIATION**2)

    start = np.array([prior] * len(parts) + [0.0])
    bounds = [(0.0, 2.0)] * len(parts) + [(-5.0, 5.0)]
    found = minimize(loss, start, bounds=bounds, method="L-BFGS-B").x
    return Blend(float(found[0]), 0.0 if network is None else float(found[1]))


def fit_intercept(labels: Floats, log_odds: Floats) -> float:
    """Finds the shift of hazards at which mean probability and observed rate agree.

    Args:
        labels: 0 or 1, [n]: lost by the end of the last of these periods. Of one outcome
            alone, half an example is taken for the other, so that the shift is finite.
        log_odds: Of the hazard in each period, [n, K].
    """
    rate = float(np.clip(labels.mean(), 0.5 / len(labels), 1 - 0.5 / len(labels)))

    def gap(shift: float) -> float:
        return float(churned_within(log_odds + shift)[:, -1].mean()) - rate

    return float(brentq(gap, -_FURTHEST_SHIFT, _FURTHEST_SHIFT, xtol=1e-9))
