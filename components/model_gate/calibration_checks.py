"""The checks of calibration: absolute distances, and ratios that see a small base rate."""

from collections.abc import Iterator
from typing import Final

from components.model_gate.config import ModelGateConfig
from components.model_gate.gate_check import GateCheck, Population
from serving_model.evaluation.calibration_ratio import (
    CalibrationRatio,
    calibration_ratio,
    top_rows,
)
from serving_model.evaluation.metrics import calibration_gap, expected_calibration_error
from serving_model.evaluation.paired_bootstrap import Replicates
from serving_model.evaluation.reliability import ChanceBounds, chance_bounds
from transforms.arrays import Floats

RATIO: Final = "calibration ratio"
TOP_DECILE: Final = "top decile"
BY_CHANCE: Final = 0.01
"""P below which a deviation is beyond chance; divided by the number of slices or horizons."""


def calibration_checks(
    population: Population,
    labels: Floats,
    probabilities: Floats,
    replicates: Replicates,
    limits: ModelGateConfig,
) -> Iterator[GateCheck]:
    """Yields the checks on the whole evaluation set and on its top decile.

    The absolute thresholds are the settings, or what chance explains where there are few accounts.

    Args:
        population: Its size.
        labels: 0 or 1, [n].
        probabilities: The challenger's, [n].
        replicates: Of its paired bootstrap.
        limits: The thresholds.
    """
    chance = chance_bounds(probabilities)
    error = expected_calibration_error(labels, probabilities)
    bounds = ChanceBounds(
        max(limits.max_calibration_error, chance.calibration_error),
        max(limits.max_calibration_gap, chance.gap),
    )
    yield population.check(
        name="calibration error",
        value=error,
        threshold=f"at most {bounds.calibration_error:.4g}",
        limit=bounds.calibration_error,
        excess=error - bounds.calibration_error,
    )
    gap = calibration_gap(labels, probabilities)
    yield population.check(
        name="calibration gap",
        value=gap,
        threshold=f"within {bounds.gap:.4g} of 0",
        limit=bounds.gap,
        excess=abs(gap) - bounds.gap,
        replicates=replicates["calibration_gap"],
    )
    yield ratio_check(population, labels, probabilities, limits.max_calibration_ratio)
    rows = top_rows(probabilities)
    top = Population.of(TOP_DECILE, labels[rows])
    yield ratio_check(top, labels[rows], probabilities[rows], limits.max_part_calibration_ratio)


def ratio_check(
    population: Population,
    labels: Floats,
    probabilities: Floats,
    most: float,
    looks: int = 1,
) -> GateCheck:
    """Checks mean predicted over observed rate: it fails beyond chance and beyond the ratio.

    Args:
        population: The accounts.
        labels: 0 or 1, [n], n at least 1.
        probabilities: The challenger's, [n].
        most: The factor by which the two may differ.
        looks: How many such checks are made of one kind; P counts the more for each
            (Bonferroni's correction).
    """
    found = calibration_ratio(labels, probabilities)
    by_chance = BY_CHANCE / looks
    beyond = found.factor - most
    return population.check(
        name=RATIO,
        value=found.ratio,
        threshold=f"within a factor of {most:g}, or P at least {by_chance:.2g}",
        limit=most,
        excess=beyond if found.p_value < by_chance else min(beyond, 0.0),
        ends=found.interval,
        p_value=found.p_value,
        remark=_remark(found),
    )


def _remark(found: CalibrationRatio) -> str:
    what = "churned" if found.of_churn else "stayed"
    return (
        f", predicted {found.predicted:.4f} over {found.observed:.4f} that {what}, "
        f"P {_p(found.p_value)}"
    )


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else "below 0.0001"
