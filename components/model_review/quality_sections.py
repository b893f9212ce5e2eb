"""The sections of the report that say how good the model is on the evaluation snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % bootstrap interval over accounts, if one was made."""

    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Curve:
    """A line of a model, thinned for drawing.

    Attributes:
        model: Whose.
        x: Of its points, [0, 1], never falling.
        y: Of its points, [0, 1].
        within: What was left out lies no further than this from the line: .001, or more
            where the line has too many corners to be drawn so closely.
    """

    model: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    within: float = 0.001


@dataclass(frozen=True)
class ModelMetrics:
    """Metrics of one model on the evaluation snapshot.

    Attributes:
        model: challenger, champion, or the name of a baseline.
        metrics: By name, those of serving_model.evaluation.metrics.METRICS in their order.
        mean_predicted: Mean probability, [0, 1].
    """

    model: str
    metrics: Mapping[str, Estimate]
    mean_predicted: float


@dataclass(frozen=True)
class Quality:
    """Ranking, with the baselines beside it.

    Attributes:
        metrics: The challenger first, then the champion if there is one, then baselines.
        roc: x: share of stayers called in vain, y: share of leavers found.
        precision_recall: x: share of leavers found, y: share of leavers among those called.
        base_rate: Share of leavers, [0, 1].
    """

    metrics: tuple[ModelMetrics, ...]
    roc: tuple[Curve, ...]
    precision_recall: tuple[Curve, ...]
    base_rate: float


@dataclass(frozen=True)
class Decile:
    """One tenth of the accounts by probability: predicted and observed, [0, 1].

    The interval is Wilson's of the observed rate (Wilson 1927), 95 %.
    """

    accounts: int
    churned: int
    predicted: float
    observed: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Calibration:
    """Predicted against observed, the lowest tenth first.

    Attributes:
        deciles: Of the challenger.
        error: Its calibration error, [0, 1].
        by_chance: What a perfectly calibrated model stays below 99 times in 100.
        mean_predicted: Mean probability.
        mean_observed: Share that churned.
    """

    deciles: tuple[Decile, ...]
    error: Estimate
    by_chance: float
    mean_predicted: float
    mean_observed: float


@dataclass(frozen=True)
class CallsForHalf:
    """How many accounts, the highest scores first, must be called to reach half of the leavers."""

    model: str
    accounts: int
    share: float


@dataclass(frozen=True)
class Gains:
    """How many leavers are found by how many calls.

    Attributes:
        curves: Of challenger, champion and baselines; x: share of accounts called, highest
            probability first, y: share of leavers among them found, which of accounts with
            one probability is the mean over their orders.
        calls_for_half: By model, in the same order.
        lift: Of the challenger: share of leavers among the called over that of all, by the
            share called, such as (0.1, lift at 10 %).
        accounts: In the evaluation snapshot.
        churned: Of them.
    """

    curves: tuple[Curve, ...]
    calls_for_half: tuple[CallsForHalf, ...]
    lift: tuple[tuple[float, Estimate], ...]
    accounts: int
    churned: int


@dataclass(frozen=True)
class Slice:
    """The challenger on a slice.

    Attributes:
        name: Such as "customer_tier pro".
        accounts: Its size.
        churned: Of them.
        too_little: Why nothing is said of it; empty if there are enough data.
        auc: Within the slice.
        calibration_gap: Mean probability less the observed rate.
        mean_predicted: Mean probability.
        mean_observed: Share that churned.
        against_champion: AUC less the champion's; None without one.
        failed: Whether a check of the gate failed on it.
    """

    name: str
    accounts: int
    churned: int
    too_little: str = ""
    auc: Estimate | None = None
    calibration_gap: Estimate | None = None
    mean_predicted: float | None = None
    mean_observed: float | None = None
    against_champion: Estimate | None = None
    failed: bool = False
