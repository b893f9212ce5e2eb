"""Blends linear part, network and trees into calibrated probabilities."""

from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import log_expit

from transforms.arrays import Floats

PRIOR_WEIGHTS: Final = {1: (1.0,), 2: (0.5, 0.5), 3: (0.5, 0.5, 0.0)}
"""Mean of the normal prior of each part's weight, by how many parts there are: linear part,
network, trees. Trees count as far as held-back examples ask for them: they do not go on beyond the
ends of training, which is where accounts are that got older."""
WEIGHT_DEVIATION: Final = 0.2
"""Standard deviation of that prior."""
_FURTHEST_SHIFT: Final = 200.0


class Blend(NamedTuple):
    """Log-odds of hazards: each part's, times its weight, and the intercept."""

    linear: float = 1.0
    network: float = 0.0
    intercept: float = 0.0
    trees: float = 0.0

    def log_odds(
        self, linear: Floats, network: Floats | None, trees: Floats | None = None
    ) -> Floats:
        """Returns the blended log-odds of the hazards, [n, K] as all are given."""
        found = self.linear * linear + self.intercept
        for weight, part in ((self.network, network), (self.trees, trees)):
            found = found if part is None else found + weight * part
        return found


def churned_within(log_odds: Floats) -> Floats:
    """Returns the probability of leaving by the end of each period, [n, K].

    Args:
        log_odds: Of the hazard in each period, [n, K].
    """
    stayed: Floats = np.cumsum(log_expit(-log_odds), axis=1)
    return -np.expm1(stayed)


def fit_weights(
    labels: Floats, linear: Floats, network: Floats | None, trees: Floats | None = None
) -> Blend:
    """Finds the weights of the parts on examples that none was fitted on.

    Stacking (Wolpert 1992, "Stacked generalization") with a normal prior of PRIOR_WEIGHTS,
    which is hard to beat where there is little to learn from. The sum of the weights is also
    the slope that Platt 1999 would fit: it draws overconfident log-odds together. An
    intercept is fitted beside them and dropped, see fit_intercept.

    Args:
        labels: 0 or 1, [n]: lost by the end of the last of these periods.
        linear: Log-odds of hazards, [n, K].
        network: The same of the network; None if there is none.
        trees: The same of the trees; None if there are none.
    """
    given = {"linear": linear, "network": network, "trees": trees}
    names, parts = zip(
        *[(name, one) for name, one in given.items() if one is not None], strict=True
    )
    prior = np.array(PRIOR_WEIGHTS[len(parts)])

    def loss(point: Floats) -> float:
        log_odds = point[-1] + sum(w * part for w, part in zip(point, parts, strict=False))
        stayed = log_expit(-log_odds).sum(axis=1)
        churned = np.log(np.maximum(-np.expm1(stayed), 1e-12))
        surprise = -float(np.sum(np.where(labels > 0, churned, stayed)))
        return surprise + float(np.sum((point[:-1] - prior) ** 2)) / (2 * WEIGHT_DEVIATION**2)

    start = np.append(prior, 0.0)
    bounds = [(0.0, 2.0)] * len(parts) + [(-5.0, 5.0)]
    found = minimize(loss, start, bounds=bounds, method="L-BFGS-B").x
    return Blend(**{name: float(weight) for name, weight in zip(names, found, strict=False)})


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
