"""What alerts follow from, read once: runs, tables, ML Metadata, the disk."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import StateDirectoryBusy, StateUnusable, TensInsightError
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.rows import record, records, value
from components.postgres.tables import OUTPUT_TABLES
from components.publishing.increment_line import STREAM_RUN
from components.publishing.refusals import read_refusals
from components.registry.artifact_names import saved_model_path
from components.registry.exported_files import require_exported
from components.registry.stages import stages_after
from pipeline.database import open_database
from pipeline.runs.record import RunRecord, RunRecords
from pipeline.settings import ConfigurationInvalid, Settings
from pipeline.status import Status, status_on

if TYPE_CHECKING:
    from components.registry.model_properties import ModelProperties
    from pipeline.registry.registry import Artifact

_QUERIES: Final = queries(__package__)
_RUNS: Final = 300
"""Newest runs that are looked at: since one failed a timer may have started many in a row."""
_AT_WORK: Final = 20
"""Newest runs of which one may be at work."""
CHALLENGERS: Final = 3
"""So many refused ones, one after the other, are an alert."""


@dataclass(frozen=True)
class AlarmMoment:
    """A moment since which measures are unusual, and the one that is so most of all."""

    opened_at: datetime
    slice_key: str
    slice_value: str
    column_name: str
    metric: str
    value: float | None
    usual_low: float | None
    usual_high: float | None
    window_end: datetime
    publication_id: int
    measures: int
    of_scores_alone: bool


@dataclass(frozen=True)
class RealisedAuc:
    """How good the scores of the newest publication were whose window is over."""

    value: float
    low: float | None
    high: float | None
    as_of: datetime
    model_version: str
    horizon_days: int
    publication_id: int


@dataclass(frozen=True)
class StreamState:
    """Where a stream stands.

    Attributes:
        source: What it reads.
        committed_at: When it wrote its position last.
        slot: Name of its replication slot; None without one.
        lost: Whether the server dropped what the slot would have read; None without one.
        retained: Bytes of its log that the server keeps for the slot.
        safe: Bytes that may be written before they are dropped; None without a bound.
        behind: Messages of the topic that it had not read when it committed last; None without
            one.
        caught_up_at: When it had read all of them last; None without a topic.
    """

    source: str
    committed_at: datetime
    slot: str | None = None
    lost: bool | None = None
    retained: int | None = None
    safe: int | None = None
    behind: int | None = None
    caught_up_at: datetime | None = None


@dataclass(frozen=True)
class StreamRefusal:
    """What the circuit breaker refused of a stream.

    Attributes:
        refusal_id: Its number, as `publications diff` takes it.
        model_version: Of the scores.
        broken_limits: Why, a sentence each.
        refused_at: When.
    """

    refusal_id: int
    model_version: str
    broken_limits: list[str]
    refused_at: datetime


@dataclass(frozen=True)
class FromDatabase:
    """What the database says.

    Attributes:
        status: As `tens-insight status` has it.
        refused: What the circuit breaker refused: the table, by the run.
        moments: Since when which measures are unusual.
        realised: None where no window is over.
        known_since: When the tables were made.
        streams: Those that were ever begun, and not ended for good.
        stream_refused: What was refused of a stream last; None once something was published.
    """

    status: Status
    refused: Mapping[str, str]
    moments: Sequence[AlarmMoment]
    realised: RealisedAuc | None
    known_since: datetime
    streams: Sequence[StreamState] = ()
    stream_refused: StreamRefusal | None = None


@dataclass(frozen=True)
class FromMetadata:
    """What ML Metadata says.

    Attributes:
        problem: Why it cannot be used; empty where it can.
        model_problem: What is wrong with the champion's files; empty if nothing is.
        model_version: Of the champion; empty without one.
        refused: Versions of the newest challengers, where all of them were refused.
    """

    problem: str = ""
    model_problem: str = ""
    model_version: str = ""
    refused: Sequence[str] = ()


@dataclass(frozen=True)
class Facts:
    """All that is looked at.

    Attributes:
        now: UTC, by the database's clock where it answers.
        state_dir: The state directory.
        runs: The newest attempts, newest first.
        database: None where it cannot be used.
        database_problem: Why not.
        metadata: None where it was not looked at.
        free_percent: Of the disk of the state directory; None where it cannot be told.
    """

    now: datetime
    state_dir: str
    runs: Sequence[RunRecord]
    database: FromDatabase | None
    database_problem: str = ""
    metadata: FromMetadata | None = None
    free_percent: float | None = None


def read_facts(settings: Settings, *, compare: bool = True, metadata: bool = True) -> Facts:
    """Reads everything.

    Args:
        settings: Say where all of it is.
        compare: Whether the output tables are compared with what was published, which reads them.
        metadata: Whether ML Metadata is looked at.

    Raises:
        DatabaseUnreachable: There is no database, or no connection to it.
        ContractBroken: A table or privilege is missing.
    """
    with open_database(settings, "alerts", statement_timeout_s=60) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        status = status_on(connection, settings, _RUNS, compare=compare)
        with explained(connection), connection.cursor() as cursor:
            found = _of_database(cursor, status, settings.streaming.stream_slot)
    return Facts(
        now=status.now,
        state_dir=str(settings.state_dir),
        runs=status.runs,
        database=found,
        metadata=read_metadata(settings) if metadata else None,
        free_percent=free_percent(settings),
    )


def read_without_database(settings: Settings, problem: str) -> Facts:
    """Reads what can be read while the database is away.

    Args:
        settings: Say where the state directory is.
        problem: Why the database cannot be used.
    """
    return Facts(
        now=datetime.now(timezone.utc),
        state_dir=str(settings.state_dir),
        runs=RunRecords(settings.runs_dir).newest(_RUNS),
        database=None,
        database_problem=problem,
        free_percent=free_percent(settings),
    )


def _of_database(cursor: Cursor, status: Status, slot: str) -> FromDatabase:
    refused = {
        one.run_id: table.name for table in OUTPUT_TABLES for one in read_refusals(cursor, table)
    }
    cursor.execute(_QUERIES["alarm_moments"])
    moments = records(cursor, AlarmMoment)
    cursor.execute(_QUERIES["realised_auc"])
    realised = record(cursor, RealisedAuc)
    cursor.execute(_QUERIES["streams"], {"slot": slot})
    streams = records(cursor, StreamState)
    cursor.execute(_QUERIES["stream_refused"], {"stream": STREAM_RUN})
    stream_refused = record(cursor, StreamRefusal)
    cursor.execute(_QUERIES["known_since"])
    known_since = value(cursor)
    return FromDatabase(status, refused, moments, realised, known_since, streams, stream_refused)


def read_metadata(settings: Settings) -> FromMetadata | None:
    """Reads what ML Metadata says; None where a run is at work, or keeps it locked, just now.

    Who reads the sqlite file keeps a run from writing to it, if only for a moment.
    """
    from pipeline.registry.registry import Registry

    if any(run.at_work for run in RunRecords(settings.runs_dir).newest(_AT_WORK)):
        return None

    try:
        registry = Registry(settings.metadata_path)
        champion = registry.champion()
        blessings = registry.blessings()
        now = stages_after(registry.transitions())
        accepted = {one.model_id for one in registry.judged() if one.version in now.accepted}
    except StateDirectoryBusy:
        return None
    except (TensInsightError, ConfigurationInvalid) as error:
        return FromMetadata(problem=str(error))
    latest = sorted(blessings, reverse=True)[:CHALLENGERS]
    newest = [blessings[one] for one in latest]
    all_refused = len(newest) == CHALLENGERS and not (
        any(one.properties.blessed for one in newest) or accepted.intersection(latest)
    )
    return FromMetadata(
        model_problem=_model_problem(champion) if champion else "",
        model_version=champion.properties.model_version if champion else "",
        refused=[one.properties.model_version or "-" for one in newest if all_refused],
    )


def _model_problem(champion: "Artifact[ModelProperties]") -> str:
    properties = champion.properties
    if not properties.saved_model_sha256:
        return ""
    try:
        require_exported(saved_model_path(champion.uri), properties, properties.model_version)
    except StateUnusable as error:
        return str(error)
    return ""


def free_percent(settings: Settings) -> float | None:
    """Returns how much of the disk of the state directory is free for this user, in percent."""
    try:
        found = shutil.disk_usage(settings.state_dir)
    except OSError:
        return None
    return 100 * found.free / found.total if found.total else None


def accounts_among(cursor: Cursor, words: Sequence[str]) -> set[str]:
    """Returns which words are ids of accounts that have a score."""
    cursor.execute(_QUERIES["accounts_among"], {"words": list(words)})
    return {one for (one,) in cursor.fetchall()}
