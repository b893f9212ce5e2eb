"""Prints metrics of several models on the same accounts, with paired differences."""

from collections.abc import Callable, Mapping

import numpy as np
from sklearn.metrics import average_precision_score

from bench.scores import auc, log_loss
from pipeline.demo.world_model import Floats, Integers
from serving_model.metrics import expected_calibration_error

REPLICATES = 500
SEED = 1
CALLED = 0.1
"""Share of the accounts that are called first, for the lift."""


def lift(churned: Floats, probability: Floats) -> float:
    """Returns the churn rate of the riskiest tenth over that of all."""
    first = np.argsort(-probability, kind="stable")[: max(1, round(CALLED * len(churned)))]
    return float(churned[first].mean() / churned.mean())


METRICS: dict[str, Callable[[Floats, Floats], float]] = {
    "AUC": lambda y, p: auc(p, y == 1),
    "PR AUC": lambda y, p: float(average_precision_score(y, p)),
    "Brier": lambda y, p: float(np.mean((p - y) ** 2)),
    "log-loss": lambda y, p: log_loss(p, y == 1),
    "ECE": expected_calibration_error,
    "lift 10 %": lift,
}


def print_table(labels: Floats, probabilities: Mapping[str, Floats], ours: str) -> None:
    """Prints a block for each metric.

    Args:
        labels: 0 or 1, [n].
        probabilities: By model, [n] each.
        ours: The model whose difference to every other is printed, paired.
    """
    rng = np.random.default_rng(SEED)
    draws = [rng.integers(0, len(labels), len(labels)) for _ in range(REPLICATES)]
    for name, metric in METRICS.items():
        samples = {
            model: np.array([metric(labels[at], found[at]) for at in draws])
            for model, found in probabilities.items()
        }
        print(f"\n{name:<22}{'value':>8}   95 % interval      {ours} minus it")
        for model, found in probabilities.items():
            line = f"  {model:<20}{metric(labels, found):8.4f}   {_interval(samples[model])}"
            if model != ours:
                gap = metric(labels, probabilities[ours]) - metric(labels, found)
                line += f"   {gap:+.4f} {_interval(samples[ours] - samples[model])}"
            print(line)


def _interval(samples: Floats | Integers) -> str:
    low, high = np.quantile(samples, [0.025, 0.975])
    return f"[{low:.4f}, {high:.4f}]"
