"""ROC, precision-recall and metrics of every model that the gate judged."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from components.model_gate.predictions import Predictions
from components.model_review.sections.estimates import (
    Curve,
    Estimate,
    SectionMissing,
    sampled_curve,
)
from components.model_review.sections.gains import contacts
from serving_model.evaluation.metrics import METRICS
from serving_model.evaluation.paired_bootstrap import Replicates, interval, paired_bootstrap
from transforms.arrays import Floats


@dataclass(frozen=True)
class ModelMetrics:
    """Metrics of one model on the evaluation set.

    Attributes:
        model: challenger, champion, or the name of a baseline.
        metrics: By name, those of serving_model.evaluation.metrics.METRICS in their order.
        mean_predicted: Mean probability, [0, 1].
    """

    model: str
    metrics: Mapping[str, Estimate]
    mean_predicted: float


@dataclass(frozen=True)
class Performance:
    """Ranking, with the baselines beside it.

    Attributes:
        metrics: The challenger first, then the champion if there is one, then baselines.
        roc: x: false positive rate, y: true positive rate, by model.
        precision_recall: x: recall, y: precision, by model.
        base_rate: Share of churned accounts, [0, 1].
    """

    metrics: tuple[ModelMetrics, ...]
    roc: tuple[Curve, ...]
    precision_recall: tuple[Curve, ...]
    base_rate: float


def performance_of(predictions: Predictions) -> Performance:
    """Measures every model and samples its curves.

    The intervals come from the resamples that the gate judged by, so they are its own.

    Args:
        predictions: What the gate judged.

    Raises:
        SectionMissing: All accounts churned, or none did.
    """
    labels = predictions.labels
    refuse_one_class(labels)
    replicates = paired_bootstrap(labels, predictions.models)
    return Performance(
        metrics=tuple(
            _measured(name, labels, found, replicates[name])
            for name, found in predictions.models.items()
        ),
        roc=tuple(_roc(name, labels, found) for name, found in predictions.models.items()),
        precision_recall=tuple(
            _precision_recall(name, labels, found) for name, found in predictions.models.items()
        ),
        base_rate=float(labels.mean()),
    )


def refuse_one_class(labels: Floats) -> None:
    """Raises SectionMissing where all accounts churned, or none did: there is nothing to rank."""
    churned = int(labels.sum())
    if churned in (0, len(labels)):
        raise SectionMissing(
            f"{churned} of {len(labels)} accounts of the evaluation set churned: a ranking can "
            "only be judged where some churned and some stayed."
        )


def _measured(
    name: str, labels: Floats, probabilities: Floats, replicates: Replicates
) -> ModelMetrics:
    return ModelMetrics(
        model=name,
        metrics={
            name: Estimate(
                metric.function(labels, probabilities),
                interval(replicates[name]) if metric.has_interval else None,
            )
            for name, metric in METRICS.items()
        },
        mean_predicted=float(probabilities.mean()),
    )


def _roc(name: str, labels: Floats, probabilities: Floats) -> Curve:
    """A straight line where accounts share a probability: their mean over all orders."""
    contacted, churned = contacts(labels, probabilities)
    stayed = contacted - churned
    return sampled_curve(name, stayed / stayed[-1], churned / churned[-1])


def _precision_recall(name: str, labels: Floats, probabilities: Floats) -> Curve:
    """In steps, as average precision adds them up: a straight line would flatter the model.

    Davis and Goadrich 2006, "The relationship between precision-recall and ROC curves".
    """
    contacted, churned = contacts(labels, probabilities)
    steps = np.flatnonzero(np.diff(churned)) + 1
    recall = np.r_[0, churned[steps]] / churned[-1]
    precision = churned[steps] / contacted[steps]
    return sampled_curve(name, np.repeat(recall, 2)[1:-1], np.repeat(precision, 2))
