"""Does a refused challenger lack evidence alone, and how much more would change the verdict?

A check whose rule is that the lower end of an interval lies above a limit can fail for two reasons:
the value is not above the limit, or too few accounts churned to tell. Only the second one is
changed by more of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.model_gate.gate_check import OVERALL, GateCheck

AUC_ABOVE_CHANCE: Final = "auc above chance"
GAIN_OVER_CONSTANT: Final = "log_loss gain over the constant"
_BY_EVIDENCE: Final = (AUC_ABOVE_CHANCE, GAIN_OVER_CONSTANT)
"""Checks on all accounts whose rule is about the lower end of an interval."""
_AGAINST: Final = " against the "
_CHAMPION: Final = "champion"
"""How checks are named that compare the challenger with another model."""
_LONGEST_HORIZON_DAYS: Final = 365
_BEYOND_CHANCE: Final = 1.96
"""Standard deviations, two-sided at 5 %."""
_WEEK: Final = timedelta(days=7)


class Pace(NamedTuple):
    """How many accounts churn, by the windows of the run."""

    as_of: datetime
    """The run's now."""
    horizon_days: int
    windows: tuple[tuple[datetime, int], ...]
    """Cutoff and churned accounts of each training window, oldest first; empty where only a share
    of the accounts was read."""
    evaluation: datetime
    """The cutoff of the evaluation set."""


@dataclass(frozen=True)
class MissingEvidence:
    """What would change the verdict on a challenger that lacks evidence.

    Attributes:
        check: The failed check that needs most.
        churned: Churned accounts of the evaluation set.
        needed: With about so many a signal of this size passes the check in half of the cases.
        churned_per_week: Of the evaluation set: churned accounts over the weeks of the horizon.
        growth_per_week: Churned accounts by which the evaluation set grows each week; None where
            it does not grow beyond chance, or nothing is known.
        weeks: Until it has as many as are needed, by that growth; None without growth.
        longer_horizon_days: A horizon within which as many churn; None where none up to a year
            has them.
        horizon_weeks: Until the history is long enough for that horizon; 0 where it is.
        sentence: All of it.
    """

    check: str
    churned: int
    needed: int
    churned_per_week: float
    growth_per_week: float | None
    weeks: float | None
    longer_horizon_days: int | None
    horizon_weeks: float | None
    sentence: str


def unacceptable_because(checks: Sequence[GateCheck]) -> str:
    """Returns why no person may accept a refused challenger; empty where it lacks evidence alone.

    Its gain over the constant may be unproven, and it may be behind a baseline by a difference that
    may be chance. A ranking that may be chance, one that is behind the champion's, or a baseline's
    beyond chance, and probabilities that are off are no lack of evidence: the check that says so is
    named.

    Args:
        checks: All of the gate, of which some failed.
    """
    for check in checks:
        unproven = check.name == GAIN_OVER_CONSTANT and _is_unproven(check)
        if check.failed and not unproven and not _may_be_level(check):
            return check.message
    return ""


def missing_evidence(checks: Sequence[GateCheck], pace: Pace | None) -> MissingEvidence | None:
    """Says what would change the verdict; None where more evidence would not, or nothing failed.

    The interval of a mean over accounts, and of AUC, shrinks with the root of the number of churned
    accounts where the base rate stays (Hanley and McNeil 1982 for AUC). A value v whose lower end
    is l at n churned accounts passes a limit m in half of the cases from n ((v - l) / (v - m))^2
    on, if the true value is v.

    Args:
        checks: All of the gate.
        pace: How many accounts churn; None where that is not known.
    """
    failed = [check for check in checks if check.failed]
    if pace is None or not failed or not all(map(_is_unproven, failed)):
        return None
    most = max(failed, key=_needed)
    churned, needed = most.churned, _rounded(_needed(most))
    per_week = churned / (pace.horizon_days / 7)
    growth = _growth_per_week(churned, pace)
    longer = math.ceil(pace.horizon_days * needed / churned)
    horizon = longer if longer <= _LONGEST_HORIZON_DAYS else None
    wait = _history_missing_weeks(horizon, pace) if horizon else None
    weeks = (needed - churned) / growth if growth else None
    return MissingEvidence(
        check=most.name,
        churned=churned,
        needed=needed,
        churned_per_week=per_week,
        growth_per_week=growth,
        weeks=weeks,
        longer_horizon_days=horizon,
        horizon_weeks=wait,
        sentence=f"{churned} churned accounts, about {needed} are needed for a signal of this size"
        f": {_ways(per_week, growth, weeks, horizon, wait)}",
    )


