"""Recalibrates probabilities on the newest closed label window, inside the model."""

from typing import Final, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

Floats = NDArray[np.float64]

SLOPE_DEVIATION: Final = 0.1
"""How far from 1 a slope is believed to lie beforehand, one standard deviation."""
LASTING_DEVIATION: Final = 0.1
"""The same of the shift of log-odds that began in the newest label window and lasts."""
PASSING_DEVIATION: Final = 0.1
"""The same of what is common to all accounts of a window and is gone in the next: a season,
an incident. As long as nothing says which of the two a shift is, half of it is carried on."""
_SMALLEST: Final = 1e-6


class Recalibration(NamedTuple):
    """sigmoid(slope x logit(probability) + intercept)."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, probabilities: Floats) -> Floats:
        """Returns the recalibrated probabilities, [n] as given."""
        return np.asarray(expit(self.slope * _log_odds(probabilities) + self.intercept))


def fit_slope(labels: Floats, probabilities: Floats) -> float:
    """Finds how much further apart, or closer, the log-odds ought to lie.

    Platt 1999 ("Probabilistic outputs for support vector machines"), with a normal prior
    on the slope in place of his smoothed labels: without evidence it stays 1, and never
    leaves [0, 2]. The intercept that is fitted beside it is dropped, see fit_intercept.

    Args:
        labels: 0 or 1, [n], of snapshots that the model was not fitted on.
        probabilities: Its answers, [n].
    """
    odds = _log_odds(probabilities)
    middle = float(odds.mean())

    def cost(parameters: Floats) -> float:
        slope, shift = parameters
        found = slope * (odds - middle) + middle + shift
        fit = np.sum(np.logaddexp(0, found) - labels * found)
        return float(fit + ((slope - 1) / SLOPE_DEVIATION) ** 2 / 2)

    best = minimize(cost, np.array([1.0, 0.0]), method="BFGS", options={"gtol": 1e-6})
    return float(np.clip(best.x[0], 0.0, 2.0))


def fit_intercept(labels: Floats, probabilities: Floats, slope: float) -> float:
    """Finds the part of the newest window's shift that is expected to last.

    The shift at which the mean probability comes to the observed rate is lasting plus
    passing, with a normal prior on each: it is fitted under the sum of their variances,
    which holds it back where there are few snapshots, and the lasting share is returned.

    Args:
        labels: 0 or 1, [n], of the newest training cutoff.
        probabilities: Of the model that is to be served, [n].
        slope: Of fit_slope; the map turns about the mean log-odds.
    """
    odds = _log_odds(probabilities)
    pivot = (1 - slope) * float(odds.mean())
    turned = slope * odds + pivot
    variance = LASTING_DEVIATION**2 + PASSING_DEVIATION**2
    shift = 0.0
    for _ in range(50):
        found = expit(turned + shift)
        gradient = float(np.sum(found - labels)) + shift / variance
        curvature = float(np.sum(found * (1 - found))) + 1 / variance
        step = float(np.clip(gradient / curvature, -1, 1))
        shift -= step
        if abs(step) < 1e-12:
            break
    return pivot + shift * LASTING_DEVIATION**2 / variance


def recalibrated_model(model: keras.Model, recalibration: Recalibration) -> keras.Model:
    """Returns the model with the map behind it: [batch, width] to probabilities [batch, 1]."""
    kept = keras.ops.clip(model.output, _SMALLEST, 1 - _SMALLEST)
    odds = keras.ops.log(kept) - keras.ops.log1p(-kept)
    mapped = keras.ops.sigmoid(recalibration.slope * odds + recalibration.intercept)
    return keras.Model(model.input, mapped)


def _log_odds(probabilities: Floats) -> Floats:
    kept = np.clip(np.asarray(probabilities, np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.asarray(logit(kept))
