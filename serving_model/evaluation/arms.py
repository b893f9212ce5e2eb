"""Do accounts that one model scores leave more often than those that another scores?

Two models share the accounts by a hash, so that who scores an account is decided by chance before
anybody acts upon a score. What differs between the arms afterwards was caused by the model: by
whom it made people call. All accounts count in the arm that they were assigned to (intention to
treat).

Looking daily is allowed through the test of `sequential` alone. Its differences are weighted by the
chance of each arm, d = left / P(first) in the first arm and -left / P(second) in the second, scaled
into [-1, 1]: their mean is 0 where both models keep as many accounts, whatever the accounts are
like (inverse probability weighting; Horvitz and Thompson 1952). Each account counts once: its arm
never changes, and a second window would repeat the imbalance that chance made in the first.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chi2

from serving_model.evaluation.performance import Estimate
from serving_model.evaluation.sequential import Window
from serving_model.evaluation.treatment import treatment_effect
from transforms.arrays import Booleans, Floats

MISMATCH: Final = 0.001
"""Chance below which the sizes of the arms are told to be no accident."""


@dataclass(frozen=True)
class ArmWindow(Window):
    """The accounts of one publication whose window is closed, each in one of two arms.

    Attributes:
        churned: Who left within the window, [n].
        first: Probability of leaving as published, whichever model said so, [n]; sizes the bets.
        second: The same.
        is_second: Who is in the second arm, [n].
        share: Of accounts in the second arm, ]0, 1[.
    """

    is_second: Booleans
    share: float

    @property
    def scale(self) -> float:
        """A difference of 1 between the shares of the arms that leave, in the differences."""
        return min(self.share, 1 - self.share)

    @property
    def differences(self) -> Floats:
        """Weighted departures, those of the second arm below 0, [n], -1..1."""
        return self._weights * self.churned

    @property
    def lowest(self) -> float:
        """The least difference that any outcome could give."""
        return -self.scale / self.share

    @property
    def foreseen_variance(self) -> float:
        """Sum of the variances if accounts leave with their probabilities."""
        return float(np.sum(self._weights**2 * self.first))

    def swapped(self) -> "ArmWindow":
        """Returns the window with the arms in each other's place."""
        return ArmWindow(self.churned, self.first, self.second, ~self.is_second, 1 - self.share)

    @property
    def _weights(self) -> Floats:
        chances = np.where(self.is_second, -self.share, 1 - self.share)
        weights: Floats = self.scale / chances
        return weights


@dataclass(frozen=True)
class Arms:
    """A share of the accounts of each arm, with Wilson's intervals.

    Attributes:
        first: Of the first arm.
        second: Of the second one.
        difference: Second less first, with Newcombe's interval.
    """

    first: Estimate
    second: Estimate
    difference: Estimate


def compared_shares(holds: Booleans, is_second: Booleans) -> Arms:
    """Compares how many accounts of each arm fulfil something.

    Args:
        holds: Whether each account does, [n].
        is_second: Who is in the second arm, [n].
    """
    effect = treatment_effect(holds, is_second)
    return Arms(effect.treated, effect.untreated, effect.saved)


def mismatch(second: int, accounts: int, share: float) -> float:
    """Returns how likely arms of these sizes, or less likely ones, are by chance.

    Pearson's chi-square test with one degree of freedom. Far below MISMATCH something other than
    the hash decides who is scored by which model, and the arms cannot be compared.

    Args:
        second: Accounts in the second arm.
        accounts: In both.
        share: That the second arm should have, ]0, 1[.
    """
    if not accounts:
        return 1.0
    expected = accounts * share
    statistic = (second - expected) ** 2 / (expected * (1 - share))
    return float(chi2.sf(statistic, 1))
