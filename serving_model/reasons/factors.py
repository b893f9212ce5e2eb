"""Log-odds as a person reads them: a factor on the odds."""

import math
from typing import Final

import numpy as np

from transforms.arrays import Floats, Integers

SMALLEST_PROBABILITY: Final = 1e-12
LARGEST_PROBABILITY: Final = float(1 - 2.0**-23)
"""Probabilities are cut here before their log-odds are taken, so that these are finite: the
upper bound is the last but one that float32 tells from 1."""
_LARGEST_EXPONENT: Final = 700.0
"""Beyond it a float64 is infinite."""
_ONE_DIGIT_LESS: Final = (0.095, 1.095, 9.95)
"""From these factors on fewer digits are shown: 4 below the first, then 2, 1 and none."""
_DIGITS: Final = np.array([4, 2, 1, 0])
_NEAR: Final = 1e-6
"""Of an edge between two texts: there numpy's exponential may lie on the other side of it."""


def factor(log_odds: float) -> str:
    """Returns what a contribution multiplies the odds of churn by: "×1.9", "×0.83", "×12".

    Args:
        log_odds: The contribution; 0 is "×1".
    """
    value = math.exp(max(min(log_odds, _LARGEST_EXPONENT), -_LARGEST_EXPONENT))
    if value >= 1e6 or value < 1e-3:
        return f"×{value:.1e}"
    if value == 1.0:
        return "×1"
    digits = _DIGITS[sum(value >= edge for edge in _ONE_DIGIT_LESS)]
    return f"×{value:.{digits}f}"


def factors(log_odds: Floats) -> tuple[list[str], Integers]:
    """Returns factor of many contributions; numbers that read alike are formatted once.

    Args:
        log_odds: The contributions, [n].

    Returns:
        Some texts, and of each contribution the place of its text among them, int64 [n].
    """
    values = np.exp(np.clip(log_odds, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))
    fewer = np.searchsorted(_ONE_DIGIT_LESS, values, side="right")
    scaled = values * 10.0 ** _DIGITS[fewer]
    doubtful = (values < 1e-3 * (1 + _NEAR)) | (values > 1e6 * (1 - _NEAR))
    doubtful |= np.abs(scaled - np.floor(scaled) - 0.5) < _NEAR
    for edge in (*_ONE_DIGIT_LESS, 1.0):
        doubtful |= np.abs(values - edge) < _NEAR
    alike = np.where(doubtful, -1.0, np.rint(scaled)).astype(np.int64) * len(_DIGITS) + fewer
    alike[doubtful] = -1 - np.arange(np.count_nonzero(doubtful))  # each has a text of its own
    _, first, place = np.unique(alike, return_index=True, return_inverse=True)
    return [factor(one) for one in log_odds[first].tolist()], place
