"""Runs and what they published, for programs: the public API behind `from pipeline import ...`.

It does what the commands do, and returns values in place of printing them.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from rich.console import Console

from components.postgres.tables import OUTPUT_TABLES
from components.publishing.publication_log import PUBLISHED, LogEntry, read_log
from components.state_files import private_files
from pipeline.database import consistent_read
from pipeline.logs import logging_restored
from pipeline.runs.progress import Progress
from pipeline.runs.record import SCORE, TRAIN
from pipeline.runs.run import RunFailed, run_pipeline
from pipeline.settings import Settings
from serving_model.served.tensorflow_variables import set_tensorflow_variables

Table = Literal["scores", "areas"]
SCORES: Final[Table] = "scores"


@dataclass(frozen=True)
class Publication:
    """The rows that one run wrote to one output table, in one transaction.

    Attributes:
        publication_id: As `tens-insight publications` names it; rises from one to the next.
        table: Name of the output table.
        as_of: The moment that its rows are valid for, UTC.
        published_at: By the database server's clock, UTC.
        rows_written: Inserted or replaced.
        rows_removed: Of accounts or product areas that are not published any more.
        model_version: Of the model; of product areas the version of the weights.
        run_id: The run that published.
    """

    publication_id: int
    table: str
    as_of: datetime
    published_at: datetime
    rows_written: int
    rows_removed: int
    model_version: str
    run_id: str


@dataclass(frozen=True)
class RunResult:
    """A run that published.

    Attributes:
        run_id: The run's name.
        scores: What it published to account_risk_scores.
        areas: What it published to product_area_impact; None where there was nothing to publish.
        report: The evaluation report; None after scoring alone.
    """

    run_id: str
    scores: Publication
    areas: Publication | None
    report: Path | None


def train(settings: Settings, *, show_progress: bool = False) -> RunResult:
    """Reads, trains, judges, and publishes with the champion: `tens-insight run train`.

    Args:
        settings: Of the run, from load_settings.
        show_progress: Whether to show the steps on standard error.

    Raises:
        TensInsightError: Nothing was published, or not all; the message says why.
        ConfigurationInvalid: Nothing can be written to state_dir.
    """
    return _run(TRAIN, settings, show_progress)


def score(settings: Settings, *, show_progress: bool = False) -> RunResult:
    """Publishes with the champion, without training: `tens-insight run score`.

    Args:
        settings: Of the run, from load_settings.
        show_progress: Whether to show the steps on standard error.

    Raises:
        TensInsightError: Nothing was published, or not all; the message says why.
        ConfigurationInvalid: Nothing can be written to state_dir.
    """
    return _run(SCORE, settings, show_progress)


def last_publication(settings: Settings, table: Table = SCORES) -> Publication | None:
    """Returns the publication whose rows an output table shows; None before the first.

    Args:
        settings: Say where the demo's database is, if no other is named.
        table: "scores" for account_risk_scores, "areas" for product_area_impact.

    Raises:
        DatabaseUnreachable: There is no database, or no connection to it.
        ContractBroken: A table or privilege is missing.
        ValueError: There is no such table.
    """
    targets = {target.short: target for target in OUTPUT_TABLES}
    if table not in targets:
        raise ValueError(f"There is no output table {table!r}; there are {', '.join(targets)}.")
    with consistent_read(settings, "last publication") as cursor:
        newest = read_log(cursor, targets[table]).newest_full
    if newest is None or newest.kind != PUBLISHED:
        return None
    return _publication(newest)


def published_by(settings: Settings, run_id: str) -> list[Publication | None]:
    """Returns what a run published, by output table: others may have published since."""
    with consistent_read(settings, "publications of a run") as cursor:
        logs = [read_log(cursor, target) for target in OUTPUT_TABLES]
    found = [[entry for entry in log.entries if entry.run_id == run_id] for log in logs]
    return [_publication(entries[-1]) if entries else None for entries in found]


def _publication(entry: LogEntry) -> Publication:
    return Publication(
        publication_id=entry.publication_id,
        table=entry.table,
        as_of=entry.as_of,
        published_at=entry.published_at,
        rows_written=entry.rows_written,
        rows_removed=entry.rows_removed,
        model_version=entry.model_version,
        run_id=entry.run_id,
    )


def _run(kind: str, settings: Settings, show_progress: bool) -> RunResult:
    progress = Progress(None if show_progress else Console(stderr=True, quiet=True))
    set_tensorflow_variables()
    with logging_restored(), private_files():
        result = run_pipeline(kind, settings, progress)
    if isinstance(result, RunFailed):
        raise result.error
    scores, areas, *_ = published_by(settings, result.run_id)
    assert scores is not None
    return RunResult(
        run_id=result.run_id,
        scores=scores,
        areas=areas,
        report=Path(result.report) if result.report else None,
    )
