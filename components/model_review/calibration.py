"""Can the probabilities be believed: predicted against observed, tenth by tenth."""

from scipy.stats import binomtest

from components.model_gate.overall_checks import CHALLENGER
from components.model_gate.predictions import Predictions
from components.model_review.quality_sections import Calibration, Decile, Estimate
from serving_model.evaluation import reliability
from serving_model.evaluation.metrics import expected_calibration_error
from serving_model.evaluation.paired_bootstrap import CONFIDENCE


def calibration_of(predictions: Predictions) -> Calibration:
    """Sets what the challenger predicted beside what happened.

    Args:
        predictions: What the gate judged.
    """
    labels, found = predictions.labels, predictions.models[CHALLENGER]
    return Calibration(
        deciles=tuple(map(_decile, reliability.deciles(labels, found))),
        error=Estimate(expected_calibration_error(labels, found)),
        by_chance=reliability.chance_bounds(found).calibration_error,
        mean_predicted=float(found.mean()),
        mean_observed=float(labels.mean()),
    )


def _decile(found: reliability.Decile) -> Decile:
    churned = round(found.observed * found.accounts)
    ends = binomtest(churned, found.accounts).proportion_ci(CONFIDENCE, method="wilson")
    return Decile(
        accounts=found.accounts,
        churned=churned,
        predicted=found.predicted,
        observed=found.observed,
        interval=(float(ends.low), float(ends.high)),
    )
