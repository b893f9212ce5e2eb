"""What is unusual becomes alarms: what moves at one moment is one alarm, however many measures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from components.monitor.measures import (
    AMOUNT,
    CUMULATIVE,
    FACT,
    SHARE,
    Measure,
    name_of_measure,
)
from components.monitor.thresholds import STATISTICS, Judged

ONE_MOMENT_DAYS: Final = 14
"""Alarms that come within so many days of one another are one: causes show in some measures at
once, and in others when the weeks before are all behind them."""


STAYS_OPEN_DAYS: Final = 28
LIMIT: Final = "limit"
"""Statistic of what a limit of the settings decides about: the data checks judge it, not its
history. Its alarm lasts as long as the check fails, and is no part of the budget."""


@dataclass(frozen=True)
class Finding:
    """One measure beside what is usual.

    Attributes:
        measure: What was measured.
        value: As it is compared; of a cumulative count, its growth within a week.
        low: From low to high nothing is unusual; NaN without enough history.
        high: Likewise.
        statistic: Which one is nearest to its threshold, or most beyond.
        surprise: Its value, in usual changes; NaN where it cannot be told.
        threshold: From which it is an alarm.
        alarm: Whether it is one.
        compared_with: Version of the champion, or as_of of the newest run before.
        opened_at: as_of of the run that raised the alarm first; None without an alarm.
    """

    measure: Measure
    value: float
    low: float
    high: float
    statistic: str
    surprise: float
    threshold: float
    alarm: bool
    compared_with: str = ""
    opened_at: datetime | None = None


@dataclass(frozen=True)
class OpenAlarm:
    """An alarm of a former run: of which measure, in which run, since when, and what was usual."""

    key: tuple[str, str, str, str]
    window_end: datetime
    opened_at: datetime
    low: float = -np.inf
    high: float = np.inf
    statistic: str = ""


def findings_of(
    measures: Sequence[Measure], values: Sequence[float], judged: Judged
) -> list[Finding]:
    """Returns what the last run found.

    Args:
        measures: S of them.
        values: As they are compared, [S].
        judged: Of the last run.
    """
    strongest, alarm = judged.strongest()[-1], judged.alarm[-1]
    found = []
    for at, (measure, value) in enumerate(zip(measures, values, strict=True)):
        if measure.scale == FACT:
            continue
        which = int(strongest[at])
        surprise = float(judged.surprise[which, -1, at])
        threshold = float(judged.threshold[which, -1, at])
        ends = (float(judged.low[-1, at]), float(judged.high[-1, at]))
        found.append(
            Finding(measure, value, *ends, STATISTICS[which], surprise, threshold, bool(alarm[at]))
        )
    return found


def opened(
    findings: Sequence[Finding], as_of: datetime, before: Sequence[OpenAlarm]
) -> list[Finding]:
    """Says of each alarm since when it is open, and keeps those open that did not end.

    After a week the changed value is itself one of the weeks that are compared with. An alarm
    stays open while the value lies beyond what was usual before, STAYS_OPEN_DAYS at most: what
    lasts longer is the new usual. A limit of the settings may fail for months: such alarms begin
    with their first run, and do not date what is opened later.

    Args:
        findings: Of a run.
        as_of: Its now.
        before: Alarms of the runs of the last ONE_MOMENT_DAYS days, newest run first.
    """
    newest = max((one.opened_at for one in before if one.statistic != LIMIT), default=as_of)
    same: dict[tuple[str, str, str, str], OpenAlarm] = {}
    for one in before:
        same.setdefault(one.key, one)
    found = []
    for finding in findings:
        former = same.get(finding.measure.key)
        of_limit = finding.statistic == LIMIT
        lasts = former is not None and not of_limit and _lasts(finding, former, as_of)
        if former is not None and (finding.alarm or lasts):
            ends = former if lasts else finding
            found.append(
                replace(
                    finding, alarm=True, opened_at=former.opened_at, low=ends.low, high=ends.high
                )
            )
        else:
            since = as_of if of_limit else newest
            found.append(replace(finding, opened_at=since) if finding.alarm else finding)
    return found


def _lasts(finding: Finding, former: OpenAlarm, as_of: datetime) -> bool:
    recent = as_of - former.opened_at <= timedelta(days=STAYS_OPEN_DAYS)
    return recent and not former.low <= finding.value <= former.high


def moments(alarm: Sequence[bool], days: Sequence[float]) -> Iterator[int]:
    """Yields the runs that open an alarm, of runs of which some have one.

    Args:
        alarm: Whether a run has any alarm.
        days: When, rising.
    """
    last = -np.inf
    for at, (one, day) in enumerate(zip(alarm, days, strict=True)):
        if one:
            if day - last > ONE_MOMENT_DAYS:
                yield at
            last = day


def alarm_sentences(findings: Sequence[Finding]) -> list[str]:
    """Returns a sentence for each moment at which alarms were opened, newest first.

    What the data checks warn of is told by them, in words of their own.
    """
    open_ones = [
        one
        for one in findings
        if one.alarm and one.opened_at is not None and one.statistic != LIMIT
    ]
    sentences = []
    for moment in sorted({one.opened_at for one in open_ones if one.opened_at}, reverse=True):
        own = [one for one in open_ones if one.opened_at == moment]
        own.sort(key=lambda one: -abs(one.surprise) / one.threshold)
        more = f"; and {len(own) - 1} more measures" if len(own) > 1 else ""
        sentences.append(f"since {moment:%Y-%m-%d}: {told(own[0])}{more}")
    return sentences


def told(one: Finding) -> str:
    """Says of what a measure is, its value and what is usual."""
    value = _shown(one.value, one.measure.scale)
    if not (np.isfinite(one.low) and np.isfinite(one.high)):
        return f"{name_of(one.measure)} is {value}"
    ends = " to ".join(_shown(end, one.measure.scale) for end in (one.low, one.high))
    return f"{name_of(one.measure)} is {value}, usual are {ends}"


def name_of(measure: Measure) -> str:
    """Returns what people call a measure."""
    return name_of_measure(*measure.key)


def _shown(value: float, scale: str) -> str:
    if scale == SHARE:
        return f"{value:.1%}"
    if scale in (AMOUNT, CUMULATIVE) or abs(value) >= 100:
        return f"{value:.4g}"
    return f"{value:.3g}"
