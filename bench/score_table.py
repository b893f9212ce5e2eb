"""Metrics of several models on the same accounts, with paired differences."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from bench.scores import auc, log_loss
from pipeline.demo.world_model import Floats
from serving_model.evaluation.metrics import average_precision, expected_calibration_error

REPLICATES = 500
SEED = 1
CALLED = 0.1
"""Share of the accounts that are called first, for the lift."""
OURS = "Tens-Insight"

Interval = tuple[float, float]


class Score(NamedTuple):
    """One metric of one model, with 95 % intervals of a bootstrap over accounts."""

    metric: str
    model: str
    value: float
    interval: Interval
    gap: float | None
    """The metric of OURS minus this one; None for OURS."""
    gap_interval: Interval | None
    """Paired: both models on the same draws."""


def lift(churned: Floats, probability: Floats) -> float:
    """Returns the churn rate of the riskiest tenth over that of all."""
    first = np.argsort(-probability, kind="stable")[: max(1, round(CALLED * len(churned)))]
    return float(churned[first].mean() / churned.mean())


METRICS: dict[str, Callable[[Floats, Floats], float]] = {
    "AUC": lambda y, p: auc(p, y == 1),
    "PR AUC": average_precision,
    "Brier": lambda y, p: float(np.mean((p - y) ** 2)),
    "log-loss": lambda y, p: log_loss(p, y == 1),
    "ECE": expected_calibration_error,
    "lift 10 %": lift,
}


def score_models(labels: Floats, probabilities: Mapping[str, Floats]) -> list[Score]:
    """Measures every model by every metric.

    Args:
        labels: 0 or 1, [n].
        probabilities: By model, [n] each; OURS is among them.

    Returns:
        By metric, and within it in the order given.
    """
    rng = np.random.default_rng(SEED)
    draws = [rng.integers(0, len(labels), len(labels)) for _ in range(REPLICATES)]
    scores = []
    for name, metric in METRICS.items():
        values = {model: metric(labels, found) for model, found in probabilities.items()}
        samples = {
            model: np.array([metric(labels[at], found[at]) for at in draws])
            for model, found in probabilities.items()
        }
        for model, value in values.items():
            own = model == OURS
            gap = None if own else values[OURS] - value
            paired = None if own else interval(samples[OURS] - samples[model])
            scores.append(Score(name, model, value, interval(samples[model]), gap, paired))
    return scores


def print_table(scores: Sequence[Score]) -> None:
    """Prints a block for each metric."""
    for name, block in groupby(scores, lambda score: score.metric):
        print(f"\n{name:<22}{'value':>8}   95 % interval      {OURS} minus it")
        for one in block:
            line = f"  {one.model:<20}{one.value:8.4f}   {as_text(one.interval)}"
            if one.gap is not None and one.gap_interval is not None:
                line += f"   {one.gap:+.4f} {as_text(one.gap_interval)}"
            print(line)


def interval(samples: Floats) -> Interval:
    """Returns the 95 % percentile interval of replicates."""
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)


def as_text(limits: Interval) -> str:
    """Returns an interval as tables write it."""
    return f"[{limits[0]:.4f}, {limits[1]:.4f}]"
