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
    sampled_curve,
)
from serving_model.evaluation.paired_bootstrap import draws, interval
from transforms.arrays import Floats, Integers

SHARES: Final = (0.05, 0.1, 0.2)
"""Shares of the accounts that are contacted, for the lift."""


@dataclass(frozen=True)
class ContactsForHalf:
    """How many accounts, highest scores first, must be contacted to reach half of the churned."""

    model: str
    accounts: int
    share: float


@dataclass(frozen=True)
class Gains:
    """How many churned accounts are reached by how many contacts.

    Attributes:
        curves: Of challenger, champion and baselines; x: share of accounts contacted,
            highest probability first, y: share of the churned accounts among them; for
            accounts of one probability the mean over their orders.
        contacts_for_half: By model, in the same order.
        lift: The challenger's (share contacted, lift): churn rate among the contacted accounts
            over that of all, such as (0.1, lift at 10 %).
        accounts: Accounts of the evaluation set.
        churned: How many of them churned.
    """

    curves: tuple[Curve, ...]
    contacts_for_half: tuple[ContactsForHalf, ...]
    lift: tuple[tuple[float, Estimate], ...]
    accounts: int
    churned: int


class Contacts(NamedTuple):
    """After each distinct probability, the highest first, [p + 1]; both begin with 0.

    Accounts of one probability have no order: they are contacted together.
    """

    contacted: Integers
    """Accounts with this probability or a higher one."""
    churned: Integers
    """Churned accounts among them."""


def contacts(labels: Floats, probabilities: Floats) -> Contacts:
    """Counts contacted and churned accounts.

    Args:
        labels: 0 or 1, [n], n at least 1.
        probabilities: [n].
    """
    order, contacted = ranked(probabilities)
    churned = np.cumsum(labels[order], dtype=np.int64)[contacted - 1]
    return Contacts(np.r_[0, contacted], np.r_[0, churned])


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
    """Counts the churned accounts that each model's order reaches.

    Where only some accounts of one probability are contacted, the churned ones among them are
    the mean over all orders.

    Args:
        predictions: What the gate judged.

    Raises:
        SectionMissing: No account churned.
    """
    labels, accounts = predictions.labels, len(predictions.labels)
    if not labels.any():
        raise SectionMissing(
            f"None of the {accounts} accounts of the evaluation set churned: gains and "
            "lift are not defined."
        )
    counted = {name: contacts(labels, found) for name, found in predictions.models.items()}
    halves = [ContactsForHalf(name, *contacts_for_half(one)) for name, one in counted.items()]
    return Gains(
        curves=tuple(
            sampled_curve(name, one.contacted / accounts, one.churned / one.churned[-1])
            for name, one in counted.items()
        ),
        contacts_for_half=tuple(halves),
        lift=tuple(zip(SHARES, _lift(labels, predictions.models[CHALLENGER]), strict=True)),
        accounts=accounts,
        churned=int(labels.sum()),
    )


def contacts_for_half(counted: Contacts) -> tuple[int, float]:
    """Returns the fewest contacts that reach half of the churned accounts, and their share.

    Args:
        counted: Contacts of one model; at least one account churned.
    """
    contacted, churned = counted
    place = int(np.searchsorted(2 * churned, churned[-1]))
    tied_churned, tied = (int(one[place] - one[place - 1]) for one in (churned, contacted))
    missing = int(churned[-1]) - 2 * int(churned[place - 1])
    # In integers: half of the churned accounts may be no integer, and rounding costs a contact.
    among_tied = -(-missing * tied // (2 * tied_churned))
    total = int(contacted[place - 1]) + among_tied
    return total, total / int(contacted[-1])


def _lift(labels: Floats, probabilities: Floats) -> list[Estimate]:
    """Returns the lift at each of SHARES, with its interval over the gate's resamples."""
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
        shares: Shares of the accounts that are contacted, each in (0, 1].

    Returns:
        Churn rate of the contacted accounts over that of all, [r, shares]; NaN where no
        churned account has weight.
    """
    contacted = np.cumsum(weights, axis=1)[:, ends - 1].astype(np.float64)
    churned = np.cumsum(weights * labels.astype(np.float32), axis=1)[:, ends - 1].astype(np.float64)
    lifted = np.full((len(weights), len(shares)), np.nan)
    for row in np.flatnonzero(churned[:, -1]):
        points = np.multiply(shares, contacted[row, -1])
        reached = np.interp(points, np.r_[0, contacted[row]], np.r_[0, churned[row]])
        lifted[row] = reached / churned[row, -1] / shares
    return lifted
