"""The checks on horizons: every probability that is published is judged, or says that it is not."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from components.model_gate.calibration_checks import ratio_check
from components.model_gate.config import ModelGateConfig
from components.model_gate.decision_file import CHALLENGER, JudgedHorizon
from components.model_gate.gate_check import LOWEST_AUC, OVERALL, GateCheck, Population
from components.model_gate.predictions import Predictions
from serving_model.evaluation.calibration_ratio import calibration_ratio
from serving_model.evaluation.metrics import auc, expected_calibration_error
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from transforms.arrays import Floats

MONOTONE: Final = "horizons in order"
_ROUNDING: Final = 1e-6
"""Probabilities are float32."""


def horizon_name(days: int) -> str:
    """Returns what a horizon is called among the slices of checks."""
    return f"within {days} days"


def horizon_checks(
    predictions: Predictions, horizon_days: int, limits: ModelGateConfig
) -> tuple[list[JudgedHorizon], list[GateCheck]]:
    """Judges every horizon of the challenger on the accounts whose window was seen to its end.

    Args:
        predictions: What all models say of the evaluation set.
        horizon_days: Of the label; its own checks are those on all accounts.
        limits: The thresholds.

    Returns:
        Every horizon, rising, and the checks: of the order, and of each other horizon.
    """
    population = Population.of(OVERALL, predictions.labels)
    why = {days: _why_not(predictions, days, limits) for days in predictions.horizons}
    looks = sum(not said for days, said in why.items() if days != horizon_days)
    most = limits.max_part_calibration_ratio
    judged: list[JudgedHorizon] = []
    checks: list[GateCheck] = []
    if len(predictions.horizons) > 1:
        checks.append(_in_order(population, predictions.horizons))
    for days, said in why.items():
        rows = predictions.seen.closed(days)
        labels = predictions.seen.lost(days)[rows]
        counted = Population.of(horizon_name(days), labels)
        found = predictions.horizons[days][rows]
        if said and days != horizon_days:
            judged.append(JudgedHorizon(days, said, counted.accounts, counted.churned))
            checks.append(counted.skip("horizon", "enough of both outcomes", said))
            continue
        one, of_auc = _measured(days, counted, labels, found)
        judged.append(one)
        if days != horizon_days:
            checks += [of_auc, ratio_check(counted, labels, found, most, looks)]
    return judged, checks


def _why_not(predictions: Predictions, days: int, limits: ModelGateConfig) -> str:
    """Says why a horizon cannot be judged; empty where it can."""
    closed = predictions.seen.closed(days)
    if not closed.any():
        seen = int(predictions.seen.days_observed.max(initial=0))
        return f"its window is not closed: the evaluation set sees {seen} days after its cutoff"
    churned = int(predictions.seen.lost(days)[closed].sum())
    stayed = int(closed.sum()) - churned
    if churned >= limits.min_slice_churned and stayed >= limits.min_slice_stayed:
        return ""
    return (
        f"{churned} churned and {stayed} stayed, at least {limits.min_slice_churned} and "
        f"{limits.min_slice_stayed} are needed"
    )


def _measured(
    days: int, counted: Population, labels: Floats, found: Floats
) -> tuple[JudgedHorizon, GateCheck]:
    areas = paired_bootstrap(labels, {CHALLENGER: found})[CHALLENGER]["auc"]
    area, ends = auc(labels, found), interval(areas)
    ratio = calibration_ratio(labels, found)
    check = counted.check(
        name="auc",
        value=area,
        threshold=f"upper end at least {LOWEST_AUC:g}",
        limit=LOWEST_AUC,
        excess=LOWEST_AUC - (ends or (np.nan, np.nan))[1],
        replicates=areas,
    )
    one = JudgedHorizon(
        days=days,
        not_judged="",
        accounts=counted.accounts,
        churned=counted.churned,
        auc=check.value,
        auc_interval=ends,
        mean_predicted=float(found.mean()),
        mean_observed=float(labels.mean()),
        calibration_error=expected_calibration_error(labels, found),
        p_value=ratio.p_value,
    )
    return one, check


def _in_order(population: Population, horizons: Mapping[int, Floats]) -> GateCheck:
    """A longer horizon may not be less likely: churn within 30 days is churn within 60."""
    by_days = np.stack([horizons[days] for days in sorted(horizons)], axis=1)
    falling = int((np.diff(by_days, axis=1) < -_ROUNDING).any(axis=1).sum())
    return population.check(
        name=MONOTONE,
        value=float(falling),
        threshold="no account less likely to churn within more days",
        limit=0.0,
        excess=float(falling),
    )
