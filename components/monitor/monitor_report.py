"""What monitoring knows, read back from its tables: for the terminal, and as JSON for a page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.monitor.measures import SHARES, TABLE, name_of_measure
from components.postgres.queries import queries
from components.postgres.rows import records

_QUERIES: Final = queries(__package__)

MAIN: Final = (
    ("", "", TABLE, "events"),
    ("", "", TABLE, "rows of the last 7 days"),
    ("", "", TABLE, "days since the newest feedback"),
    ("sentiment", "negative", TABLE, "share of events"),
    ("", "", TABLE, "accounts scored"),
    ("", "", TABLE, "accounts not scored"),
    ("", "", TABLE, "churn rows"),
    ("", "", "churn_probability", "mean probability"),
    ("risk_category", "high", TABLE, "share of accounts"),
    ("risk_category", "medium", TABLE, "share of accounts"),
    ("account_state", "silent", TABLE, "share of accounts"),
    ("", "", "source", "unseen"),
    ("", "", TABLE, "estimated auc"),
    ("", "", TABLE, "realised auc"),
    ("", "", "node AccountScorer", "seconds"),
)
"""Series that are shown first, by slice key, slice value, column and metric."""


HOW: Final = {
    "jump": "a jump beyond the weeks before",
    "stays 3": "3 weeks beyond the quarter before",
    "stays 7": "7 weeks beyond the quarter before",
    "month": "the mean of 4 weeks beyond the quarter before",
    "change": "changed",
    "limit": "beyond the limit of the data checks",
}
"""How a measure is unusual, by its statistic."""


@dataclass(frozen=True)
class MeasuredRun:
    """A run that was measured; window_end is its as_of, UTC."""

    window_end: datetime
    run_id: str
    publication_id: int
    model_version: str


@dataclass(frozen=True)
class _Row:
    window_end: datetime
    slice_key: str
    slice_value: str
    column_name: str
    metric: str
    value: float
    observations: float | None


@dataclass(frozen=True)
class StoredFinding:
    """One row of drift_metrics; values that are not known are None."""

    slice_key: str
    slice_value: str
    column_name: str
    metric: str
    baseline: str
    compared_with: str
    value: float | None
    usual_low: float | None
    usual_high: float | None
    statistic: str
    surprise: float | None
    threshold: float | None
    alarm: bool
    opened_at: datetime | None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it one series over the runs."""
        return self.slice_key, self.slice_value, self.column_name, self.metric


@dataclass(frozen=True)
class FormerAlarm:
    """A moment at which an alarm was opened, the last run that had it, and of how many measures."""

    opened_at: datetime
    last_seen: datetime
    measures: int


@dataclass(frozen=True)
class ShownSeries:
    """One measure over the runs.

    Attributes:
        key: Slice key, slice value, column and metric.
        name: What people call it.
        share: Whether its values are shares, 0..1.
        values: Of each run, oldest first; None where it has none.
        finding: Of the newest run; None where it was not judged.
    """

    key: tuple[str, str, str, str]
    name: str
    share: bool
    values: tuple[float | None, ...]
    finding: StoredFinding | None

    @property
    def main(self) -> bool:
        """Whether it is shown first."""
        return self.key in MAIN


