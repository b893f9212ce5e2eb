"""The move of a probability, divided among contributions that are made in log-odds.

Along the straight way from the former contributions to the new ones the gradient of the
probability is the same for each of them at each point, so what each adds to the probability is its
own change times the mean of that gradient: the slope of the secant, (p_b - p_a) / (l_b - l_a) with
l the log-odds. So the parts of an account add up to its move, whatever the order of the changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from serving_model.reasons.factors import LARGEST_PROBABILITY, SMALLEST_PROBABILITY
from transforms.arrays import Floats

NARROW: Final = 1e-4
"""Log-odds: between nearer ends the slope is taken at their middle, which errs by less than a
billionth of it; the quotient would lose its digits."""


@dataclass(frozen=True)
class Contributions:
    """What the scores of n accounts are made of.

    Attributes:
        probabilities: Of churn, [n].
        log_odds: Contributions of the groups, [n, groups].
    """

    probabilities: Floats
    log_odds: Floats


def log_odds_of(probabilities: Floats) -> Floats:
    """Returns log(p / (1 - p)), cut as the model cuts it."""
    kept = np.clip(probabilities, SMALLEST_PROBABILITY, LARGEST_PROBABILITY)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def shares(contributions: Floats) -> Floats:
    """Returns the shares of contributions [n, groups] in the size of all; even where all are 0."""
    size = np.abs(contributions)
    total = size.sum(axis=1, keepdims=True)
    even = np.full_like(size, 1 / max(size.shape[1], 1))
    return np.divide(size, total, out=even, where=total > 0)


def slopes(before: Floats, after: Floats) -> Floats:
    """Returns the mean gradient of the probability between two, as a function of the log-odds."""
    way = log_odds_of(after) - log_odds_of(before)
    middle = (before + after) / 2
    found = middle * (1 - middle)
    return np.divide(after - before, way, out=found, where=np.abs(way) > NARROW)


def parts_by_group(
    before: tuple[float, Sequence[float]],
    after: tuple[float, Sequence[float]],
    groups: Sequence[str],
) -> dict[str, float]:
    """Returns what each group adds to the move of one account, the largest first.

    Args:
        before: Its former probability, and the contributions of the groups to it.
        after: The same now.
        groups: Their names, in that order.
    """
    sides = [Contributions(np.array([p]), np.array([c], float)) for p, c in (before, after)]
    named = zip(groups, parts_of_moves(*sides)[0].tolist(), strict=False)
    return dict(sorted(named, key=lambda one: -abs(one[1])))


def parts_of_moves(before: Contributions, after: Contributions) -> Floats:
    """Divides the moves of n accounts that one model scored twice.

    Args:
        before: What their former scores are made of.
        after: What their scores are made of, of the same groups.

    Returns:
        [n, groups + 1]: what each group adds to the probability, and in the last column the rest,
        which is what contributions that were rounded leave over. Rows add up to the moves.
    """
    slope = slopes(before.probabilities, after.probabilities)
    groups = slope[:, None] * (after.log_odds - before.log_odds)
    rest = after.probabilities - before.probabilities - groups.sum(axis=1)
    return np.concatenate([groups, rest[:, None]], axis=1)
