"""Draws outcomes of a publication, and measures each draw as if it had happened.

However many accounts there are, they are drawn as some hundreds of cells: accounts of one risk band
and of equal or neighbouring probabilities, which share a place in the ranking. The intervals follow
from the draws, so they know of few churned accounts, of ties, and of what is correlated with what.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from serving_model.evaluation.metrics import CALIBRATION_BINS, log_losses
from serving_model.evaluation.recalibration import Recalibration, log_odds_of
from transforms.arrays import Booleans, Floats, Integers

DRAWS: Final = 1000
CELLS: Final = 256
"""About how many a population is divided into; as many accounts or fewer are drawn one by one."""


class Cells(NamedTuple):
    """Accounts by probability as published, in K cells, lowest first, [K] each."""

    accounts: Integers
    left: Integers
    """Of them, those of which it is known that they left."""
    log_odds: Floats
    """Of leaving, of those whose outcome is open; 0 where no outcome is."""
    open: Integers
    """How many those are."""
    band: Integers
    """Code of the risk band."""
    probability: Floats
    """Mean, as published."""
    gain: Floats
    """By how much one churned account changes the sum of log-losses."""
    place: Integers
    """In the ranking, from 0: those of several bands share it."""
    bins: Floats
    """[K, CALIBRATION_BINS], the share of the place's accounts that lies in a bin."""
    sums: Floats
    """[CALIBRATION_BINS], sum of probabilities in each bin."""
    constants: tuple[float, float]
    """Sums of log-losses and of squared errors if nobody leaves."""


def cells_of(
    probabilities: Floats,
    chances: Floats,
    left: Booleans,
    bands: Integers,
    most: int = CELLS,
) -> Cells:
    """Divides accounts into cells.

    Args:
        probabilities: As published, [n], n at least 1.
        chances: Of leaving, [n], of those whose outcome is open.
        left: Whether the account is known to have left, [n].
        bands: Code of each account's risk band, [n].
        most: About how many cells a single band would have.
    """
    order = np.argsort(probabilities, kind="stable")
    found, gone = probabilities[order], left[order]
    expected = np.where(gone, 1.0, chances[order])
    starts = _starts(found, expected, most)
    sizes = np.diff(np.r_[starts, len(found)])
    groups = int(bands.max()) + 1
    key = np.repeat(np.arange(len(starts)), sizes) * groups + bands[order]
    codes, cell, accounts = np.unique(key, return_inverse=True, return_counts=True)
    place = codes // groups
    known = np.bincount(cell, gone).astype(np.int64)
    still_open = accounts - known
    sums = np.bincount(cell, np.where(gone, 0.0, expected))
    mean = np.divide(sums, still_open, out=np.full(len(codes), 0.5), where=still_open > 0)
    ones = np.ones(len(found))
    if_left, if_stayed = log_losses(ones, found), log_losses(0 * ones, found)
    return Cells(
        accounts=accounts,
        left=known,
        log_odds=log_odds_of(mean),
        open=still_open,
        band=codes % groups,
        probability=np.bincount(cell, found) / accounts,
        gain=np.bincount(cell, if_left - if_stayed) / accounts,
        place=place,
        bins=_shares(sizes)[place],
        sums=np.array([part.sum() for part in np.array_split(found, CALIBRATION_BINS)]),
        constants=(float(if_stayed.sum()), float(found @ found)),
    )


def drawn_churned(cells: Cells, belief: Recalibration, count: int, seed: int) -> Floats:
    """Returns how many leave in each cell, by draw, [count, K].

    Args:
        cells: Of a population.
        belief: How far the chances of what is open may be off.
        count: How many draws.
        seed: Start of the random numbers.
    """
    random = np.random.default_rng(seed)
    chances = belief.drawn(cells.log_odds, count, random)
    return np.asarray(random.binomial(cells.open, chances) + cells.left, dtype=np.float64)


def drawn_metrics(cells: Cells, churned: Floats) -> Mapping[str, Floats]:
    """Returns each draw's metrics by name, [draws] each.

    Args:
        cells: Of a population.
        churned: As drawn_churned returns them.

    Returns:
        auc, pr_auc, log_loss, brier, calibration_error; NaN where a draw has one outcome alone.
    """
    firsts = np.flatnonzero(np.r_[True, np.diff(cells.place) > 0])
    accounts = np.add.reduceat(cells.accounts, firsts)
    left = np.add.reduceat(churned, firsts, axis=1)
    stayed = accounts - left
    total, count = left.sum(axis=1), accounts.sum()
    below = np.cumsum(stayed, axis=1) - stayed / 2
    caught = np.cumsum(left[:, ::-1], axis=1)
    precision = caught / np.cumsum(accounts[::-1])
    gaps = cells.sums - churned @ cells.bins
    log_loss, brier = cells.constants
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "auc": (left * below).sum(axis=1) / (total * (count - total)),
            "pr_auc": (left[:, ::-1] * precision).sum(axis=1) / total,
            "log_loss": (log_loss + churned @ cells.gain) / count,
            "brier": (brier + churned @ (1 - 2 * cells.probability)) / count,
            "calibration_error": np.abs(gaps).sum(axis=1) / count,
        }


def _starts(probabilities: Floats, chances: Floats, most: int) -> Integers:
    """Where places start: about as many for accounts as for those who leave, ties never divided."""
    count = len(probabilities)
    ties = np.flatnonzero(np.r_[True, probabilities[1:] != probabilities[:-1]])
    if count <= most:
        return ties
    weight = np.cumsum(chances / max(chances.sum(), 1e-300) + 1 / count)
    quantiles = np.searchsorted(weight, weight[-1] * np.arange(1, most) / most)
    bins = [part[0] for part in np.array_split(np.arange(count), CALIBRATION_BINS)]
    tie = np.searchsorted(ties, np.r_[0, quantiles, bins], side="right") - 1
    return ties[np.unique(tie)]


def _shares(sizes: Integers) -> Floats:
    """Of each place, the share of its accounts in each bin of equal size, [places, bins]."""
    ends = np.cumsum(sizes)
    limits = np.cumsum(
        [len(part) for part in np.array_split(np.arange(ends[-1]), CALIBRATION_BINS)]
    )
    upto = np.minimum(ends[:, None], limits)
    counted = np.diff(np.diff(upto, axis=0, prepend=0), axis=1, prepend=0)
    return counted / sizes[:, None]
