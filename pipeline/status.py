"""Is it well? What is published and how old it is, how the last runs ended, which model scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.connection import describe
from components.postgres.failures import explained
from components.postgres.rows import value
from components.postgres.tables import ACCOUNT_RISK_DETAILS, ACCOUNT_RISK_SCORES, OUTPUT_TABLES
from components.publishing.compare_table import Comparison, compare_table
from components.publishing.details import count_details
from components.publishing.publication_log import PUBLISHED, LogEntry, read_log
from components.publishing.published import score_counts
from components.publishing.refusals import Refusal, read_refusals
from pipeline.database import open_database
from pipeline.runs.record import AT_WORK, COMPLETE, KILLED, NOT_STARTED, TUNE, RunRecord, RunRecords
from pipeline.runs.run_table import read_records, with_publications
from pipeline.settings import Settings
from pipeline.state_directory import describe_state_dir
from serving_model.served.risk_bands import CONTRACT_BANDS
from transforms.cold_start_rule import is_rule

if TYPE_CHECKING:
    from pipeline.registry.registry import Run

UNFINISHED: Final = "unfinished"
"""Of a run that ML Metadata alone knows: at work, or killed."""
_AHEAD: Final = timedelta(minutes=5)
"""By which the moment of a publication may be ahead of the database's clock."""


@dataclass(frozen=True)
class OutputState:
    """What an output table shows.

    Attributes:
        short: What commands call it.
        unit: What one row is, in the plural.
        last: The publication that it shows; None where it shows none of ours.
        comparison: The table beside what was published.
    """

    short: str
    unit: str
    last: LogEntry | None
    comparison: Comparison


@dataclass(frozen=True)
class Status:
    """What the database and the records of runs say; moments are UTC.

    Attributes:
        state_dir: The state directory, and why that one.
        database: user@host:port/dbname.
        now: By the database's clock.
        outputs: By table, account scores first.
        categories: Rows of account_risk_scores in each risk category.
        risk_bands: The rule of the categories.
        details: Accounts with details.
        refusal: What the circuit breaker refused since the last publication of scores.
        runs: The newest attempts, newest first.
        increments: What was published between runs since the newest full publication, oldest first.
    """

    state_dir: str
    database: str
    now: datetime
    outputs: Sequence[OutputState]
    categories: dict[str, int]
    risk_bands: str
    details: int
    refusal: Refusal | None
    runs: Sequence[RunRecord]
    increments: Sequence[LogEntry] = ()

    @property
    def scores(self) -> OutputState:
        """The account scores."""
        return self.outputs[0]

    @property
    def age(self) -> timedelta | None:
        """How long ago the moment is that the scores speak of; None where none are ours."""
        return self.now - self.scores.last.as_of if self.scores.last else None

    @property
    def last_run(self) -> RunRecord | None:
        """The newest attempt that came to an end, and had begun to work."""
        return last_run_of(self.runs)

    def as_json(self, limit: int) -> dict[str, Any]:
        """Returns plain values, the newest runs so many at most."""
        last, refusal, age = self.scores.last, self.refusal, self.age
        outputs = {
            f"{output.short}_as_of": output.last.as_of if output.last else None
            for output in self.outputs
        }
        return {
            "state_dir": self.state_dir,
            "database": self.database,
            **{output.short: output.comparison.rows for output in self.outputs},
            "categories": self.categories,
            "risk_bands": self.risk_bands,
            "details": self.details,
            **outputs,
            "scores_age_hours": round(age.total_seconds() / 3600, 1) if age else None,
            "scores_model_version": last.model_version if last else None,
            "scores_learnt": not is_rule(last.model_version) if last else None,
            "scores_run_id": last.run_id if last else None,
            "population": last.population if last else None,
            "publication_id": last.publication_id if last else None,
            "published_at": last.published_at if last else None,
            "between_runs": {
                "scores": sum(one.rows_written for one in self.increments),
                "as_of": self.increments[-1].as_of,
                "publication_id": self.increments[-1].publication_id,
            }
            if self.increments
            else None,
            "refused_since": f"r{refusal.refusal_id}" if refusal else None,
            "tables": {
                output.short: vars(output.comparison)
                | {"as_published": output.comparison.as_published}
                for output in self.outputs
            },
            "last_run": self.last_run.as_json() if self.last_run else None,
            "runs": [run.as_json() | {"seconds": run.seconds} for run in self.runs[:limit]],
        }


def read_status(settings: Settings, limit: int) -> Status:
    """Asks the database, and the state directory for the runs that the database may not know.

    Args:
        settings: Say where both are.
        limit: Runs at most.

    Raises:
        DatabaseUnreachable: There is no database, or no connection to it.
        ContractBroken: A table or privilege is missing.
    """
    with open_database(settings, "status") as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        return status_on(connection, settings, limit)


