"""Folds of the training snapshots that go forward in time: what was known, then what came."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving_model.learning.labelled_examples import Snapshots
from serving_model.learning.time_split import ENOUGH_OF_A_CLASS, rarer_class
from transforms.event_spec import DAY_SECONDS

MOST_FOLDS: Final = 3
"""By time, the newest ones."""
ACCOUNT_FOLDS: Final = 3
"""Parts that the accounts are divided into."""
CHOOSING_SNAPSHOTS: Final = 100_000
"""With more, every second account is left out of choosing_folds, or two of three, and so on."""


class Fold(NamedTuple):
    """Snapshots to fit, and snapshots to measure on that no fit has seen."""

    fit: Snapshots
    measured: Snapshots


class Folds(NamedTuple):
    """All folds, and what was done, for the log and the tuner's record."""

    folds: tuple[Fold, ...]
    how: str


def time_folds(snapshots: Snapshots, horizon_days: int) -> Folds:
    """Divides training snapshots into folds, as new cutoffs come in (walk-forward).

    Measured is one of the newest cutoffs, fitted are those whose label windows closed on
    or before it, with labels that know nothing from it on. Where the history has too few
    cutoffs for that, the accounts of the newest cutoff are divided, and the older cutoffs
    of the other accounts are fitted.

    Args:
        snapshots: All training snapshots; the evaluation snapshot is none of them.
        horizon_days: Length of a label window.

    Raises:
        ValueError: Some fold would fit or measure one class alone.
    """
    by_time = tuple(_by_time(snapshots, horizon_days))[:MOST_FOLDS]
    if by_time:
        return Folds(by_time, f"{len(by_time)} by time, the newest training cutoffs")
    newest = snapshots.cutoffs == snapshots.cutoffs.max()
    by_account = tuple(_by_account(snapshots, newest))
    if not all(rarer_class(part.labels) for fold in by_account for part in fold):
        raise ValueError(
            f"{len(snapshots.labels)} training snapshots hold too little of both outcomes for "
            "folds: tune on a longer history, or train without tuning."
        )
    return Folds(by_account, f"{ACCOUNT_FOLDS} by account, for want of older closed cutoffs")


def seen_at(snapshots: Snapshots, moment: int) -> Snapshots:
    """Returns snapshots with labels as they were known at a moment, seconds UTC.

    Args:
        snapshots: Their label windows closed on or before that moment.
        moment: What happened then or later is not known.
    """
    days = (moment - snapshots.cutoffs) / DAY_SECONDS
    nearest = days.astype(np.float32)
    below = np.where(nearest > days, np.nextafter(nearest, np.float32(0)), nearest)
    observed = np.minimum(snapshots.days_observed, below)
    unseen = snapshots.days_to_churn > observed
    to_churn = np.where(unseen, np.float32(-1), snapshots.days_to_churn)
    return snapshots._replace(days_to_churn=to_churn, days_observed=observed)


def _by_time(snapshots: Snapshots, horizon_days: int) -> Iterator[Fold]:
    """Yields folds, the newest first."""
    for cutoff in np.unique(snapshots.cutoffs)[::-1]:
        closed = snapshots.cutoffs + horizon_days * DAY_SECONDS <= cutoff
        measured = snapshots.cutoffs == cutoff
        if all(
            rarer_class(snapshots.labels[rows]) >= ENOUGH_OF_A_CLASS for rows in (closed, measured)
        ):
            fit = seen_at(_rows(snapshots, closed), int(cutoff))
            yield Fold(fit, _rows(snapshots, measured))


def choosing_folds(snapshots: Snapshots) -> Iterator[Fold]:
    """Yields folds on which a training run chooses what it leaves open.

    Measured are the newest cutoffs, a quarter of them, each account by a fit of older cutoffs
    of other accounts: new to the fit in time and in person.

    Args:
        snapshots: All training snapshots; the evaluation snapshot is none of them.
    """
    cutoffs = np.unique(snapshots.cutoffs)
    newest = snapshots.cutoffs >= cutoffs[-max(1, len(cutoffs) // 4)]
    yield from _by_account(snapshots, newest)


def _by_account(snapshots: Snapshots, newest: NDArray[np.bool_]) -> Iterator[Fold]:
    number = np.unique(snapshots.accounts.astype("S"), return_inverse=True)[1]
    # A single cutoff has none that are older: there it is the other accounts alone.
    older = ~newest if not newest.all() else newest
    every = -(-len(number) // CHOOSING_SNAPSHOTS)
    for part in range(ACCOUNT_FOLDS):
        taken = number // ACCOUNT_FOLDS % every == 0
        own = number % ACCOUNT_FOLDS == part
        yield Fold(_rows(snapshots, older & taken & ~own), _rows(snapshots, newest & taken & own))


def _rows(snapshots: Snapshots, chosen: NDArray[np.bool_]) -> Snapshots:
    columns: Iterator[Any] = (column[chosen] for column in snapshots)
    return Snapshots(*columns)
