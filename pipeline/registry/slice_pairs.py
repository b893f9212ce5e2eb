"""For whom one of two models ranks better: both on the slices that the gate looks at."""

from collections.abc import Iterator
from typing import Final

from components.model_gate.slice_checks import Traits, slices
from pipeline.registry.comparison import SlicePair
from serving_model.evaluation import metrics
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from transforms.arrays import Floats

FEWEST: Final = 30
"""Churned accounts of a slice of which something is said, and fewest that stayed: as many as
the gate asks for by default."""


def slice_pairs(labels: Floats, a: Floats, b: Floats, traits: Traits) -> Iterator[SlicePair]:
    """Yields both models on each slice, in the order of the gate; an account is in several.

    Args:
        labels: 0 or 1, [n].
        a: Probabilities of the one, [n].
        b: Of the other, [n].
        traits: Of the same accounts.
    """
    for name, rows in slices(traits):
        yield _pair(name, labels[rows], a[rows], b[rows])


def _pair(name: str, labels: Floats, a: Floats, b: Floats) -> SlicePair:
    accounts, churned = len(labels), int(labels.sum())
    if min(churned, accounts - churned) < FEWEST:
        why = (
            f"{churned} churned and {accounts - churned} stayed, at least {FEWEST} of each are "
            "needed"
        )
        return SlicePair(name, accounts, churned, too_little=why)
    replicates = paired_bootstrap(labels, {"a": a, "b": b})
    area_a, area_b = metrics.auc(labels, a), metrics.auc(labels, b)
    ends = interval(replicates["b"]["auc"] - replicates["a"]["auc"])
    return SlicePair(name, accounts, churned, "", area_a, area_b, area_b - area_a, ends)
