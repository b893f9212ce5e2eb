"""Two models beside each other, as values: what page and server show without loading a model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from components.model_review.sections.estimates import Estimate
from serving_model.evaluation.metrics import Metric
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from transforms.arrays import Floats

ABSENT: Final = "-"
"""Stands for a value that was not recorded."""
FEWEST: Final = 30
"""Churned accounts, and accounts that stayed, below which a slice is not compared: the default of
the gate."""
_SLOW_RESAMPLES: Final = 200
"""Of a metric that is computed on one resample after the other, as the calibration error."""


@dataclass(frozen=True)
class ProbabilityChange:
    """An account whose probability moves far: before, and by this model."""

    account_id: str
    before: float
    after: float
    category_before: str
    category_after: str


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
