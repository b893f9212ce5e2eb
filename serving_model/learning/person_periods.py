"""Person-periods: what an example says about churn in each stretch between two horizons.

Discrete-time survival analysis (Singer and Willett 1993, "It's about time"): an example counts
in every period at whose start the account was still there and whose end was observed. What was
not seen to its end says nothing, and is left out rather than taken for staying.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.time_split import ENOUGH_OF_A_CLASS, rarer_class

INACTIVITY: Final = "inactivity"


class Horizons(NamedTuple):
    """For how many days ahead a model answers."""

    days: tuple[int, ...]
    """Rising; the ends of the periods, the first of which begins at the cutoff."""
    target: int
    """Index in `days` of the horizon of churn_probability."""
    dropped: str
    """Requested horizons that cannot be learnt, and why; empty if none."""


class PersonPeriods(NamedTuple):
    """n examples over K periods."""

    counted: NDArray[np.bool_]
    """[n, K], whether the example says anything about the period."""
    churned: NDArray[np.float32]
    """[n, K], 1 where the account was lost in the period; 0 where it is not counted."""

    def __getitem__(self, rows: NDArray[np.generic]) -> "PersonPeriods":  # type: ignore[override]
        """Returns some of the examples."""
        return PersonPeriods(self.counted[rows], self.churned[rows])


def choose_horizons(
    examples: LabelledExamples, requested: Sequence[int], horizon_days: int, label_source: str
) -> Horizons:
    """Keeps the horizons that the examples can teach.

    Args:
        examples: All training examples.
        requested: Horizons in days.
        horizon_days: The label's horizon, which is always kept.
        label_source: Under inactivity an account is lost by `horizon_days` of silence, so
            shorter horizons mean nothing.

    Returns:
        The horizons in order. A later one needs enough examples of both outcomes since the
        one before it.
    """
    kept: list[int] = []
    why: list[str] = []
    for days in sorted({*requested, horizon_days}):
        if days < horizon_days and label_source == INACTIVITY:
            why.append(f"{days} days: shorter than the silence that counts as churn")
        elif days == horizon_days or _teaches(examples, (*kept, days)):
            kept.append(days)
        else:
            why.append(f"{days} days: too few examples were observed for so long")
    return Horizons(tuple(kept), kept.index(horizon_days), "; ".join(why))


def person_periods(examples: LabelledExamples, days: Sequence[int]) -> PersonPeriods:
    """Lays examples out over periods.

    Args:
        examples: n labelled examples.
        days: Ends of K periods, rising.
    """
    ends = np.array(days, dtype=np.float32)
    # As the label has it: a loss at the very end of a horizon lies within it.
    starts = np.array([-1.0, *days[:-1]], dtype=np.float32)
    lost = examples.days_to_churn[:, None]
    stayed = lost < 0
    counted = (stayed | (lost > starts)) & (examples.days_observed[:, None] >= ends)
    churned = counted & ~stayed & (lost <= ends)
    return PersonPeriods(counted, churned.astype(np.float32))


def _teaches(examples: LabelledExamples, days: tuple[int, ...]) -> bool:
    counted, churned = person_periods(examples, days)
    return rarer_class(churned[counted[:, -1], -1]) >= ENOUGH_OF_A_CLASS
