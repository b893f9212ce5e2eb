"""Is one model worse than another? A test that may be looked at daily, and an interval beside it.

Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (Journal of the
Royal Statistical Society B 86, 2024; arXiv 2010.09686), sections 4 and 5. Somebody bets against
"the mean is at most m", with stakes that are chosen before the outcome is known and that can never
cost all of the capital. While the mean is at most m, the capital is at any time at most that of
the beginning, in expectation; by Ville's inequality it ever comes to 1 / error with probability
`error` at most, whenever and however often one looks. The means that are not refuted make a
confidence sequence.

What is compared are squared errors of probabilities (Brier), a difference for each account and
window:

    d = (p_first - y)^2 - (p_second - y)^2, within [-1, 1], above 0 where the first is worse

Brier and not log-loss, since its differences have bounds that are known before the outcome: with
two probabilities d can take two values, so the size of a bet follows from them, and nothing is
clipped.

**The unit is an account in a window, and windows of one account do not overlap.** A daily score
says nearly what it said of the same account the day before, and the windows of 60 days that begin
on two days share 59 of them: one departure would be counted 60 times, and any test would find what
it likes. An account counts again when its last window has closed. Windows are taken in the order
in which they close.

**Accounts of one publication are one batch.** The stake is the same for all of them and depends on
batches that closed before and on the probabilities, never on outcomes of the batch. By the
inequality of arithmetic and geometric means the product of the bets is then fair for "on average
over the accounts of each batch the expected d is at most m", however much it differs from one
account to another; a stake for each account would test a weighted mean that nobody asked for.
Assumed is that accounts leave independently of each other given what they all share in a window,
such as a season or an incident: what is shared counts as part of the difference, not as chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from transforms.arrays import Booleans, Floats

_STAKES: Final = np.array([0.25, 0.5, 1.0, 2.0])
"""Bets, in multiples of the best one if the difference is as large as can just be found by now; a
quarter of the capital goes on each, so that neither small nor large differences are missed."""
_MOST: Final = 0.75
"""Of the capital that one account may cost."""
_TINY: Final = 1e-12
_HALVINGS: Final = 40


@dataclass(frozen=True)
class Window:
    """The accounts of one publication whose window is closed, n of them, no account twice.

    Attributes:
        churned: Who left within the window, [n].
        first: Probabilities of one model, 0..1, [n].
        second: Those of the other model for the same accounts, [n].
    """

    churned: Booleans
    first: Floats
    second: Floats

    def __post_init__(self) -> None:
        """Refuses arrays that do not belong together.

        Raises:
            ValueError: Lengths differ, or a probability is none.
        """
        if not len(self.churned) == len(self.first) == len(self.second):
            raise ValueError("A window needs an outcome and two probabilities for each account.")
        both = np.concatenate([self.first, self.second])
        if not np.all((both >= 0) & (both <= 1)):  # NaN fails both
            raise ValueError("A window holds what is no probability: expected 0..1.")

    @property
    def differences(self) -> Floats:
        """Squared error of the first model less that of the second, [n], -1..1."""
        left = self.churned.astype(np.float64)
        return (self.first - left) ** 2 - (self.second - left) ** 2

    @property
    def lowest(self) -> float:
        """The least difference that any outcome could give."""
        stays = self.first**2 - self.second**2
        leaves = (1 - self.first) ** 2 - (1 - self.second) ** 2
        return float(min(stays.min(), leaves.min()))

    @property
    def foreseen_variance(self) -> float:
        """Sum of the variances if accounts leave with the mean of both probabilities."""
        chance = (self.first + self.second) / 2
        return float(np.sum((2 * (self.first - self.second)) ** 2 * chance * (1 - chance)))

    def swapped(self) -> "Window":
        """Returns the window with the models in each other's place."""
        return Window(self.churned, self.second, self.first)


@dataclass(frozen=True)
class Sequential:
    """What a comparison says so far.

    Attributes:
        mean: Mean difference of the squared errors, first less second; NaN without an account.
        low: Below it the true mean lies with probability `error` at most, over all looks.
        high: Above it likewise. Below `low` where the mean was not the same in all windows.
        accounts: Accounts in windows that were compared.
        windows: How many windows.
        worse: Capital of who bets that the first model is worse by more than the margin: 1 / error
            or more shows it. The highest so far.
        better: Of who bets that it is better by more than the margin, likewise.
        error: Probability with which `worse`, or `better`, is shown although it is not so.
    """

    mean: float
    low: float
    high: float
    accounts: int
    windows: int
    worse: float
    better: float
    error: float

    @property
    def is_worse(self) -> bool:
        """Whether the first model is shown to be worse."""
        return self.worse >= 1 / self.error

    @property
    def is_better(self) -> bool:
        """Whether the first model is shown to be better."""
        return self.better >= 1 / self.error


def compare(windows: Sequence[Window], error: float, margin: float = 0.0) -> Sequential:
    """Compares two models on windows that are closed.

    Args:
        windows: That do not overlap, in the order in which they close; empty ones are left out.
        error: Probability of a wrong answer in either direction, over all looks, 0..1.
        margin: Difference of the squared errors that is not worth an act, 0 or more.
    """
    known = [one for one in windows if len(one.churned)]
    if not known:
        return Sequential(math.nan, -1.0, 1.0, 0, 0, 1.0, 1.0, error)
    turned = [one.swapped() for one in known]
    every = np.concatenate([one.differences for one in known])
    return Sequential(
        mean=float(every.mean()),
        low=lower_end(known, error),
        high=-lower_end(turned, error),
        accounts=len(every),
        windows=len(known),
        worse=float(capital(known, error, margin).max(initial=1.0)),
        better=float(capital(turned, error, margin).max(initial=1.0)),
        error=error,
    )


def capital(windows: Sequence[Window], error: float, mean: float = 0.0) -> Floats:
    """Returns what a capital of 1 has become after each window, [windows].

    It is bet on the first model being worse than the second by more than `mean`, on average over
    the accounts of each window; where it is not, the capital ever exceeds 1 / error with
    probability `error` at most.

    Args:
        windows: In the order in which they close, at least one account in each.
        error: For which the bets are made; others are as valid, and a little weaker.
        mean: Of the differences, -1..1.
    """
    logs, spread, found = np.zeros(len(_STAKES)), 0.0, []
    for window in windows:
        spread += window.foreseen_variance
        best = math.sqrt(2 * math.log(1 / error) / max(spread, _TINY))
        stakes = np.minimum(_STAKES * best, _MOST / max(mean - window.lowest, _TINY))
        logs += np.log1p(stakes[:, None] * (window.differences - mean)).sum(axis=1)
        found.append(np.logaddexp.reduce(logs) - math.log(len(logs)))
    return np.exp(np.minimum(found, 700.0))


def lower_end(windows: Sequence[Window], error: float) -> float:
    """Returns the largest mean that is refuted by now: the true one lies above it.

    Args:
        windows: As for `capital`.
        error: Probability with which it does not.
    """
    refuted = min(one.lowest for one in windows)
    possible = max(float(one.differences.max()) for one in windows)
    for _ in range(_HALVINGS):  # the capital falls as the mean rises
        middle = (refuted + possible) / 2
        if capital(windows, error, middle).max() >= 1 / error:
            refuted = middle
        else:
            possible = middle
    return refuted
