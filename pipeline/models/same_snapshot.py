"""Scores one evaluation snapshot with two models, and compares account by account."""

import os
from typing import Final

import numpy as np

from pipeline.eval_metrics import read_labelled
from pipeline.models.comparison import MetricPair, Moved, SameSnapshot
from pipeline.models.paired import average_precision, paired_interval
from serving_model import metrics
from serving_model.metrics import Floats, Metric
from serving_model.predict import ModelScorer
from serving_model.risk import risk_categories

_METRICS: Final[dict[str, Metric]] = {
    "auc": metrics.auc,
    "pr_auc": average_precision,
    "log_loss": metrics.log_loss,
    "calibration_error": metrics.expected_calibration_error,
}


def judge_on(
    examples_uri: str, saved_models: tuple[str, str], *, version: str, cutoff: str, top: int
) -> SameSnapshot:
    """Judges two models on the eval split of an Examples artifact.

    Args:
        examples_uri: Folder of the artifact.
        saved_models: Folders of SavedModels a and b.
        version: The model of whose run the Examples are.
        cutoff: Of the split.
        top: How many accounts that move most to return.
    """
    serialized, labels = read_labelled(os.path.join(examples_uri, "Split-eval"))
    accounts, a = ModelScorer(saved_models[0]).score(serialized)
    _, b = ModelScorer(saved_models[1]).score(serialized)
    # Readers see rows in any order; in one order, resampling gives one interval.
    order = np.argsort(accounts)
    truth = labels[order].astype(np.float64)
    return SameSnapshot(
        version=version,
        cutoff=cutoff,
        accounts=len(truth),
        churned=int(truth.sum()),
        metrics=tuple(_pair(name, truth, a[order], b[order]) for name in _METRICS),
        moved=_moved(accounts[order].tolist(), truth, a[order], b[order], top),
    )


def _pair(name: str, labels: Floats, a: Floats, b: Floats) -> MetricPair:
    metric = _METRICS[name]
    value_a, value_b = metric(labels, a), metric(labels, b)
    interval = paired_interval(metric, labels, a, b)
    return MetricPair(name, value_a, value_b, value_b - value_a, interval)


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
