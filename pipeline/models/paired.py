"""How sure a difference of two models is, judged on the same accounts."""

import numpy as np

from serving_model.metrics import Floats, Metric

RESAMPLES = 400


def average_precision(labels: Floats, probabilities: Floats) -> float:
    """Returns the area under the precision-recall curve as average precision.

    Args:
        labels: 0 or 1, [n].
        probabilities: [n]; equal ones share a threshold.

    Returns:
        0..1, or NaN where no label is 1.
    """
    if not labels.any():
        return float("nan")
    order = np.argsort(-probabilities, kind="stable")
    truth, scores = labels[order], probabilities[order]
    last = np.append(np.flatnonzero(np.diff(scores)), truth.size - 1)
    hits = np.cumsum(truth)[last]
    precision, gained = hits / (last + 1), np.diff(hits, prepend=0.0)
    return float(np.sum(precision * gained) / hits[-1])


def paired_interval(
    metric: Metric, labels: Floats, first: Floats, second: Floats, seed: int = 0
) -> tuple[float, float]:
    """Returns the 95 % percentile interval of metric(second) - metric(first).

    Accounts are drawn with replacement, the same ones for both models (Efron and
    Tibshirani 1993, chapter 16), so that what both share is no noise of the difference.

    Args:
        metric: From labels and probabilities to a number. Resamples on which it is NaN
            are left out.
        labels: 0 or 1, one per account, [n].
        first: Probabilities of the one model, [n].
        second: Of the other, [n].
        seed: Of the drawing.

    Returns:
        Lower and upper end; NaN both if the metric was NaN on every resample.
    """
    random = np.random.default_rng(seed)
    draws = (random.integers(labels.size, size=labels.size) for _ in range(RESAMPLES))
    values = np.array(
        [metric(labels[rows], second[rows]) - metric(labels[rows], first[rows]) for rows in draws]
    )
    values = values[~np.isnan(values)]
    if values.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
