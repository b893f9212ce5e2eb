"""Predicted against observed churn rates, tenth by tenth."""

from collections.abc import Iterator
from dataclasses import dataclass

from scipy.stats import binomtest

from components.model_gate.decision_file import CHALLENGER
from components.model_gate.predictions import Predictions
from components.model_review.sections.estimates import Estimate
from serving_model.evaluation import reliability
from serving_model.evaluation.calibration_ratio import p_value_of
from serving_model.evaluation.metrics import expected_calibration_error
from serving_model.evaluation.paired_bootstrap import CONFIDENCE
from transforms.arrays import Floats


@dataclass(frozen=True)
class Decile:
    """One tenth of the accounts by probability: predicted and observed, [0, 1].

    The interval is Wilson's of the observed rate (Wilson 1927), 95 %; p_value says how often a
    calibrated model would be as far off in this tenth, exactly.
    """

    accounts: int
    churned: int
    predicted: float
    observed: float
    interval: tuple[float, float]
    p_value: float


@dataclass(frozen=True)
class Calibration:
    """Predicted against observed, the lowest tenth first.

    Attributes:
        deciles: The challenger's, the lowest probabilities first.
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


def calibration_of(predictions: Predictions) -> Calibration:
    """Sets what the challenger predicted beside what happened.

    Args:
        predictions: What the gate judged.
    """
    labels, found = predictions.labels, predictions.models[CHALLENGER]
    return Calibration(
        deciles=tuple(_deciles(labels, found)),
        error=Estimate(expected_calibration_error(labels, found)),
        by_chance=reliability.chance_bounds(found).calibration_error,
        mean_predicted=float(found.mean()),
        mean_observed=float(labels.mean()),
    )


def _deciles(labels: Floats, found: Floats) -> Iterator[Decile]:
    rows = reliability.decile_rows(found)
    for one, at in zip(reliability.deciles(labels, found), rows, strict=True):
        yield _decile(one, p_value_of(int(labels[at].sum()), found[at]))


def _decile(found: reliability.Decile, p_value: float) -> Decile:
    churned = round(found.observed * found.accounts)
    ends = binomtest(churned, found.accounts).proportion_ci(CONFIDENCE, method="wilson")
    return Decile(
        accounts=found.accounts,
        churned=churned,
        predicted=found.predicted,
        observed=found.observed,
        interval=(float(ends.low), float(ends.high)),
        p_value=p_value,
    )