def read_pace(
    as_of: str,
    horizon_days: int,
    evaluation: str,
    cutoffs: NDArray[np.int64],
    labels: NDArray[Any],
) -> Pace:
    """Counts the churned accounts of the training windows.

    Args:
        as_of: The run's now, ISO 8601.
        horizon_days: Length of a window.
        evaluation: Cutoff of the evaluation set, ISO 8601.
        cutoffs: Of training examples, seconds since 1970 UTC, [n]; empty where they are a share.
        labels: 0 or 1, [n].
    """
    found, places = np.unique(cutoffs, return_inverse=True)
    churned = np.bincount(places, weights=labels, minlength=len(found)).astype(int)
    moments = [datetime.fromtimestamp(int(one), timezone.utc) for one in found]
    return Pace(
        datetime.fromisoformat(as_of),
        horizon_days,
        tuple(zip(moments, churned.tolist(), strict=True)),
        datetime.fromisoformat(evaluation),
    )


def _is_unproven(check: GateCheck) -> bool:
    """Tells whether the value is on the right side of its limit, and its interval is not."""
    return (
        check.slice == OVERALL
        and check.name in _BY_EVIDENCE
        and check.value is not None
        and check.limit is not None
        and check.interval is not None
        and check.churned > 0
        and check.value > check.limit
    )


def _may_be_level(check: GateCheck) -> bool:
    """Tells whether a difference from a baseline may be chance: its interval holds 0."""
    _, against, other = check.name.partition(_AGAINST)
    if check.slice != OVERALL or not against or other == _CHAMPION or check.interval is None:
        return False
    return check.interval[0] <= 0 <= check.interval[1]


def _needed(check: GateCheck) -> float:
    assert check.value is not None
    assert check.interval is not None
    assert check.limit is not None
    half_width = check.value - check.interval[0]
    return check.churned * (half_width / (check.value - check.limit)) ** 2


def _rounded(number: float) -> int:
    """Rounds up to two digits: more would claim to know more."""
    step = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / step) * int(step)


def _growth_per_week(churned: int, pace: Pace) -> float | None:
    """Compares the evaluation window with the oldest training window.

    Each count is taken for a Poisson number: the difference counts where it is beyond chance.
    """
    if not pace.windows:
        return None
    oldest, before = pace.windows[0]
    weeks = (pace.evaluation - oldest) / _WEEK
    grown = churned - before
    if weeks <= 0 or grown <= _BEYOND_CHANCE * math.sqrt(churned + before):
        return None
    return grown / weeks


def _history_missing_weeks(horizon_days: int, pace: Pace) -> float:
    """Returns the weeks until two windows of a horizon fit behind the oldest cutoff."""
    oldest = min([cutoff for cutoff, _ in pace.windows], default=pace.evaluation)
    missing = timedelta(days=2 * horizon_days) - (pace.as_of - oldest)
    return max(0.0, missing / _WEEK)


def _ways(
    per_week: float,
    growth: float | None,
    weeks: float | None,
    horizon: int | None,
    wait: float | None,
) -> str:
    ways = []
    if growth is not None and weeks is not None:
        ways.append(
            f"in about {_weeks(weeks)}, since the evaluation set gains {growth:.1f} churned "
            "accounts a week"
        )
    if horizon is not None:
        when = f" in about {_weeks(wait)}, when the history is long enough" if wait else ""
        ways.append(
            f"with HORIZON_DAYS={horizon}{when}, at today's rate of {per_week:.1f} churned accounts"
            " a week"
        )
    if not ways:
        return (
            f"at today's rate of {per_week:.1f} churned accounts a week no horizon up to a year "
            "has as many"
        )
    only = (
        "" if growth is not None else "; waiting alone adds none, since they do not grow in number"
    )
    return ", or ".join(ways) + only


def _weeks(number: float) -> str:
    whole = max(1, math.ceil(number))
    return "1 week" if whole == 1 else f"{whole} weeks"
