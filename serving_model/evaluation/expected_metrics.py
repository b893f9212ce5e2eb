"""What metrics come to on average, where outcomes are not known but how likely each one is.

Confidence-based performance estimation (NannyML): with calibrated probabilities the mean of a
metric over all outcomes that are possible has a closed form. Outcomes are taken as independent
given their chances. A chance is how likely an account leaves; it is 0 or 1 where the outcome is
known, and need not be the probability that was published.

AUC and PR AUC are ratios of expectations, corrected to second order for the covariance of both
parts: without it the PR AUC of 30 expected churns would come out 3 % too high.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.special import erf

from serving_model.evaluation.metrics import CALIBRATION_BINS, log_losses, squared_errors
from transforms.arrays import Floats, Integers

_LEAST: Final = 1e-12
"""Expected pairs, or churned accounts, below which there are none."""


class Moments(NamedTuple):
    """Mean and standard deviation of a metric over the outcomes that are possible."""

    mean: float
    deviation: float


class ExpectedRanking:
    """Accounts in the order of their probabilities, sorted once for any chances of leaving.

    Args:
        probabilities: As published, [n], n at least 1; equal ones share a place.
    """

    def __init__(self, probabilities: Floats) -> None:
        self._order = np.argsort(probabilities, kind="stable")
        self._sorted = probabilities[self._order]
        self._starts = np.flatnonzero(np.r_[True, self._sorted[1:] != self._sorted[:-1]])
        self._ends = np.r_[self._starts[1:], len(probabilities)]

    def auc(self, chances: Floats) -> Moments:
        """Returns the AUC to expect: expected concordant pairs over expected pairs.

        An account's place r is how many others lie below it, tied ones as half. The concordant
        pairs are those of churned accounts and places, less those among churned ones, of which
        each has one winner, tied or not. So d = concordant - mean x pairs is of second order in
        the outcomes, the coefficient of two of them is 2 x mean - 1 for every pair of accounts,
        and the variance of d is exact.

        Args:
            chances: Of leaving, [n], in the order in which the probabilities were given.

        Returns:
            NaN where no pair of an account that leaves and one that stays is possible.
        """
        left = chances[self._order]
        count, churned = len(left), float(left.sum())
        variance = left * (1 - left)
        total_variance = float(variance.sum())
        pairs = churned * (count - churned) - total_variance
        if pairs < _LEAST:
            return Moments(math.nan, math.nan)
        sizes = self._ends - self._starts
        place = np.repeat((self._starts + self._ends - 1) / 2, sizes)
        won = float(left @ place) - (churned**2 - float(left @ left)) / 2
        mean = won / pairs
        # By how much one more churn changes the pairs, and d.
        of_pairs = (count - 1) - 2 * (churned - left)
        of_d = place - mean * (count - 1) - (1 - 2 * mean) * (churned - left)
        both = (total_variance**2 - float(variance @ variance)) / 2
        spread = float(variance @ np.square(of_d)) + (2 * mean - 1) ** 2 * both
        shared = float(variance @ (of_d * of_pairs)) + 2 * (1 - 2 * mean) * both
        return Moments(mean - shared / pairs**2, math.sqrt(max(0.0, spread)) / pairs)

    def average_precision(self, chances: Floats) -> float:
        """Returns the PR AUC to expect, as average_precision has it: a step for each place.

        Args:
            chances: Of leaving, [n], in the order in which the probabilities were given.

        Returns:
            NaN where no account can leave.
        """
        left = chances[self._order]
        by_place = np.add.reduceat(left, self._starts)[::-1]
        variances = np.add.reduceat(left * (1 - left), self._starts)[::-1]
        flagged = (len(left) - self._starts)[::-1]
        churned, spread = float(by_place.sum()), float(variances.sum())
        if churned < _LEAST:
            return math.nan
        caught = np.cumsum(by_place)
        steps = float(((by_place * caught + variances) / flagged).sum())
        # By how much one more churn at a place changes the sum of steps.
        slope = caught / flagged + np.cumsum((by_place / flagged)[::-1])[::-1]
        shared = float(variances @ slope)
        return steps / churned - shared / churned**2 + steps * spread / churned**3

    def calibration_error(self, chances: Floats) -> float:
        """Returns the calibration error to expect, as CalibrationBins has it.

        The gap of a bin is taken as normal, so its absolute value has a closed form.

        Args:
            chances: Of leaving, [n], in the order in which the probabilities were given.
        """
        left = chances[self._order]
        count = len(left)
        bins = [rows[0] for rows in np.array_split(np.arange(count), CALIBRATION_BINS) if rows.size]
        # Parts that lie in one bin and share a place: a tie that crosses bins has several.
        parts = np.union1d(self._starts, bins)
        place = self._of_parts(self._starts, parts)
        sizes = np.diff(np.r_[parts, count])
        share = sizes / (self._ends - self._starts)[place]
        left_there = np.add.reduceat(left, self._starts)[place]
        spread_there = np.add.reduceat(left * (1 - left), self._starts)[place]
        gaps = np.add.reduceat(self._sorted, parts) - share * left_there
        of_bin = self._of_parts(np.array(bins), parts)
        mean: Floats = np.bincount(of_bin, gaps).astype(np.float64)
        spread = np.bincount(of_bin, np.square(share) * spread_there)
        return float(_mean_absolute(mean, np.sqrt(spread)).sum() / count)

    @staticmethod
    def _of_parts(starts: Integers, parts: Integers) -> Integers:
        return np.searchsorted(starts, parts, side="right") - 1


def expected_log_loss(probabilities: Floats, chances: Floats) -> Moments:
    """Returns the log-loss to expect in nats, exactly.

    Args:
        probabilities: As published, [n].
        chances: Of leaving, [n].
    """
    ones = np.ones_like(chances)
    return _of_mean(log_losses(ones, probabilities), log_losses(0 * ones, probabilities), chances)


def expected_brier(probabilities: Floats, chances: Floats) -> Moments:
    """Returns the Brier score to expect, exactly.

    Args:
        probabilities: As published, [n].
        chances: Of leaving, [n].
    """
    ones = np.ones_like(chances)
    left, stayed = (squared_errors(labels, probabilities) for labels in (ones, 0 * ones))
    return _of_mean(left, stayed, chances)


def _of_mean(if_left: Floats, if_stayed: Floats, chances: Floats) -> Moments:
    """Of the mean over accounts of a value that the account's outcome decides."""
    mean = float(np.mean(chances * if_left + (1 - chances) * if_stayed))
    spread = chances * (1 - chances) @ np.square(if_left - if_stayed)
    return Moments(mean, math.sqrt(spread) / len(chances))


def _mean_absolute(mean: Floats, deviation: Floats) -> Floats:
    """Of normal values: the mean of the folded normal distribution."""
    # 40 deviations off, the mean alone counts.
    ratio = np.clip(mean / np.maximum(deviation, 1e-300), -40, 40)
    return np.asarray(
        math.sqrt(2 / math.pi) * deviation * np.exp(-np.square(ratio) / 2)
        + mean * erf(ratio / math.sqrt(2))
    )