@dataclass(frozen=True)
class MonitorReport:
    """What monitoring knows.

    Attributes:
        runs: The newest, oldest first.
        series: All measures of the newest run, and others of these runs.
        alarms: Every moment at which an alarm was opened, newest first.
        false_alarms_per_year: The budget of the settings.
    """

    runs: Sequence[MeasuredRun]
    series: Sequence[ShownSeries]
    alarms: Sequence[FormerAlarm]
    false_alarms_per_year: float

    @property
    def open_alarms(self) -> list[tuple[FormerAlarm, list[ShownSeries]]]:
        """Alarms that the newest run has, newest first, each with its series, strongest first."""
        found = []
        for alarm in self.alarms:
            own = [
                one
                for one in self.series
                if one.finding is not None and one.finding.opened_at == alarm.opened_at
            ]
            if own:
                found.append((alarm, sorted(own, key=_strength, reverse=True)))
        return found

    def as_json(self) -> dict[str, Any]:
        """Returns all of it as plain values: a page can be drawn of them alone."""
        place = {one.key: at for at, one in enumerate(self.series)}
        newest = self.runs[-1] if self.runs else None
        return {
            "as_of": newest.window_end if newest else None,
            "run_id": newest.run_id if newest else None,
            "publication_id": newest.publication_id if newest else None,
            "model_version": newest.model_version if newest else None,
            "false_alarms_per_year": self.false_alarms_per_year,
            "runs": [asdict(one) for one in self.runs],
            "series": [_series_json(one) for one in self.series],
            "open_alarms": [
                {"opened_at": alarm.opened_at, "series": [place[one.key] for one in own]}
                for alarm, own in self.open_alarms
            ],
            "alarms": [asdict(one) for one in self.alarms],
        }


def _strength(one: ShownSeries) -> float:
    found = one.finding
    if found is None or not found.surprise or not found.threshold:
        return 0.0
    return abs(found.surprise) / found.threshold


def _series_json(one: ShownSeries) -> dict[str, Any]:
    names = ("slice_key", "slice_value", "column", "metric")
    found = asdict(one.finding) if one.finding else {}
    kept = ("baseline", "compared_with", "statistic", "surprise", "threshold", "opened_at")
    return {
        **dict(zip(names, one.key, strict=True)),
        "name": one.name,
        "share": one.share,
        "main": one.main,
        "values": one.values,
        "value": found.get("value"),
        "usual": [found.get("usual_low"), found.get("usual_high")],
        "alarm": found.get("alarm", False),
        **{name: found.get(name) for name in kept},
    }


def read_report(cursor: Cursor, runs: int, false_alarms_per_year: float) -> MonitorReport:
    """Reads what monitoring knows, inside the caller's transaction.

    Args:
        cursor: Of a transaction that sees one snapshot.
        runs: How many of the newest runs.
        false_alarms_per_year: The budget of the settings.
    """
    cursor.execute(_QUERIES["newest_runs"], {"runs": runs})
    newest = records(cursor, MeasuredRun)[::-1]
    if not newest:
        return MonitorReport((), (), (), false_alarms_per_year)
    wanted = {
        "moments": [one.window_end for one in newest],
        "runs": [one.run_id for one in newest],
    }
    cursor.execute(_QUERIES["values_of_runs"], wanted)
    rows = records(cursor, _Row)
    last = newest[-1]
    cursor.execute(
        _QUERIES["findings_of_run"], {"window_end": last.window_end, "run_id": last.run_id}
    )
    findings = {one.key: one for one in records(cursor, StoredFinding)}
    cursor.execute(_QUERIES["former_alarms"])
    return MonitorReport(
        runs=newest,
        series=_series(newest, rows, findings),
        alarms=records(cursor, FormerAlarm),
        false_alarms_per_year=false_alarms_per_year,
    )


def _series(
    runs: Sequence[MeasuredRun],
    rows: Sequence[_Row],
    findings: dict[tuple[str, str, str, str], StoredFinding],
) -> list[ShownSeries]:
    place = {one.window_end: at for at, one in enumerate(runs)}
    values: dict[tuple[str, str, str, str], list[float | None]] = {}
    for one in rows:
        key = (one.slice_key, one.slice_value, one.column_name, one.metric)
        values.setdefault(key, [None] * len(runs))[place[one.window_end]] = one.value
    for key in findings:
        values.setdefault(key, [None] * len(runs))
    order = {key: at for at, key in enumerate(MAIN)}
    return [
        ShownSeries(key, name_of_measure(*key), key[3] in SHARES, tuple(own), findings.get(key))
        for key, own in sorted(
            values.items(), key=lambda item: (order.get(item[0], len(order)), item[0])
        )
    ]