def status_on(
    connection: Connection, settings: Settings, limit: int, *, compare: bool = True
) -> Status:
    """Does what read_status does, on a connection whose transactions see one snapshot.

    Args:
        connection: To the database.
        settings: Say where the state directory is.
        limit: Runs at most.
        compare: Whether the output tables are compared with what was published.
    """
    counts = score_counts(connection)
    with explained(connection), connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now = value(cursor).astimezone(timezone.utc)
        logs = {table.name: read_log(cursor, table) for table in OUTPUT_TABLES}
        newest = logs[ACCOUNT_RISK_SCORES.name].newest
        refusals = read_refusals(cursor, ACCOUNT_RISK_SCORES)
        return Status(
            state_dir=describe_state_dir(settings),
            database=describe(connection),
            now=now,
            outputs=[
                OutputState(
                    table.short,
                    table.unit,
                    _ours(logs[table.name].newest_full),
                    compare_table(cursor, table, logs[table.name])
                    if compare
                    else Comparison(table.name, 0, compared=False),
                )
                for table in OUTPUT_TABLES
            ],
            categories=counts.categories,
            risk_bands=(newest.bands if newest else CONTRACT_BANDS).describe(),
            details=count_details(cursor, ACCOUNT_RISK_DETAILS),
            refusal=_since(refusals, newest),
            runs=newest_runs(cursor, settings, limit),
            increments=logs[ACCOUNT_RISK_SCORES.name].increments,
        )


def newest_runs(cursor: Cursor, settings: Settings, limit: int) -> list[RunRecord]:
    """Returns the newest attempts, of the state directory and of the database, newest first."""
    told = {run.run_id: run for run in read_records(cursor, limit)}
    here = {run.run_id: run for run in RunRecords(settings.runs_dir).newest(limit)}
    # A full disk keeps a run from writing its end here; the database may know it. What is in a
    # database, and not in this one, was a run on another.
    ended = {name for name, run in told.items() if run.ended_at is not None}
    here = {
        name: run
        for name, run in here.items()
        if not (run.state == KILLED and name in ended)
        and not (run.in_database and name not in told)
    }
    found = sorted((told | here).values(), key=lambda run: run.started_at, reverse=True)
    return with_publications(cursor, found[:limit])


def with_runs_of_metadata(status: Status, found: Sequence["Run"]) -> Status:
    """Adds the runs that ML Metadata knows and that left no record, such as Kubeflow's.

    Args:
        status: With the newest attempts that left one.
        found: Runs of the registry.
    """
    names = {run.run_id for run in status.runs}
    others = [
        RunRecord(
            run_id=run.run_id,
            kind=run.pipeline.removeprefix("tens-insight-"),
            state=run.state,
            started_at=run.started_at,
            ended_at=run.ended_at,
            failed_node=run.failed_node,
            sentence="It left no record; this is what ML Metadata knows of its nodes.",
        )
        for run in found
        if run.run_id not in names
    ]
    runs = sorted([*status.runs, *others], key=lambda run: run.started_at, reverse=True)
    return replace(status, runs=runs)


def last_run_of(runs: Sequence[RunRecord]) -> RunRecord | None:
    """Returns the newest attempt that came to an end, and had begun to work."""
    return next((run for run in runs if _has_ended(run)), None)


def problems(status: Status, max_age: timedelta) -> Iterator[str]:
    """Yields what is not well, a sentence each.

    Args:
        status: With at least the newest runs.
        max_age: Of the scores.
    """
    last, age = status.scores.last, status.age
    if last is None or age is None:
        yield f"{ACCOUNT_RISK_SCORES.name} shows no publication of ours."
    elif age < -_AHEAD:
        yield (
            f"The scores speak of {last.as_of:%Y-%m-%d %H:%M} UTC, {hours(-age)} in the future: a "
            "clock or TENS_INSIGHT_AS_OF was wrong, and no run publishes until then. `tens-insight "
            "publications undo` takes it back."
        )
    elif age > max_age:
        yield (
            f"The scores are {hours(age)} old, more than {hours(max_age)}: the last publication "
            f"is {last.publication_id}, as of {last.as_of:%Y-%m-%d %H:%M} UTC."
        )
    run = next((one for one in status.runs if _was_to_publish(one)), None)
    if run is not None and run.state != COMPLETE:
        yield f"The last run, {how_it_ended(run)}: {run.sentence}"
    for output in status.outputs:
        for sentence in output.comparison.sentences():
            yield f"{output.comparison.table}: {sentence}."


def how_it_ended(run: RunRecord) -> str:
    """Returns a phrase: which run it was, and how it ended."""
    code = "" if run.exit_code is None else f" with code {run.exit_code}"
    node = f" at {run.failed_node}" if run.failed_node else ""
    return f"{run.kind} {run.run_id}, {run.state}{code if run.state != COMPLETE else ''}{node}"


def _ours(newest: LogEntry | None) -> LogEntry | None:
    if newest is None or newest.kind != PUBLISHED:
        return None
    return replace(
        newest,
        as_of=newest.as_of.astimezone(timezone.utc),
        published_at=newest.published_at.astimezone(timezone.utc),
    )


def _since(refusals: Sequence[Refusal], newest: LogEntry | None) -> Refusal | None:
    last = refusals[-1] if refusals else None
    if last is None or (newest is not None and last.refused_at <= newest.published_at):
        return None
    return last


def _has_ended(run: RunRecord) -> bool:
    return run.state not in (*AT_WORK, NOT_STARTED, UNFINISHED)


def _was_to_publish(run: RunRecord) -> bool:
    return _has_ended(run) and run.kind != TUNE


def hours(age: timedelta) -> str:
    """Says how long something is, or was ago."""
    return f"{age.total_seconds() / 3600:.1f} hours"
