"""Calling accounts by falling probability: how many leavers are among the called."""

from typing import NamedTuple

import numpy as np

from transforms.arrays import Floats, Integers


class Calls(NamedTuple):
    """After each distinct probability, the highest first, [p + 1]; both begin with 0.

    Accounts of one probability have no order: they are called together.
    """

    called: Integers
    """Accounts with this probability or a higher one."""
    found: Integers
    """Leavers among them."""


def calls(labels: Floats, probabilities: Floats) -> Calls:
    """Integers the called and the found.

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
