"""Metrics of the challenger by slice, as the gate measured them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.model_gate.decision_file import CHAMPION, Decision
from components.model_gate.gate_check import GateCheck
from components.model_review.sections.estimates import Estimate


@dataclass(frozen=True)
class Slice:
    """The challenger on a slice.

    Attributes:
        name: Such as "customer_tier pro".
        accounts: Number of accounts.
        churned: How many of them churned.
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


def slices_of(decision: Decision) -> tuple[Slice, ...]:
    """Reads the slices and their checks, in the order of the gate.

    Args:
        decision: What decision.json holds.
    """
    checks: defaultdict[str, list[GateCheck]] = defaultdict(list)
    for check in decision.checks:
        checks[check.slice].append(check)
    return tuple(_slice(found, checks[found["slice"]]) for found in decision.slices)


def _slice(found: Mapping[str, Any], checks: list[GateCheck]) -> Slice:
    by_name = {check.name: check for check in checks}
    return Slice(
        name=found["slice"],
        accounts=found["accounts"],
        churned=found["churned"],
        too_little=found.get("skipped", ""),
        auc=_estimate(by_name.get("auc")),
        calibration_gap=_estimate(by_name.get("calibration gap")),
        mean_predicted=found.get("mean_predicted"),
        mean_observed=found.get("mean_observed"),
        against_champion=_estimate(by_name.get(f"auc against the {CHAMPION}")),
        failed=any(check.failed for check in checks),
    )


def _estimate(check: GateCheck | None) -> Estimate | None:
    if check is None or check.value is None:
        return None
    return Estimate(check.value, check.interval)
