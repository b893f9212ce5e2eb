"""Runs that failed, each told as one alert: by its cause where that is known, else as the run."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from components.alerts import alert as kinds
from components.alerts.alert import Alert, Severity, without_quoted
from components.postgres.address import METADATA_URL_VARIABLE
from components.registry.exported_files import FILES_OF_MODEL
from pipeline.alerts.facts import Facts
from pipeline.exit_codes import DATA_GATE_STOPPED, INTERRUPTED, UNEXPECTED
from pipeline.runs.record import (
    AT_WORK,
    COMPLETE,
    FAILED,
    NOT_STARTED,
    SCORE,
    TRAIN,
    TUNE,
    RunRecord,
)
from pipeline.runs.record import INTERRUPTED as WAS_INTERRUPTED
from pipeline.status import how_it_ended

_UNREACHABLE: Final = ("DatabaseUnreachable", "ServerNotAnswering", "ServerBrokeOff")
"""Errors that say that there was no database; others of code 5 say what it could not do."""
_METADATA_FILE: Final = "metadata.sqlite"
_LONGEST: Final = 600


def failed_runs(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Returns of each kind of run the last one, where it did not come to its end.

    A run that a person ended by Ctrl-C is passed over, as they know of it. One that gave way to
    another or is at work says nothing yet. A training run does all that a scoring run does.

    Args:
        runs: Newest first.
    """
    found = []
    for kind in (SCORE, TRAIN, TUNE):
        answering = (SCORE, TRAIN) if kind == SCORE else (kind,)
        ended = [one for one in runs if one.kind in answering and _says_something(one)]
        # A later training run that failed is told as such, and hides no scoring run that failed.
        last = next((one for one in ended if one.kind == kind or one.state == COMPLETE), None)
        if last is not None and last.state != COMPLETE:
            found.append(last)
    return found


def _says_something(run: RunRecord) -> bool:
    by_hand = run.state == WAS_INTERRUPTED and run.exit_code == INTERRUPTED
    return not by_hand and run.state not in (*AT_WORK, NOT_STARTED)


def failure_alerts(facts: Facts) -> Iterator[Alert]:
    """Yields an alert for the database where it is away, and one for each run that failed."""
    if facts.database is None:
        yield Alert(kinds.DATABASE_UNREACHABLE, "database", without_quoted(facts.database_problem))
    for run in failed_runs(facts.runs):
        if (found := _failure(run, facts)) is not None:
            yield found


def _failure(run: RunRecord, facts: Facts) -> Alert | None:
    kind, key = _kind_of(run, facts)
    if facts.database is None and kind == kinds.RUN_FAILED and run.error == "PublicationRefused":
        return None  # whether it was the circuit breaker is known when the database is back
    severity: Severity | None = None
    if run.kind == TUNE and kind == kinds.RUN_FAILED:
        severity = "warning"
    return Alert(
        kind, key, f"{how_it_ended(run)}: {_message(run)}", _evidence(run), severity=severity
    )


def _kind_of(run: RunRecord, facts: Facts) -> tuple[str, str]:
    """Returns the kind of alert that a failed run is, and what it is about."""
    if run.state != FAILED:
        return kinds.RUN_FAILED, run.kind
    if run.exit_code == DATA_GATE_STOPPED:
        return kinds.DATA_GATE_STOPPED, run.kind
    if facts.database is not None and run.run_id in facts.database.refused:
        return kinds.BREAKER_REFUSED, run.kind
    if run.error in _UNREACHABLE:
        if METADATA_URL_VARIABLE in run.sentence:
            return kinds.METADATA_UNREACHABLE, facts.state_dir
        return kinds.DATABASE_UNREACHABLE, "database"
    if run.error == "StateUnusable" and run.state_dir == facts.state_dir:
        if run.sentence.startswith(FILES_OF_MODEL):
            return kinds.MODEL_NOT_LOADABLE, facts.state_dir
        if _METADATA_FILE in run.sentence.partition(" ")[0]:
            return kinds.METADATA_UNREACHABLE, facts.state_dir
    return kinds.RUN_FAILED, run.kind


def _message(run: RunRecord) -> str:
    """Says why it failed, without what messages quote: it may be an account or a customer's words.

    What nobody expected may say anything, and stays in the log file.
    """
    if run.exit_code == UNEXPECTED:
        return f"an unexpected {run.error or 'error'}; the log file has its message."
    said = without_quoted(" ".join(run.sentence.split()))
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 4]} ..."


def _evidence(run: RunRecord) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "run_kind": run.kind,
        "state": run.state,
        "exit_code": run.exit_code,
        "error": run.error,
        "failed_node": run.failed_node,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "log": run.log,
    }
