"""Weights that make accounts with known outcomes stand for those of a publication.

Importance weights as PAPE has them (Białek et al. 2024, "Estimating Model Performance Under
Covariate Shift Without Labels"): a logistic regression tells accounts of the publication from those
of the evaluation set, and its odds are the ratio of both densities. bench.estimation compares it
with what the pipeline does, which knows no features of the evaluation set when it scores.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from serving_model.learning.newton import Regression
from transforms.arrays import Floats

STRENGTH: Final = 0.1
"""scikit-learn's C. Where nothing has shifted, a weak penalty would find a shift in chance."""
LARGEST_RATIO: Final = 20.0
"""Of densities: few accounts may not stand for all others."""


def shift_weights(known: NDArray[np.float32], published: NDArray[np.float32]) -> Floats:
    """Returns a weight for each account with a known outcome, [m].

    Args:
        known: Features of accounts with a known outcome, [m, c].
        published: The same features of the accounts of a publication, [n, c].

    Returns:
        Weights whose sum is the effective number of accounts, (sum)^2 / sum of squares: it falls
        where few accounts stand for many.
    """
    both = np.concatenate([known, published])
    deviation = both.std(axis=0)
    scaled = (both - both.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    target = np.r_[np.zeros(len(known)), np.ones(len(published))].astype(np.float32)
    everyone = np.ones(len(both), dtype=np.bool_)
    start = np.zeros(both.shape[1] + 1)
    point = Regression(scaled.astype(np.float32), target, everyone, STRENGTH).fit(start)
    chance = expit(scaled[: len(known)] @ point[:-1] + point[-1])
    ratio = chance / (1 - chance) * len(known) / len(published)
    kept = np.minimum(ratio, LARGEST_RATIO)
    return np.asarray(kept * kept.sum() / np.square(kept).sum(), dtype=np.float64)
