"""Reads the values of the metrics: from the database and from the state directory.

Neither TFX nor ML Metadata is asked: a run that begins loads them at the same moment, and no reader
of metrics may keep a store locked that it wants to write.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Final

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.alerts.alert import KINDS as KINDS_OF_ALERTS
from components.errors import TensInsightError
from components.postgres.address import read_address
from components.postgres.connection import connect, database_is_configured
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.rows import records
from components.postgres.tables import OUTPUT_TABLES
from components.registry.node_costs import FAILED, read_local_costs
from components.registry.published_properties import CATEGORIES
from pipeline.alerts.sink_notes import read_notes
from pipeline.database import ensure_database
from pipeline.runs.record import COMPLETE, KINDS, NOT_STARTED, STATES, RunRecord, RunRecords
from pipeline.settings import Settings
from pipeline.telemetry import metrics
from pipeline.telemetry.metrics import Sample

_QUERIES: Final = queries(__package__)
_LOOKED_THROUGH: Final = 200
"""Newest records of the state directory that are read; the table of runs has older ones."""
_SHORT: Final = {table.name: table.short for table in OUTPUT_TABLES}
_LEAST_PATIENCE_S: Final = 2
"""libpq takes no shorter one for a connection."""


@dataclass(frozen=True)
class Gathered:
    """The metrics as they are now.

    Attributes:
        samples: Of all that could be read.
        problems: What could not be read, a sentence each.
    """

    samples: tuple[Sample, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Run:
    run_id: str
    kind: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    failed_node: str


@dataclass(frozen=True)
class _Publication:
    target_table: str
    as_of: datetime
    published_at: datetime
    rows_written: int
    mean_probability: float | None
    model_version: str


@dataclass(frozen=True)
class _Refusals:
    target_table: str
    refusals: int


@dataclass(frozen=True)
class _Band:
    band: str
    accounts: int


@dataclass(frozen=True)
class _Performance:
    kind: str
    metric: str
    value: float
    low: float | None
    high: float | None
    as_of: datetime


@dataclass(frozen=True)
class _Alarms:
    alarms: int


@dataclass(frozen=True)
class _Alerts:
    kind: str
    severity: str
    alerts: int


def gather(settings: Settings, *, ask_database: bool = True, patience_s: int = 10) -> Gathered:
    """Reads all metrics; what cannot be read is missing, and said.

    Args:
        settings: Say where the state directory is.
        ask_database: Whether the database is asked at all; else it counts as down.
        patience_s: Seconds that one statement may take.
    """
    now = datetime.now(timezone.utc).timestamp()
    samples = [Sample(metrics.INFO, 1, (_version(),)), Sample(metrics.COLLECTED, now)]
    problems: list[str] = []
    runs: list[_Run] = []
    up = False
    if ask_database:
        try:
            with reading(settings, patience_s) as cursor:
                runs, found = _of_database(cursor)
            samples += found
            up = True
        except (TensInsightError, psycopg2.Error) as error:
            problems.append(f"The database could not be read: {error}")
    samples.append(Sample(metrics.DATABASE_UP, up))
    for read in (_of_state_dir, _of_sinks):
        samples += _guarded(read, settings, problems)
    samples += _of_runs(settings, runs)
    return Gathered(tuple(samples), tuple(problems))


@contextmanager
def reading(settings: Settings, patience_s: int) -> Iterator[Cursor]:
    """Opens a transaction that sees one state of the database, for those who do not wait long.

    Args:
        settings: Say where the demo's database is, if no other is named.
        patience_s: Seconds for the connection and for each statement, 2 at least.

    Raises:
        DatabaseUnreachable: No connection, or it was lost.
        ContractBroken: A table, column or privilege is missing.
    """
    ensure_database(settings)
    address = read_address(os.environ)
    seconds = max(patience_s, _LEAST_PATIENCE_S)
    quick = replace(address, parameters={"connect_timeout": str(seconds), **address.parameters})
    name = "tens-insight metrics"
    with closing(connect(name, statement_timeout_s=seconds, address=quick)) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with explained(connection), connection.cursor() as cursor:
            yield cursor


def has_database() -> bool:
    """Tells whether the environment names a database, without starting the embedded one."""
    return database_is_configured(os.environ)


def _guarded(
    read: Callable[[Settings], Iterable[Sample]], settings: Settings, problems: list[str]
) -> list[Sample]:
    try:
        return list(read(settings))
    except (TensInsightError, OSError) as error:
        problems.append(str(error))
        return []


def _version() -> str:
    from importlib.metadata import version

    return version("tens-insight")


def _of_database(cursor: Cursor) -> tuple[list[_Run], list[Sample]]:
    cursor.execute(_QUERIES["newest_runs"])
    runs = records(cursor, _Run)
    samples = [*_of_publications(cursor), *_of_alarms(cursor)]
    return runs, samples


def _of_publications(cursor: Cursor) -> Iterator[Sample]:
    cursor.execute(_QUERIES["publications"])
    for one in records(cursor, _Publication):
        output = (_SHORT.get(one.target_table, metrics.OTHER),)
        yield Sample(metrics.ROWS, one.rows_written, output)
        yield Sample(metrics.AS_OF, one.as_of.timestamp(), output)
        yield Sample(metrics.PUBLISHED, one.published_at.timestamp(), output)
        if one.mean_probability is not None:
            yield Sample(metrics.MEAN, one.mean_probability)
            yield from _trained(one.model_version)
            yield from _of_performance(cursor, one.model_version)
    refused = dict.fromkeys(_SHORT, 0)
    cursor.execute(_QUERIES["refusals"])
    refused |= {one.target_table: one.refusals for one in records(cursor, _Refusals)}
    for table, times in refused.items():
        yield Sample(metrics.REFUSED, times, (_SHORT.get(table, metrics.OTHER),))
    bands = dict.fromkeys(CATEGORIES, 0)
    cursor.execute(_QUERIES["bands"])
    bands |= {one.band: one.accounts for one in records(cursor, _Band)}
    for band, accounts in bands.items():
        yield Sample(metrics.ACCOUNTS, accounts, (band,))


def _trained(model_version: str) -> Iterator[Sample]:
    """Yields the day that a version begins with; one that a person chose has none."""
    try:
        day = datetime.strptime(model_version[:9], "%Y%m%d-").replace(tzinfo=timezone.utc)
    except ValueError:
        return
    yield Sample(metrics.TRAINED, day.timestamp())


def _of_performance(cursor: Cursor, model_version: str) -> Iterator[Sample]:
    asked = {"metrics": list(metrics.PERFORMANCE), "model_version": model_version}
    cursor.execute(_QUERIES["performance"], asked)
    for one in records(cursor, _Performance):
        labels = (one.kind, one.metric)
        yield Sample(metrics.PERFORMANCE_VALUE, one.value, labels)
        yield Sample(metrics.PERFORMANCE_AS_OF, one.as_of.timestamp(), labels)
        if one.low is not None and one.high is not None:
            yield Sample(metrics.PERFORMANCE_LOW, one.low, labels)
            yield Sample(metrics.PERFORMANCE_HIGH, one.high, labels)


def _of_alarms(cursor: Cursor) -> Iterator[Sample]:
    cursor.execute(_QUERIES["alarms"])
    for one in records(cursor, _Alarms):
        yield Sample(metrics.ALARMS, one.alarms)
    cursor.execute(_QUERIES["alerts"])
    found = {(one.kind, one.severity): one.alerts for one in records(cursor, _Alerts)}
    # A kind that is not open is 0: what was open must not stay so at a Pushgateway.
    for kind in KINDS_OF_ALERTS.values():
        if kind.lasts:
            found.setdefault((kind.name, kind.severity), 0)
    for labels, alerts in found.items():
        yield Sample(metrics.ALERTS, alerts, labels)


def _of_state_dir(settings: Settings) -> Iterator[Sample]:
    if settings.state_dir.is_dir():
        usage = shutil.disk_usage(settings.state_dir)
        yield Sample(metrics.FREE, usage.free)
        yield Sample(metrics.SIZE, usage.total)


def _of_sinks(settings: Settings) -> Iterator[Sample]:
    for name, note in read_notes(settings.alerts_dir).items():
        if name not in metrics.SINKS:  # one of alerts: an alert says of it that it fails
            continue
        yield Sample(metrics.SINK_UP, not note.problem, (name,))
        if note.took_at is not None:
            yield Sample(metrics.SINK_SUCCESS, note.took_at.timestamp(), (name,))


def _of_runs(settings: Settings, told: Collection[_Run]) -> Iterator[Sample]:
    """Yields what is known of runs: by the database, and by the records that lie here."""
    here = RunRecords(settings.runs_dir).newest(_LOOKED_THROUGH)
    known = {one.run_id: one for one in told}
    for record in here:
        # A full disk keeps a run from writing its end here; the database may know it.
        ended = known.get(record.run_id)
        if record.state != NOT_STARTED and (ended is None or ended.ended_at is None):
            known[record.run_id] = _run(record)
    for kind in KINDS:
        own = [one for one in known.values() if one.kind == kind]
        yield from _of_kind(kind, sorted(own, key=lambda one: one.started_at), settings)


def _run(record: RunRecord) -> _Run:
    names = _Run.__dataclass_fields__
    return _Run(**{name: getattr(record, name) for name in names})


def _of_kind(kind: str, runs: list[_Run], settings: Settings) -> Iterator[Sample]:
    if not runs:
        return
    newest = runs[-1]
    yield Sample(metrics.ATTEMPT, newest.started_at.timestamp(), (kind,))
    for state in STATES:
        yield Sample(metrics.STATE, state == newest.state, (kind, state))
    complete = [one.ended_at for one in runs if one.state == COMPLETE and one.ended_at]
    if complete:
        yield Sample(metrics.SUCCESS, max(complete).timestamp(), (kind,))
    ended = next((one for one in reversed(runs) if one.ended_at is not None), None)
    if ended is not None and ended.ended_at is not None:
        seconds = (ended.ended_at - ended.started_at).total_seconds()
        yield Sample(metrics.DURATION, seconds, (kind,))
        if ended.exit_code is not None:
            yield Sample(metrics.EXIT_CODE, ended.exit_code, (kind,))
    yield from _of_nodes(kind, newest, settings)


def _of_nodes(kind: str, run: _Run, settings: Settings) -> Iterator[Sample]:
    folder = settings.pipeline_root / f"tens-insight-{kind}"
    for cost in read_local_costs(folder, run.run_id):
        if cost.seconds is not None:
            yield Sample(metrics.NODE_DURATION, cost.seconds, (kind, cost.name))
        if cost.outcome == FAILED and cost.name == run.failed_node:
            yield Sample(metrics.NODE_FAILED, 1, (kind, cost.name))
