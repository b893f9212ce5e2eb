"""Metrics of several models on the same accounts, with paired differences."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from pipeline.text.plain_text import table_lines
from serving_model.evaluation import metrics
from serving_model.evaluation.metrics import Metric
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from transforms.arrays import Floats

RESAMPLES = 500
SEED = 1
CONTACTED = 0.1
"""Share of the accounts that are contacted first, for the lift."""
OURS = "Tens-Insight"

Interval = tuple[float, float]


class Score(NamedTuple):
    """One metric of one model, with 95 % intervals of a bootstrap over accounts."""

    metric: str
    """Its label."""
    model: str
    value: float
    interval: Interval
    gap: float | None
    """The metric of OURS minus this one; None for OURS."""
    gap_interval: Interval | None
    """Paired: both models on the same draws."""


def lift(labels: Floats, probabilities: Floats) -> float:
    """Returns the churn rate of the riskiest tenth over that of all."""
    first = np.argsort(-probabilities, kind="stable")[: max(1, round(CONTACTED * len(labels)))]
    return float(labels[first].mean() / labels.mean())


_BENCHMARK_ONLY = (
    Metric(
        "brier",
        "Brier",
        "squared error (Brier)",
        metrics.brier_score,
        higher_is_better=False,
        per_account=metrics.squared_errors,
    ),
    Metric("lift", "lift 10 %", "lift at 10 %", lift),
)
METRICS = {
    **metrics.METRICS,
    **{metric.name: metric for metric in _BENCHMARK_ONLY if metric.name not in metrics.METRICS},
}
"""By name: all that a model is judged by, and what the benchmarks alone look at."""


def score_models(labels: Floats, probabilities: Mapping[str, Floats]) -> list[Score]:
    """Measures every model by every metric.

    Args:
        labels: 0 or 1, [n].
        probabilities: By model, [n] each; OURS is among them.

    Returns:
        By metric, and within it in the order given.
    """
    replicates = paired_bootstrap(
        labels, probabilities, RESAMPLES, SEED, metrics=tuple(METRICS.values())
    )
    scores = []
    for name, metric in METRICS.items():
        values = {model: metric.function(labels, found) for model, found in probabilities.items()}
        for model, value in values.items():
            own = replicates[model][name]
            gap = None if model == OURS else values[OURS] - value
            paired = None if model == OURS else known_interval(replicates[OURS][name] - own)
            scores.append(Score(metric.label, model, value, known_interval(own), gap, paired))
    return scores


def print_table(scores: Sequence[Score]) -> None:
    """Prints a block for each metric."""
    for name, block in groupby(scores, lambda score: score.metric):
        rows = [(name, "value", "95 % interval", f"{OURS} minus it")]
        for score in block:
            gap = ""
            if score.gap is not None and score.gap_interval is not None:
                gap = f"{score.gap:+.4f} {as_text(score.gap_interval)}"
            rows.append((score.model, f"{score.value:.4f}", as_text(score.interval), gap))
        print()
        print("\n".join(table_lines(rows, right=(1,))))


def known_interval(replicates: Floats) -> Interval:
    """Returns the 95 % interval of replicates, of which at least one holds both outcomes."""
    limits = interval(replicates)
    assert limits is not None, "no resample has both outcomes"
    return limits


def as_text(limits: Interval) -> str:
    """Returns an interval as tables write it."""
    return f"[{limits[0]:.4f}, {limits[1]:.4f}]"
