"""What the page of the monitor shows, read from the tables that every run fills."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.causes.record import RecordedCause, read_causes
from components.contributions.mean_change import CARRIERS, MeanChange, PartsNotKept, change_between
from components.monitor.monitor_report import MonitorReport, read_report
from components.outcome_recorder.listing import (
    Asked,
    Outcomes,
    PublishedMetric,
    read_course,
    read_outcomes,
)
from components.page.blocks import Cell
from components.postgres.queries import queries
from components.postgres.rows import records

_QUERIES: Final = queries(__package__)

MISSED: Final = 10
"""Accounts that left with a low score and are named."""
Key = tuple[str, str, str, str]
"""Slice key, slice value, column and metric."""


@dataclass(frozen=True)
class UsualRange:
    """Between low and high a measure of a run was not unusual."""

    low: float
    high: float


@dataclass(frozen=True)
class ChangePart:
    """What one part added to the mean score from the publication before to this one."""

    as_of: datetime
    part: str
    feature_group: str
    change: float


@dataclass(frozen=True)
class PageContent:
    """All that the page shows.

    Attributes:
        report: Measures, findings and alarms of the runs.
        usual: By measure and as_of of a run, what was usual then.
        alarmed: By the moment at which an alarm was opened, its measures, the strongest first.
        change: Why the mean moved last; None with fewer than two publications.
        change_missing: Why that is not known; empty where it is.
        parts: What moved the mean, run by run, oldest first.
        outcomes: How far outcomes are known, and who left with a low score.
        course: Performance of publications at their main horizon, oldest first.
        cause: What the feedback said about the cause of a change, at the newest run; None if it
            was not asked.
        account: Makes the cell that names an account.
    """

    report: MonitorReport
    usual: Mapping[tuple[Key, datetime], UsualRange]
    alarmed: Mapping[datetime, Sequence[Key]]
    change: MeanChange | None
    change_missing: str
    parts: Sequence[ChangePart]
    outcomes: Outcomes
    course: Sequence[PublishedMetric]
    cause: RecordedCause | None = None
    account: Callable[[str], Cell] = str


@dataclass(frozen=True)
class _Alarmed:
    opened_at: datetime
    slice_key: str
    slice_value: str
    column_name: str
    metric: str


@dataclass(frozen=True)
class _Usual:
    window_end: datetime
    slice_key: str
    slice_value: str
    column_name: str
    metric: str
    usual_low: float
    usual_high: float


def read_content(cursor: Cursor, runs: int, false_alarms_per_year: float) -> PageContent:
    """Reads it, inside the caller's transaction.

    Args:
        cursor: Of a transaction that sees one snapshot.
        runs: How many of the newest runs.
        false_alarms_per_year: The budget of the settings.

    Raises:
        ContractBroken: A table or the right to read it is missing.
    """
    report = read_report(cursor, runs, false_alarms_per_year)
    change, missing = last_change(cursor, report)
    shown = {
        "moments": [one.window_end for one in report.runs],
        "runs": [one.run_id for one in report.runs],
        "publications": [one.publication_id for one in report.runs],
    }
    cursor.execute(_QUERIES["usual_of_runs"], shown)
    usual = {
        ((one.slice_key, one.slice_value, one.column_name, one.metric), one.window_end): UsualRange(
            one.usual_low, one.usual_high
        )
        for one in records(cursor, _Usual)
    }
    cursor.execute(_QUERIES["changes_of_runs"], shown)
    parts = records(cursor, ChangePart)
    outcomes = read_outcomes(cursor, Asked(limit=MISSED, missed=True))
    course, cause = read_course(cursor), newest_cause(cursor, report)
    return PageContent(
        report, usual, _alarmed(cursor), change, missing, parts, outcomes, course, cause
    )


def _alarmed(cursor: Cursor) -> dict[datetime, Sequence[Key]]:
    cursor.execute(_QUERIES["alarmed_measures"])
    found: dict[datetime, list[Key]] = {}
    for one in records(cursor, _Alarmed):
        key = (one.slice_key, one.slice_value, one.column_name, one.metric)
        found.setdefault(one.opened_at, []).append(key)
    return dict(found)


def newest_cause(cursor: Cursor, report: MonitorReport) -> RecordedCause | None:
    """Returns the verdict on the cause of a change that was recorded with the newest run."""
    found = read_causes(cursor, 1)
    shown = report.runs and found and found[0].publication_id == report.runs[-1].publication_id
    return found[0] if shown else None


def last_change(
    cursor: Cursor, report: MonitorReport, carriers: int = CARRIERS
) -> tuple[MeanChange | None, str]:
    """Returns why the mean moved with the newest run; if that is not known, why not."""
    if len(report.runs) < 2:
        return None, "There is no publication before this one that was monitored."
    before, after = (one.publication_id for one in report.runs[-2:])
    try:
        return change_between(cursor, before, after, carriers), ""
    except PartsNotKept as error:
        return None, str(error)
