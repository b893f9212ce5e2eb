"""Two models on one evaluation set: metrics, slices, contacts, and the accounts that move most."""

import os
from collections.abc import Iterator, Sequence

import numpy as np

from components.model_gate.evaluation_set import read_labels, read_serialized, read_traits
from components.model_gate.slice_checks import Traits, slices
from components.model_review.sections.compared import (
    FEWEST,
    ComparedSlice,
    JudgedChange,
    OneEvaluation,
    metric_pairs,
)
from components.model_review.sections.gains import contacts, contacts_for_half
from serving_model.evaluation.metrics import AUC, METRICS
from serving_model.served.predict import ModelScorer
from serving_model.served.risk import risk_categories
from transforms.arrays import Floats


def evaluate_both(
    examples_uri: str,
    saved_models: tuple[str, str],
    *,
    version: str,
    cutoff: str,
    lookback_days: int,
    top: int,
) -> OneEvaluation:
    """Scores the eval split of an Examples artifact with two models, and compares the answers.

    Args:
        examples_uri: Folder of the artifact.
        saved_models: Folders of SavedModels a and b.
        version: The model whose run wrote the Examples.
        cutoff: Of the split, ISO 8601 UTC.
        lookback_days: Days before the cutoff in which events count as recent.
        top: How many accounts to return whose probability differs most.
    """
    serialized = read_serialized(os.path.join(examples_uri, "Split-eval"))
    scorers = [ModelScorer(folder) for folder in saved_models]
    (accounts, a), (_, b) = (scorer.score(serialized) for scorer in scorers)
    # Readers see rows in any order; in one order, resampling gives one interval.
    order = np.argsort(accounts)
    ordered = [serialized[row] for row in order.tolist()]
    return compare_answers(
        accounts[order].tolist(),
        read_labels(ordered),
        (a[order], b[order]),
        read_traits(ordered, lookback_days),
        version=version,
        cutoff=cutoff,
        top=top,
    )


def compare_answers(
    accounts: Sequence[str],
    labels: Floats,
    probabilities: tuple[Floats, Floats],
    traits: Traits,
    *,
    version: str,
    cutoff: str,
    top: int,
) -> OneEvaluation:
    """Compares the answers of two models.

    Args:
        accounts: Ids, [n], in rising order.
        labels: 0 or 1, [n].
        probabilities: Of churn, by a and by b, [n] each.
        traits: Of the same accounts.
        version: The model whose run the evaluation set belongs to.
        cutoff: Of the evaluation set, ISO 8601 UTC.
        top: How many accounts to return whose probability differs most.
    """
    a, b = probabilities
    return OneEvaluation(
        version=version,
        cutoff=cutoff,
        accounts=len(labels),
        churned=int(labels.sum()),
        metrics=metric_pairs(labels, a, b, tuple(METRICS.values())),
        contacts_for_half=_contacts_for_half(labels, a, b),
        slices=tuple(_slices(labels, a, b, traits)),
        moved=_moved(accounts, labels, a, b, top),
    )


def _contacts_for_half(labels: Floats, a: Floats, b: Floats) -> tuple[int, int] | None:
    if not labels.any():
        return None
    return (
        contacts_for_half(contacts(labels, a))[0],
        contacts_for_half(contacts(labels, b))[0],
    )


def _slices(labels: Floats, a: Floats, b: Floats, traits: Traits) -> Iterator[ComparedSlice]:
    for name, rows in slices(traits):
        own = labels[rows]
        accounts, churned = len(own), int(own.sum())
        if min(churned, accounts - churned) < FEWEST:
            why = (
                f"{churned} churned and {accounts - churned} stayed, at least {FEWEST} of each "
                "are needed"
            )
            yield ComparedSlice(name, accounts, churned, too_little=why)
            continue
        pair = metric_pairs(own, a[rows], b[rows], [AUC])[AUC.name]
        yield ComparedSlice(name, accounts, churned, auc=pair)


def _moved(
    accounts: Sequence[str], labels: Floats, a: Floats, b: Floats, top: int
) -> tuple[JudgedChange, ...]:
    categories_a, categories_b = risk_categories(a).tolist(), risk_categories(b).tolist()
    furthest = np.argsort(-np.abs(b - a), kind="stable")[:top].tolist()
    return tuple(
        JudgedChange(
            account_id=accounts[row],
            before=float(a[row]),
            after=float(b[row]),
            category_before=categories_a[row],
            category_after=categories_b[row],
            churned=bool(labels[row]),
        )
        for row in furthest
    )
