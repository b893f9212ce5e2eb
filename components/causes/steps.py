"""Did a series by day change at one moment, over weeks, or not at all?"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from transforms.arrays import Floats

RECENT_DAYS: Final = 28
"""A change is looked for in the last four weeks."""
FITTED_DAYS: Final = 42
"""Days that step and ramp are fitted to."""
RAMPS: Final = (10, 14, 21, 28, 42)
"""Days that a gradual change takes."""
_WEEK: Final = 7


@dataclass(frozen=True)
class Change:
    """How a series changed, if it did.

    Attributes:
        days_ago: Days of the best step, counted from the end; 1 is the last day alone.
        size: Mean since the step less the mean before.
        step: How much better a step at one moment fits than no change, in squared standard errors.
        ramp: Likewise a change that takes weeks.
        shape: Of the better one: 0 before, 1 after it, for each of the days that were fitted.
    """

    days_ago: int
    size: float
    step: float
    ramp: float
    shape: Floats

    @property
    def surprise(self) -> float:
        """How much better the better one fits than no change."""
        return max(self.step, self.ramp)

    @property
    def sharpness(self) -> float:
        """How much better a step fits than a ramp; below 0 where the ramp fits better."""
        return self.step - self.ramp


def find_change(values: Floats, weights: Floats) -> Change:
    """Fits a step and a ramp to the last days of a series.

    Args:
        values: By day, the oldest first, [days].
        weights: 1 / variance of each, [days]; 0 for a day without rows.
    """
    y, w = values[-FITTED_DAYS:], weights[-FITTED_DAYS:]
    days = len(y)
    at = np.arange(days)
    ends = np.arange(days - RECENT_DAYS, days)
    steps = (at >= ends[:, None]).astype(float)
    starts = np.arange(max(days - 42, 1), days - 2)
    ramps = np.concatenate([np.clip((at + 1 - starts[:, None]) / length, 0, 1) for length in RAMPS])
    by_step, sizes = _gains(y, w, steps)
    by_ramp, _ = _gains(y, w, ramps)
    best, gradual = int(np.argmax(by_step)), int(np.argmax(by_ramp))
    return Change(
        days_ago=int(days - ends[best]),
        size=float(sizes[best]),
        step=float(by_step[best]),
        ramp=float(by_ramp[gradual]),
        shape=steps[best] if by_step[best] >= by_ramp[gradual] else ramps[gradual],
    )


def size_beside_trend(values: Floats, shape: Floats) -> float:
    """Returns the size of a change of a given shape, beside a steady growth.

    Args:
        values: By day, the oldest first, [days].
        shape: Of the last days, [at most days]; 0 before them.
    """
    whole = np.concatenate([np.zeros(len(values) - len(shape)), shape])
    days = np.linspace(0, 1, len(values))
    columns = np.stack([np.ones(len(values)), days, whole], axis=1)
    found, *_ = np.linalg.lstsq(columns, values, rcond=None)
    return float(found[2])


def overdispersion(residuals: Floats, variances: Floats) -> float:
    """Returns how far weeks vary beyond what chance among rows explains, at least 1.

    Args:
        residuals: Sums by day less what was expected, of days without the recent ones, [days].
        variances: What chance explains of each, [days].
    """
    weeks = len(residuals) // _WEEK
    sums = residuals[-weeks * _WEEK :].reshape(weeks, _WEEK).sum(axis=1)
    expected = variances[-weeks * _WEEK :].reshape(weeks, _WEEK).sum(axis=1)
    known = expected > 0
    if known.sum() < 3:
        return 1.0
    scaled = sums[known] / np.sqrt(expected[known])
    # From week to week: what drifts over months is no noise of a moment.
    moves = np.diff(scaled)
    return float(max(1.0, (moves**2).mean() / 2))


def _gains(y: Floats, w: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    """Returns how much each shape improves the fit of a constant, and its size."""
    total = w.sum()
    if total == 0:
        return np.zeros(len(shapes)), np.zeros(len(shapes))
    mean = (w * y).sum() / total
    centred = shapes - (shapes @ w)[:, None] / total
    spread = (centred**2) @ w
    covariance = centred @ (w * (y - mean))
    safe = np.where(spread > 1e-12, spread, 1.0)
    size = np.where(spread > 1e-12, covariance / safe, 0.0)
    return np.asarray(size * covariance), np.asarray(size)
