"""Folds of the training examples that go forward in time: what was known, then what came."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.time_split import ENOUGH_OF_A_CLASS, rarer_class
from transforms.event_spec import DAY_SECONDS

MOST_FOLDS: Final = 3
"""By time, the newest ones."""
ACCOUNT_FOLDS: Final = 3
"""Parts that the accounts are divided into."""
CHOOSING_EXAMPLES: Final = 100_000
"""With more, every second account is left out of choosing_folds, or two of three, and so on."""


class Fold(NamedTuple):
    """LabelledExamples to fit, and examples to measure on that no fit has seen."""

    fit: LabelledExamples
    measured: LabelledExamples


class Folds(NamedTuple):
    """All folds, and what was done, for the log and the tuner's record."""

    folds: tuple[Fold, ...]
    how: str


def time_folds(examples: LabelledExamples, horizon_days: int) -> Folds:
    """Divides training examples into folds, as new cutoffs come in (walk-forward).

    Measured is one of the newest cutoffs, fitted are those whose label windows closed on
    or before it, with labels that know nothing from it on. Where the history has too few
    cutoffs for that, the accounts of the newest cutoff are divided, and the older cutoffs
    of the other accounts are fitted.

    Args:
        examples: All training examples; the evaluation set is none of them.
        horizon_days: Length of a label window.

    Raises:
        ValueError: Some fold would fit or measure one class alone.
    """
    by_time = tuple(_by_time(examples, horizon_days))[:MOST_FOLDS]
    if by_time:
        return Folds(by_time, f"{len(by_time)} by time, the newest training cutoffs")
    newest = examples.cutoffs == examples.cutoffs.max()
    by_account = tuple(_by_account(examples, newest))
    if not all(rarer_class(part.labels) for fold in by_account for part in fold):
        raise ValueError(
            f"{len(examples.labels)} training examples hold too little of both outcomes for "
            "folds: tune on a longer history, or train without tuning."
        )
    return Folds(by_account, f"{ACCOUNT_FOLDS} by account: too few older closed cutoffs")


def seen_at(examples: LabelledExamples, moment: int) -> LabelledExamples:
    """Returns examples with labels as they were known at a moment, seconds UTC.

    Args:
        examples: Their label windows closed on or before that moment.
        moment: What happened then or later is not known.
    """
    days = (moment - examples.cutoffs) / DAY_SECONDS
    nearest = days.astype(np.float32)
    below = np.where(nearest > days, np.nextafter(nearest, np.float32(0)), nearest)
    observed = np.minimum(examples.days_observed, below)
    unseen = examples.days_to_churn > observed
    to_churn = np.where(unseen, np.float32(-1), examples.days_to_churn)
    return examples._replace(days_to_churn=to_churn, days_observed=observed)


def _by_time(examples: LabelledExamples, horizon_days: int) -> Iterator[Fold]:
    """Yields folds, the newest first."""
    for cutoff in np.unique(examples.cutoffs)[::-1]:
        closed = examples.cutoffs + horizon_days * DAY_SECONDS <= cutoff
        measured = examples.cutoffs == cutoff
        if all(
            rarer_class(examples.labels[rows]) >= ENOUGH_OF_A_CLASS for rows in (closed, measured)
        ):
            fit = seen_at(_rows(examples, closed), int(cutoff))
            yield Fold(fit, _rows(examples, measured))


def choosing_folds(examples: LabelledExamples) -> Iterator[Fold]:
    """Yields folds on which a training run chooses what it leaves open.

    Measured are the newest cutoffs, a quarter of them, each account by a fit of older cutoffs
    of other accounts: new to the fit in time and in person.

    Args:
        examples: All training examples; the evaluation set is none of them.
    """
    cutoffs = np.unique(examples.cutoffs)
    newest = examples.cutoffs >= cutoffs[-max(1, len(cutoffs) // 4)]
    yield from _by_account(examples, newest)


def _by_account(examples: LabelledExamples, newest: NDArray[np.bool_]) -> Iterator[Fold]:
    number = np.unique(examples.accounts.astype("S"), return_inverse=True)[1]
    # A single cutoff has none that are older: there it is the other accounts alone.
    older = ~newest if not newest.all() else newest
    every = -(-len(number) // CHOOSING_EXAMPLES)
    for part in range(ACCOUNT_FOLDS):
        taken = number // ACCOUNT_FOLDS % every == 0
        own = number % ACCOUNT_FOLDS == part
        yield Fold(_rows(examples, older & taken & ~own), _rows(examples, newest & taken & own))


def _rows(examples: LabelledExamples, chosen: NDArray[np.bool_]) -> LabelledExamples:
    columns: Iterator[Any] = (column[chosen] for column in examples)
    return LabelledExamples(*columns)
