"""Gains and lift: churned accounts found by contacting accounts in the order of their scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.model_gate.decision_file import CHALLENGER
from components.model_gate.predictions import Predictions
from components.model_review.sections.estimates import (
    Curve,
    Estimate,
    SectionMissing,
    thinned,
)
from serving_model.evaluation.paired_bootstrap import draws, interval
from transforms.arrays import Floats, Integers

SHARES: Final = (0.05, 0.1, 0.2)
"""Of the accounts that are called, for the lift."""


@dataclass(frozen=True)
class CallsForHalf:
    """How many accounts, the highest scores first, must be called to reach half of the leavers."""

    model: str
    accounts: int
    share: float


@dataclass(frozen=True)
class Gains:
    """How many leavers are found by how many calls.

    Attributes:
        curves: Of challenger, champion and baselines; x: share of accounts called, highest
            probability first, y: share of leavers among them found, which of accounts with
            one probability is the mean over their orders.
        calls_for_half: By model, in the same order.
        lift: Of the challenger: share of leavers among the called over that of all, by the
            share called, such as (0.1, lift at 10 %).
        accounts: In the evaluation snapshot.
        churned: Of them.
    """

    curves: tuple[Curve, ...]
    calls_for_half: tuple[CallsForHalf, ...]
    lift: tuple[tuple[float, Estimate], ...]
    accounts: int
    churned: int


class Calls(NamedTuple):
    """After each distinct probability, the highest first, [p + 1]; both begin with 0.

    Accounts of one probability have no order: they are called together.
    """

    called: Integers
    """Accounts with this probability or a higher one."""
    found: Integers
    """Leavers among them."""


def calls(labels: Floats, probabilities: Floats) -> Calls:
    """Counts the called and the found.

    Args:
        labels: 0 or 1, [n], n at least 1.
        probabilities: [n].
    """
    order, called = ranked(probabilities)
    found = np.cumsum(labels[order], dtype=np.int64)[called - 1]
    return Calls(np.r_[0, called], np.r_[0, found])


def ranked(probabilities: Floats) -> tuple[Integers, Integers]:
    """Ranks accounts.

    Args:
        probabilities: [n].

    Returns:
        Their places by falling probability, [n], and how many accounts have each distinct
        probability or a higher one, [p].
    """
    order = np.argsort(-probabilities, kind="stable")
    return order, np.r_[np.flatnonzero(np.diff(probabilities[order])) + 1, len(order)]


def gains_of(predictions: Predictions) -> Gains:
    """Integers the leavers that each model finds.

    Of accounts with one probability, some of which are called, as many leavers are counted as
    there are in the mean over all orders to call them in.

    Args:
        predictions: What the gate judged.

    Raises:
        SectionMissing: No account left.
    """
    labels, accounts = predictions.labels, len(predictions.labels)
    if not labels.any():
        raise SectionMissing(
            f"None of the {accounts} accounts of the evaluation snapshot left: there is nobody "
            "to find."
        )
    counted = {name: calls(labels, found) for name, found in predictions.models.items()}
    halves = [CallsForHalf(name, *calls_for_half(one)) for name, one in counted.items()]
    return Gains(
        curves=tuple(
            thinned(name, one.called / accounts, one.found / one.found[-1])
            for name, one in counted.items()
        ),
        calls_for_half=tuple(halves),
        lift=tuple(zip(SHARES, _lift(labels, predictions.models[CHALLENGER]), strict=True)),
        accounts=accounts,
        churned=int(labels.sum()),
    )


def calls_for_half(counted: Calls) -> tuple[int, float]:
    """Returns the fewest calls that find half of the leavers in the mean, and their share of all.

    Args:
        counted: Of a model; there is a leaver.
    """
    called, found = counted
    place = int(np.searchsorted(2 * found, found[-1]))
    churned, accounts = (int(one[place] - one[place - 1]) for one in (found, called))
    missing = int(found[-1]) - 2 * int(found[place - 1])
    # Whole numbers: half of the leavers may be no whole number, and a rounding is a call.
    calls_among = -(-missing * accounts // (2 * churned))
    total = int(called[place - 1]) + calls_among
    return total, total / int(called[-1])


def _lift(labels: Floats, probabilities: Floats) -> list[Estimate]:
    """Of each of SHARES, with the interval over the gate's resamples."""
    order, ends = ranked(probabilities)
    everyone = np.ones((1, len(labels)), np.float32)
    whole = lifts(labels[order], ends, everyone, SHARES)[0]
    resampled = np.concatenate(
        [lifts(labels[order], ends, drawn[:, order], SHARES) for drawn in draws(len(labels))]
    )
    return [
        Estimate(float(value), interval(column))
        for value, column in zip(whole, resampled.T, strict=True)
    ]


def lifts(
    labels: Floats, ends: Integers, weights: NDArray[np.float32], shares: Sequence[float]
) -> Floats:
    """Returns the lift of several weightings of the same accounts.

    Args:
        labels: 0 or 1, by falling probability, [n].
        ends: How many accounts there are to the end of each distinct probability, [p].
        weights: How often each account counts, in the order of the labels, [r, n].
        shares: Of the accounts that are called, each in (0, 1].

    Returns:
        Share of leavers among the called over that of all, [r, shares]; NaN where no leaver
        has weight.
    """
    called = np.cumsum(weights, axis=1)[:, ends - 1].astype(np.float64)
    found = np.cumsum(weights * labels.astype(np.float32), axis=1)[:, ends - 1].astype(np.float64)
    lifted = np.full((len(weights), len(shares)), np.nan)
    for row in np.flatnonzero(found[:, -1]):
        points = np.multiply(shares, called[row, -1])
        reached = np.interp(points, np.r_[0, called[row]], np.r_[0, found[row]])
        lifted[row] = reached / found[row, -1] / shares
    return lifted
