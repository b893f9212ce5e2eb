"""Is there as much feedback, and are there as many accounts, as in the runs before?"""

from collections.abc import Iterator
from typing import Final

from components.data_checker.checks import Check, told
from components.data_checker.config import DataCheckerConfig
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.reading.watermark import WEEKS_BEFORE
from components.registry.input_properties import ExamplesProperties
from components.verdicts import FAILED, PASSED, SKIPPED

VOLUME: Final = "volume"
FEWEST_WEEKLY_ROWS: Final = 100
"""From it on, half of a mean week is five standard deviations of a Poisson count away."""
_NO_PREVIOUS: Final = "not compared: no earlier run has published"


def check_volume(
    data: ExamplesProperties, splits: list[str], limits: DataCheckerConfig
) -> Iterator[Check]:
    """Yields what vanished, how the population changed, and whether the ETL is half dead.

    Args:
        data: Properties of the Examples.
        splits: Its splits.
        limits: The thresholds.
    """
    yield _vanished(data, limits)
    if SCORE in splits:
        yield _population(data, limits)
    yield _last_week(data, limits)


def _vanished_share(data: ExamplesProperties) -> float | None:
    """Returns which share of the rows that were read before is gone; None without such a run."""
    before = data.previous_feedback_rows
    if before is None:
        return None
    return round(_gone(data) / before, 6) if before else 0.0


def _gone(data: ExamplesProperties) -> int:
    return max(0, -(data.late_rows or 0))


def _vanished(data: ExamplesProperties, limits: DataCheckerConfig) -> Check:
    name, threshold = "share of rows that vanished", f"<= {limits.max_vanished_share:g}"
    before, share = data.previous_feedback_rows, _vanished_share(data)
    if share is None:
        return _check(name, (), None, threshold, SKIPPED, _NO_PREVIOUS)
    since = _day(data.previous_as_of)
    message = (
        f"{_gone(data)} of the {before} rows of feedback that the run as of {since} read are "
        f"gone, at most {limits.max_vanished_share:.1%} may be; check the ETL, or what was "
        "deleted (TENS_INSIGHT_MAX_VANISHED_SHARE)"
    )
    verdict = PASSED if share <= limits.max_vanished_share else FAILED
    high = limits.max_vanished_share
    return _check(name, (), share, threshold, verdict, message, high=high)


def _population(data: ExamplesProperties, limits: DataCheckerConfig) -> Check:
    name, threshold = "change of the accounts to score", f"within {limits.max_accounts_change:g}"
    before, now = data.previous_scored, data.splits[SCORE].examples
    if before is None:
        return _check(name, (SCORE,), None, threshold, SKIPPED, _NO_PREVIOUS)
    if before < limits.min_drift_accounts:
        few = (
            f"too few: {before} accounts were published of {limits.min_drift_accounts} needed "
            "(TENS_INSIGHT_MIN_DRIFT_ACCOUNTS)"
        )
        return _check(name, (SCORE,), None, threshold, SKIPPED, few)
    change = (now - before) / before
    message = (
        f"{now} accounts are to be scored, and {before} were as of "
        f"{_day(data.previous_as_of)}: a change of {change:+.1%}, at most "
        f"{limits.max_accounts_change:.1%} is usual (TENS_INSIGHT_MAX_ACCOUNTS_CHANGE)"
    )
    most = limits.max_accounts_change
    verdict, found = PASSED if abs(change) <= most else FAILED, round(change, 6)
    return _check(name, (SCORE,), found, threshold, verdict, message, low=-most, high=most)


def _last_week(data: ExamplesProperties, limits: DataCheckerConfig) -> Check:
    name, threshold = (
        "feedback of the last 7 days",
        f">= {limits.min_week_share:g} of the mean week",
    )
    rows, before = data.rows_last_week, data.rows_weeks_before
    if rows is None or before is None:
        short = f"not compared: the history has no {WEEKS_BEFORE} weeks before the last 7 days"
        return _check(name, (), None, threshold, SKIPPED, short)
    mean = before / WEEKS_BEFORE
    share = round(rows / mean, 6) if mean else None
    if share is None or mean < FEWEST_WEEKLY_ROWS:
        few = f"too few: {mean:.0f} rows in the mean week of {FEWEST_WEEKLY_ROWS} needed"
        return _check(name, (), share, threshold, SKIPPED, few)
    message = (
        f"the last 7 days brought {rows} rows of feedback, and the mean of the {WEEKS_BEFORE} "
        f"weeks before is {mean:.0f}: {share:.0%}, at least {limits.min_week_share:.0%} is "
        "usual; check that every source still arrives (TENS_INSIGHT_MIN_WEEK_SHARE)"
    )
    least = limits.min_week_share
    verdict = PASSED if share >= least else FAILED
    return _check(name, (), share, threshold, verdict, message, low=least)


def _day(moment: str | None) -> str:
    return (moment or "")[:10]


def _check(
    name: str,
    splits: tuple[str, ...],
    found: float | None,
    threshold: str,
    verdict: str,
    why: str,
    low: float | None = None,
    high: float | None = None,
) -> Check:
    message = told(name, verdict, why)
    return Check(name, VOLUME, splits, found, threshold, verdict, message, low, high)
