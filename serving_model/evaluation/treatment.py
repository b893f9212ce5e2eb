"""What a team's actions save, by the accounts that were left alone at random.

Whether an account is held out is decided by chance before anybody acts, so that those held out and
the others differ by what was done and by nothing else. All accounts count in the arm that they were
assigned to, whether or not somebody acted (intention to treat; Hernán and Robins, Causal Inference:
What If, chapter 22): who is acted upon is chosen by people, and comparing by that would compare
other accounts with each other.
"""

import math
from dataclasses import dataclass

from scipy.special import ndtri

from serving_model.evaluation.performance import UNDEFINED, Estimate
from transforms.arrays import Booleans

CONFIDENCE = 0.95


@dataclass(frozen=True)
class TreatmentEffect:
    """Flagged accounts, by the arm that they were assigned to.

    Attributes:
        held_out: Accounts that were to be left alone.
        untreated: Share of them that left: the precision of the flag where nobody acts.
        treated: Share of the others that left.
        saved: Untreated less treated: the share of flagged accounts that stayed because of what
            was done. Below 0 where more left.
    """

    held_out: int
    untreated: Estimate
    treated: Estimate
    saved: Estimate


def treatment_effect(left: Booleans, held_out: Booleans) -> TreatmentEffect:
    """Compares flagged accounts that were held out with the others.

    Args:
        left: Whether each account left within the horizon, [n].
        held_out: Whether it was assigned to be left alone, [n].

    Returns:
        Shares with Wilson's interval, their difference with Newcombe's (Interval estimation for
        the difference between independent proportions, Statistics in Medicine 17, 1998, method
        10). Undefined where one arm has no account.
    """
    untreated = wilson(int(left[held_out].sum()), int(held_out.sum()))
    treated = wilson(int(left[~held_out].sum()), int((~held_out).sum()))
    return TreatmentEffect(int(held_out.sum()), untreated, treated, _less(untreated, treated))


def wilson(count: int, total: int) -> Estimate:
    """Returns a share with its score interval (Wilson 1927); undefined without any account."""
    if not total:
        return UNDEFINED
    share, z = count / total, float(ndtri((1 + CONFIDENCE) / 2))
    shrunk = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / shrunk
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / shrunk
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half))


def _less(one: Estimate, other: Estimate) -> Estimate:
    """Returns the difference of two independent shares."""
    difference = one.value - other.value
    if math.isnan(difference):
        return UNDEFINED
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(difference, difference - below, difference + above)
