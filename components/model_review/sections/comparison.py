"""Two models on one evaluation set: metrics, slices, contacts, and the accounts that move most."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from components.model_gate.evaluation_set import read_labels, read_serialized, read_traits
from components.model_gate.slice_checks import Traits, slices
from components.model_review.sections.accounts import ProbabilityChange
from components.model_review.sections.estimates import Estimate
from components.model_review.sections.gains import contacts, contacts_for_half
from serving_model.evaluation.metrics import AUC, METRICS, Metric
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from serving_model.served.predict import ModelScorer
from serving_model.served.risk import risk_categories
from transforms.arrays import Floats

ABSENT: Final = "-"
"""Stands for a value that was not recorded."""
FEWEST: Final = 30
"""Churned accounts, and accounts that stayed, below which a slice is not compared: the default of
the gate."""
_SLOW_RESAMPLES: Final = 200
"""Of a metric that is computed on one resample after the other, as the calibration error."""


@dataclass(frozen=True)
class Pair:
    """A metric of both models.

    Attributes:
        a: Of the one; NaN where it cannot be computed.
        b: Of the other.
        difference: b - a with its paired 95 % interval; None where it cannot be computed.
    """

    a: float
    b: float
    difference: Estimate | None


@dataclass(frozen=True)
class ComparedSlice:
    """Both models on a slice of the evaluation set.

    Attributes:
        name: As the gate names it.
        accounts: Its size.
        churned: How many of them churned.
        too_little: Why it is not compared; empty if there are enough data.
        auc: Of both within the slice; None where it is not compared.
    """

    name: str
    accounts: int
    churned: int
    too_little: str = ""
    auc: Pair | None = None


@dataclass(frozen=True)
class JudgedChange(ProbabilityChange):
    """An account, its probability by a (before) and by b (after), and whether it churned."""

    churned: bool


@dataclass(frozen=True)
class OneEvaluation:
    """Both models on one evaluation set.

    Attributes:
        version: The model whose run it belongs to.
        cutoff: ISO 8601 UTC.
        accounts: How many.
        churned: How many of them churned.
        metrics: By name, those of METRICS in their order.
        contacts_for_half: How many accounts, the highest scores first, a and b must contact to
            reach half of those that churned; None where nobody did.
        slices: In the order of the gate; an account is in several.
        moved: The accounts whose probability differs most, the largest difference first.
    """

    version: str
    cutoff: str
    accounts: int
    churned: int
    metrics: Mapping[str, Pair]
    contacts_for_half: tuple[int, int] | None
    slices: tuple[ComparedSlice, ...]
    moved: tuple[JudgedChange, ...]


@dataclass(frozen=True)
class MaturedOutcomes:
    """Both models on accounts whose window has closed since they were scored by both.

    Attributes:
        horizon_days: Length of the windows.
        accounts: How many; each once, with its newest window.
        churned: How many of them left.
        first: Earliest begin of a window, ISO 8601 UTC.
        last: Latest begin of one.
        metrics: By name, those of METRICS in their order.
    """

    horizon_days: int
    accounts: int
    churned: int
    first: str
    last: str
    metrics: Mapping[str, Pair]


@dataclass(frozen=True)
class Difference:
    """A recorded value that differs between two models; ABSENT where one has none."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Comparison:
    """Two models side by side.

    Attributes:
        a: Version of the one.
        b: Version of the other.
        evaluation: Both on one evaluation set; None if they cannot be compared so.
        not_compared: Why not; empty if they were.
        data: What they learnt from and with, where it differs.
        settings: Settings of their runs that differ.
        matured: Both on outcomes that are known by now; None where these are not enough, and the
            evaluation set is taken.
        not_matured: Why they are not; empty where they are, or were not asked.
    """

    a: str
    b: str
    evaluation: OneEvaluation | None
    not_compared: str
    data: tuple[Difference, ...]
    settings: tuple[Difference, ...]
    matured: MaturedOutcomes | None = None
    not_matured: str = ""

    def as_json(self) -> dict[str, Any]:
        """Returns plain values by name."""
        return asdict(self)


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


def metric_pairs(
    labels: Floats, a: Floats, b: Floats, metrics: Sequence[Metric]
) -> dict[str, Pair]:
    """Returns metrics of two models by name, with paired intervals of their differences.

    Args:
        labels: 0 or 1, [n].
        a: Probabilities of the one, [n].
        b: Of the other, [n].
        metrics: Which.
    """
    models = {"a": a, "b": b}
    fast = [metric for metric in metrics if metric.ranked or metric.per_account]
    slow = [metric for metric in metrics if metric not in fast]
    found = [
        paired_bootstrap(labels, models, metrics=fast),
        paired_bootstrap(labels, models, _SLOW_RESAMPLES, metrics=slow),
    ]
    replicates = {model: {**found[0][model], **found[1][model]} for model in models}
    return {
        metric.name: _pair(
            metric.function(labels, a),
            metric.function(labels, b),
            replicates["b"][metric.name] - replicates["a"][metric.name],
        )
        for metric in metrics
    }


def _pair(a: float, b: float, differences: Floats) -> Pair:
    difference = Estimate(b - a, interval(differences)) if np.isfinite(b - a) else None
    return Pair(a, b, difference)


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
