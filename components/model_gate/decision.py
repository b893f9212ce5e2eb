"""Puts the decision on a challenger together, and says it in a sentence."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.model_gate.band_worth import BandsWorth
from components.model_gate.decision_file import CHALLENGER, CHAMPION, Decision, JudgedHorizon
from components.model_gate.evidence import (
    AUC_ABOVE_CHANCE,
    Pace,
    missing_evidence,
    unacceptable_because,
)
from components.model_gate.gate_check import GateCheck
from components.verdicts import PASSED, SKIPPED
from serving_model.evaluation.metrics import METRICS
from serving_model.evaluation.ranking import COLD_START_RULE, RECENCY, first_accounts
from serving_model.evaluation.reliability import deciles

_SHOWN: Final = 3
_RANKED: Final = (CHALLENGER, CHAMPION, RECENCY, COLD_START_RULE)
"""Models whose first accounts are counted."""


def decide(
    *,
    checks: Sequence[GateCheck],
    labels: NDArray[np.float64],
    models: Mapping[str, NDArray[np.float64]],
    slices: list[dict[str, Any]],
    versions: tuple[str, str | None],
    cutoff: str,
    training: dict[str, Any],
    horizons: list[JudgedHorizon],
    pace: Pace | None = None,
    bands: Sequence[BandsWorth] = (),
) -> Decision:
    """Puts a decision together.

    Args:
        checks: All of them; one that failed forbids the blessing.
        labels: Of the evaluation set, [n].
        models: Probabilities by name of the model, [n].
        slices: What slice_checks described.
        versions: Of challenger and champion.
        cutoff: Of the evaluation set, ISO 8601.
        training: What the baselines learnt from.
        pace: How many accounts churn; None where that is not known.
        horizons: What horizon_checks said of each.
        bands: What the risk categories are worth.
    """
    blessed = bool(checks) and not any(check.failed for check in checks)
    first, differences = first_accounts(
        labels, {name: models[name] for name in _RANKED if name in models}
    )
    quality = {name: _quality(labels, found) for name, found in models.items()}
    return Decision(
        blessed=blessed,
        summary=_summary(blessed, checks),
        model_version=versions[0],
        champion_version=versions[1],
        eval={"cutoff": cutoff, "accounts": len(labels), "churned": int(labels.sum())},
        training=training,
        checks=tuple(checks),
        metrics=quality,
        slices=slices,
        calibration=[one._asdict() for one in deciles(labels, models[CHALLENGER])],
        bands=tuple(bands),
        missing_evidence=missing_evidence(checks, pace),
        unacceptable_because="" if blessed else unacceptable_because(checks),
        horizons=horizons,
        first_accounts=first,
        first_differences=differences,
    )


def _quality(
    labels: NDArray[np.float64], probabilities: NDArray[np.float64]
) -> dict[str, float | None]:
    found = {
        **{name: metric.function(labels, probabilities) for name, metric in METRICS.items()},
        "mean_predicted": float(probabilities.mean()),
        "mean_observed": float(labels.mean()),
    }
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def _summary(blessed: bool, checks: Sequence[GateCheck]) -> str:
    failed = [check for check in checks if check.failed]
    if not blessed:
        reasons = [check.message for check in failed[:_SHOWN]] or ["nothing was checked"]
        more = f"; and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        return f"NOT BLESSED: {'; '.join(reasons)}{more}"
    counts = {
        verdict: sum(check.verdict == verdict for check in checks) for verdict in (PASSED, SKIPPED)
    }
    shown = [check.message for check in checks if check.name == AUC_ABOVE_CHANCE]
    return f"BLESSED: {'; '.join(shown)}; {counts[PASSED]} checks passed, {counts[SKIPPED]} skipped"
