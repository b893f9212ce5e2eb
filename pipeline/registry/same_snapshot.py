"""Scores one evaluation snapshot with two models, and compares account by account."""

import os
from collections.abc import Iterator
from typing import Final

import numpy as np

from components.model_gate.slice_checks import Traits
from components.model_gate.snapshots import read_labels, read_serialized, read_traits
from components.model_review.sections.gains import contacts, contacts_for_half
from pipeline.registry.comparison import MetricPair, Moved, SameSnapshot
from pipeline.registry.slice_pairs import slice_pairs
from serving_model.evaluation.metrics import METRICS
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from serving_model.served.predict import ModelScorer
from serving_model.served.risk import risk_categories
from transforms.arrays import Floats

_SLOW_RESAMPLES: Final = 200
"""Of a metric that is computed on one resample after the other, as the calibration error."""


def judge_on(
    examples_uri: str,
    saved_models: tuple[str, str],
    *,
    version: str,
    cutoff: str,
    lookback_days: int,
    top: int,
) -> SameSnapshot:
    """Judges two models on the eval split of an Examples artifact.

    Args:
        examples_uri: Folder of the artifact.
        saved_models: Folders of SavedModels a and b.
        version: The model of whose run the Examples are.
        cutoff: Of the split.
        lookback_days: Days before the cutoff in which events count as recent.
        top: How many accounts that move most to return.
    """
    serialized = read_serialized(os.path.join(examples_uri, "Split-eval"))
    scorers = [ModelScorer(folder) for folder in saved_models]
    (accounts, a), (_, b) = (scorer.score(serialized) for scorer in scorers)
    # Readers see rows in any order; in one order, resampling gives one interval.
    order = np.argsort(accounts)
    ordered = [serialized[row] for row in order.tolist()]
    return compared(
        accounts[order].tolist(),
        read_labels(ordered),
        (a[order], b[order]),
        read_traits(ordered, lookback_days),
        version=version,
        cutoff=cutoff,
        top=top,
    )


def compared(
    accounts: list[str],
    labels: Floats,
    probabilities: tuple[Floats, Floats],
    traits: Traits,
    *,
    version: str,
    cutoff: str,
    top: int,
) -> SameSnapshot:
    """Judges the answers of two models.

    Args:
        accounts: Ids, [n], rising.
        labels: 0 or 1, [n].
        probabilities: Of churn, by a and by b, [n] each.
        traits: Of the same accounts.
        version: The model of whose run the snapshot is.
        cutoff: Of the snapshot.
        top: How many accounts that move most to return.
    """
    a, b = probabilities
    return SameSnapshot(
        version=version,
        cutoff=cutoff,
        accounts=len(labels),
        churned=int(labels.sum()),
        metrics=tuple(_pairs(labels, a, b)),
        calls_for_half=_calls_for_half(labels, a, b),
        slices=tuple(slice_pairs(labels, a, b, traits)),
        moved=_moved(accounts, labels, a, b, top),
    )


def _pairs(labels: Floats, a: Floats, b: Floats) -> Iterator[MetricPair]:
    models = {"a": a, "b": b}
    fast = [metric for metric in METRICS.values() if metric.ranked or metric.per_account]
    slow = [metric for metric in METRICS.values() if metric not in fast]
    found = [
        paired_bootstrap(labels, models, metrics=fast),
        paired_bootstrap(labels, models, _SLOW_RESAMPLES, metrics=slow),
    ]
    replicates = {model: {**found[0][model], **found[1][model]} for model in models}
    for name, metric in METRICS.items():
        value_a, value_b = metric.function(labels, a), metric.function(labels, b)
        differences = replicates["b"][name] - replicates["a"][name]
        ends = interval(differences) or (float("nan"), float("nan"))
        yield MetricPair(name, value_a, value_b, value_b - value_a, ends)


def _calls_for_half(labels: Floats, a: Floats, b: Floats) -> tuple[int, int] | None:
    if not labels.any():
        return None
    return (
        contacts_for_half(contacts(labels, a))[0],
        contacts_for_half(contacts(labels, b))[0],
    )


def _moved(
    accounts: list[str], labels: Floats, a: Floats, b: Floats, top: int
) -> tuple[Moved, ...]:
    categories_a, categories_b = risk_categories(a).tolist(), risk_categories(b).tolist()
    furthest = np.argsort(-np.abs(b - a), kind="stable")[:top].tolist()
    return tuple(
        Moved(
            account_id=accounts[row],
            a=float(a[row]),
            b=float(b[row]),
            category_a=categories_a[row],
            category_b=categories_b[row],
            churned=bool(labels[row]),
        )
        for row in furthest
    )
