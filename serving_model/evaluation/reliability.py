"""Predicted against observed: by decile, and how far apart chance alone may set them."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from serving_model.evaluation.metrics import CALIBRATION_BINS, CalibrationBins
from transforms.arrays import Floats, Integers

SIMULATIONS: Final = 400
CHANCE: Final = 0.99
"""Share of sound models that lie below the bounds of chance."""


class Decile(NamedTuple):
    """One tenth of the accounts, by probability."""

    predicted: float
    observed: float
    accounts: int


class ChanceBounds(NamedTuple):
    """What a perfectly calibrated model with these probabilities stays below."""

    calibration_error: float
    gap: float
    """Of |mean probability - observed rate|."""


def deciles(labels: Floats, probabilities: Floats) -> Iterator[Decile]:
    """Yields mean probability and observed rate of ten bins of equal size, lowest first.

    Args:
        labels: 0 or 1, [n].
        probabilities: [n].
    """
    for rows in decile_rows(probabilities):
        yield Decile(float(probabilities[rows].mean()), float(labels[rows].mean()), len(rows))


def decile_rows(probabilities: Floats) -> list[Integers]:
    """Returns the places of the accounts of each of ten bins of equal size, lowest first.

    Args:
        probabilities: [n].
    """
    order = np.argsort(probabilities, kind="stable")
    return np.array_split(order, min(CALIBRATION_BINS, len(order)))


def chance_bounds(probabilities: Floats, seed: int = 0) -> ChanceBounds:
    """Simulates how far a perfectly calibrated model would seem to be off.

    Labels are drawn from the probabilities themselves: consistency resampling of Bröcker
    and Smith 2007 ("Increasing the reliability of reliability diagrams"). The bounds fall
    with the root of the number of accounts.

    Args:
        probabilities: [n].
        seed: Of the drawing.
    """
    random = np.random.default_rng(seed)
    bins = CalibrationBins(probabilities)
    errors, gaps = [], []
    for _ in range(SIMULATIONS):
        labels = (random.random(len(probabilities)) < probabilities).astype(np.float64)
        errors.append(bins.error(labels))
        gaps.append(abs(float(np.mean(probabilities - labels))))
    return ChanceBounds(float(np.quantile(errors, CHANCE)), float(np.quantile(gaps, CHANCE)))
