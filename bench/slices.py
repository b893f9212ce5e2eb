"""How good the probabilities are within slices of the accounts."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving_model.evaluation.metrics import auc, expected_calibration_error, log_loss
from transforms.arrays import Booleans, Floats
from transforms.thresholds import STATES

LEAST_OF_EACH = 20
"""Churned and stayed accounts of a slice, below which its metrics say nothing."""


class SliceScore(NamedTuple):
    """Metrics of one slice; None each where `too_little` says why."""

    name: str
    accounts: int
    churned: int
    auc: float | None
    log_loss: float | None
    ece: float | None
    too_little: str


def slice_rows(tiers: NDArray[np.str_], states: NDArray[np.str_]) -> dict[str, Booleans]:
    """Returns the rows of each slice by its name, [n] each.

    Args:
        tiers: Of each account, as text, [n].
        states: Silence state of each account, one of STATES, [n].
    """
    by_tier = {f"tier {tier or '(empty)'}": tiers == tier for tier in np.unique(tiers)}
    return {**by_tier, **{f"state {state}": states == state for state in STATES}}


def score_slices(
    labels: Floats, probabilities: Floats, slices: Mapping[str, Booleans]
) -> Iterator[SliceScore]:
    """Yields the metrics of each slice.

    Args:
        labels: 0 or 1, [n].
        probabilities: [n].
        slices: Rows by name, [n] each.
    """
    for name, rows in slices.items():
        truth, found = labels[rows], probabilities[rows]
        churned = int(truth.sum())
        stayed = len(truth) - churned
        if min(churned, stayed) < LEAST_OF_EACH:
            why = f"too little data: {churned} churned, {stayed} stayed"
            yield SliceScore(name, len(truth), churned, None, None, None, why)
            continue
        error = expected_calibration_error(truth, found)
        measured = auc(truth, found), log_loss(truth, found), error
        yield SliceScore(name, len(truth), churned, *measured, "")


def print_slices(scores: list[SliceScore]) -> None:
    """Prints a line for each slice."""
    print(f"\n{'slice':<22}{'accounts':>9}{'churned':>9}{'AUC':>8}{'log-loss':>10}{'ECE':>8}")
    for one in scores:
        line = f"  {one.name:<20}{one.accounts:9}{one.churned:9}"
        if one.too_little:
            print(f"{line}  {one.too_little}")
        else:
            print(f"{line}{one.auc:8.4f}{one.log_loss:10.4f}{one.ece:8.4f}")
