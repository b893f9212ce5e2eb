"""The two tables of monitoring in the database: former values, and what a run adds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import numpy as np
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class
from psycopg2.extras import execute_values

from components.monitor.alarms import Finding, OpenAlarm
from components.monitor.measures import LEVEL, WINDOW_DAYS, Measure
from components.monitor.monitored_run import MonitoredRun
from components.monitor.run_measures import RunFacts
from components.monitor.thresholds import LAGS, Series, tolerance_of
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import one_record, record, records

_QUERIES: Final = queries(__package__)
_WEEKS: Final = 2 * LAGS + 1
"""So far back a run looks: the jumps of the weeks that it looks at looked back themselves."""
_TABLES: Final = ("profile_metrics", "drift_metrics")
_MOMENT: Final = "moment"
_PAGE: Final = 1_000
PERFORMANCE: Final = ("auc", "log_loss", "brier", "calibration_error")
"""Metrics of tens_insight.model_performance that are watched."""

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class FormerRun:
    """A run that was measured."""

    window_end: datetime
    run_id: str
    model_version: str


@dataclass(frozen=True)
class _Value:
    window_end: datetime
    slice_key: str
    slice_value: str
    column_name: str
    metric: str
    value: float
    observations: float | None


@dataclass(frozen=True)
class _Facts:
    published_before: datetime | None
    refusals: int


@dataclass(frozen=True)
class _Performance:
    kind: str
    metric: str
    value: float


@dataclass(frozen=True)
class _Alarm:
    slice_key: str
    slice_value: str
    column_name: str
    metric: str
    window_end: datetime
    opened_at: datetime
    usual_low: float | None
    usual_high: float | None
    statistic: str


@dataclass(frozen=True)
class _Column:
    name: str
    type: str


@dataclass(frozen=True)
class _Sketch:
    sketch: dict[str, str]
    window_end: datetime


def read_facts(cursor: Cursor, run: MonitoredRun) -> RunFacts:
    """Returns what the log of publications says of the time since the publication before."""
    cursor.execute(_QUERIES["facts_of_run"], {"publication_id": run.published.publication_id})
    found = one_record(cursor, _Facts)
    trained = run.champion.as_of
    return RunFacts(
        trained_as_of=datetime.fromisoformat(trained) if trained else None,
        published_before=found.published_before,
        refusals=found.refusals,
        costs=run.costs,
    )


def read_performance(cursor: Cursor, run: MonitoredRun) -> list[Measure]:
    """Returns the newest performance of each kind: it is known weeks after what it speaks of."""
    cursor.execute(
        _QUERIES["newest_performance"],
        {
            "horizon_days": run.data.horizon_days,
            "metrics": list(PERFORMANCE),
            "as_of": run.as_of,
        },
    )
    return [
        Measure("performance", LEVEL, f"{one.kind} {one.metric}", one.value, of_model=True)
        for one in records(cursor, _Performance)
    ]


def read_series(
    cursor: Cursor, run: MonitoredRun, measures: Sequence[Measure]
) -> tuple[Series, FormerRun | None]:
    """Returns the history of the measures of a run, one run a week back, with the run at its end.

    Args:
        cursor: Of a transaction.
        run: Whose measures these are.
        measures: S of them, no key twice.

    Returns:
        T runs of S measures, and the newest run before this one.
    """
    cursor.execute(
        _QUERIES["runs_before"],
        {"as_of": run.as_of, "since": run.as_of - timedelta(weeks=_WEEKS)},
    )
    before = records(cursor, FormerRun)
    chosen = _one_a_week(before, run.as_of)
    values = np.full((len(chosen) + 1, len(measures)), np.nan)
    observations = np.zeros_like(values)
    place = {one.key: at for at, one in enumerate(measures)}
    row_of = {one.window_end: at for at, one in enumerate(chosen)}
    if chosen:
        wanted = {
            "moments": [one.window_end for one in chosen],
            "runs": [one.run_id for one in chosen],
        }
        cursor.execute(_QUERIES["values_of_runs"], wanted)
        for one in records(cursor, _Value):
            key = (one.slice_key, one.slice_value, one.column_name, one.metric)
            if (at := place.get(key)) is not None:
                values[row_of[one.window_end], at] = one.value
                observations[row_of[one.window_end], at] = one.observations or 0.0
    values[-1] = [one.value for one in measures]
    observations[-1] = [one.observations for one in measures]
    models = [*(one.model_version for one in chosen), run.published.scored_with]
    moments = [*(one.window_end for one in chosen), run.as_of]
    series = Series(
        days=np.array([one.timestamp() / 86_400 for one in moments]),
        values=values,
        observations=observations,
        scales=[one.scale for one in measures],
        families=[one.family for one in measures],
        of_model=np.array([one.of_model for one in measures]),
        new_model=np.array(
            [False, *(a != b for a, b in zip(models[1:], models[:-1], strict=True))]
        ),
    )
    return series, before[-1] if before else None


def _one_a_week(before: Sequence[FormerRun], as_of: datetime) -> list[FormerRun]:
    """Returns the runs nearest to 7, 14, 21 ... days before a moment, oldest first."""
    chosen: dict[datetime, FormerRun] = {}
    moments = [*(one.window_end for one in before), as_of]
    within = timedelta(days=tolerance_of(np.array([one.timestamp() / 86_400 for one in moments])))
    for week in range(_WEEKS, 0, -1):
        wanted = as_of - timedelta(weeks=week)
        near = [one for one in before if abs(one.window_end - wanted) <= within]
        if near:
            best = min(near, key=lambda one: abs(one.window_end - wanted))
            chosen[best.window_end] = best
    return list(chosen.values())


def read_open(cursor: Cursor, as_of: datetime, days: int) -> list[OpenAlarm]:
    """Returns the alarms of the runs of the last days, newest run first."""
    since = as_of - timedelta(days=days)
    cursor.execute(_QUERIES["open_alarms"], {"as_of": as_of, "since": since})
    return [
        OpenAlarm(
            (one.slice_key, one.slice_value, one.column_name, one.metric),
            one.window_end,
            one.opened_at,
            -np.inf if one.usual_low is None else one.usual_low,
            np.inf if one.usual_high is None else one.usual_high,
            one.statistic,
        )
        for one in records(cursor, _Alarm)
    ]


def read_columns(cursor: Cursor, table: str) -> dict[str, str]:
    """Returns the types of the columns of a table by name; none where it is not there."""
    name = table_identifier(table).as_string(cursor)
    cursor.execute(_QUERIES["columns_of_table"], {"table": name})
    return {one.name: one.type for one in records(cursor, _Column)}


def former_columns(cursor: Cursor, column: str, as_of: datetime) -> dict[str, str] | None:
    """Returns the columns as the newest run of a week ago saw them, or else the oldest run."""
    cursor.execute(_QUERIES["former_columns"], {"column": column, "as_of": as_of})
    found = record(cursor, _Sketch)
    return found.sketch if found else None


def write_measures(
    cursor: Cursor,
    run: MonitoredRun,
    measures: Sequence[Measure],
    findings: Sequence[Finding],
    sketches: Mapping[Key, Mapping[str, str]],
) -> None:
    """Writes the rows of a run in place of those that it wrote before, and drops old ones.

    Args:
        cursor: Of a transaction.
        run: Whose they are.
        measures: Rows of profile_metrics.
        findings: Rows of drift_metrics.
        sketches: Of measures that a number cannot hold, by their keys.
    """
    before = run.as_of - timedelta(days=run.config.history_days)
    values = {"before": before, "as_of": run.as_of, "run_id": run.run_id}
    for table in _TABLES:
        statement = sql.SQL(_QUERIES["drop_measures"]).format(table=sql.Identifier(table))
        cursor.execute(statement, values)
    profile = [
        (
            *_head(run, one),
            *one.key,
            _number(one.value),
            one.observations,
            json.dumps(sketches[one.key]) if one.key in sketches else None,
        )
        for one in measures
    ]
    execute_values(cursor, _QUERIES["add_profile"], profile, page_size=_PAGE)
    drift = [
        (
            *_head(run, one.measure),
            one.measure.baseline,
            one.compared_with,
            *one.measure.key,
            _number(one.value),
            _number(one.low),
            _number(one.high),
            one.statistic,
            _number(one.surprise),
            _number(one.threshold),
            one.alarm,
            one.opened_at,
        )
        for one in findings
    ]
    execute_values(cursor, _QUERIES["add_drift"], drift, page_size=_PAGE)


def _head(run: MonitoredRun, measure: Measure) -> tuple[Any, ...]:
    as_of = run.as_of.astimezone(timezone.utc)
    start = as_of - timedelta(days=WINDOW_DAYS) if measure.fresh else as_of
    return (
        start,
        as_of,
        f"{WINDOW_DAYS} days" if measure.fresh else _MOMENT,
        run.run_id,
        run.published.publication_id,
        run.published.scored_with,
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
