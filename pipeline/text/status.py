"""Prints what `tens-insight status` found, for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from components.postgres.tables import ACCOUNT_RISK_SCORES
from pipeline.runs.record import COMPLETE, RunRecord
from pipeline.status import OutputState, Status, hours, how_it_ended
from pipeline.text.plain_text import bare_minute, minute, minute_of, table_lines
from transforms.cold_start_rule import NOTHING_LEARNT, is_rule

_AS_PUBLISHED = "as published"
_NOT_COMPARED = "not compared: the history that is needed was dropped"


def status_facts(
    status: Status, champion: dict[str, Any] | None, note: str
) -> Iterator[tuple[str, str]]:
    """Yields what there is to say: name, value.

    Args:
        status: What was found.
        champion: Properties of the model that scores; None where there is none.
        note: Who accepted it, where it was not blessed; without a champion, what the next step is.
    """
    counts = ", ".join(f"{count} {name}" for name, count in status.categories.items())
    yield "database", status.database
    yield "state", status.state_dir
    yield "scores", f"{status.scores.comparison.rows} ({counts})"
    yield from _comparison(status.scores)
    if said := _population(status):
        yield "population", said
    yield "bands", status.risk_bands
    yield "details", _details(status)
    yield "as of", _as_of(status)
    yield "published", _published(status)
    if status.increments:
        yield "stream", _between_runs(status)
    for output in status.outputs[1:]:
        yield output.short, _output(output)
        yield from _comparison(output)
    yield "champion", _champion(champion)
    if note:
        yield "", note
    if status.scores.last is not None and is_rule(status.scores.last.model_version):
        yield "", f"{status.scores.last.model_version}, {NOTHING_LEARNT}"
    if status.last_run is not None:
        yield from run_facts(status.last_run)


def run_facts(run: RunRecord) -> Iterator[tuple[str, str]]:
    """Yields how a run ended, and why."""
    yield "last run", f"{how_it_ended(run)}, by {run.run_by or '-'}"
    for line in run.sentence.splitlines():
        yield "", line
    if run.state != COMPLETE:
        for sentence in run.published:
            yield "", sentence
        if run.log:
            yield "log", run.log
    if run.report:
        yield "report", run.report
    for warning in run.warnings:
        yield "warning", warning


def run_lines(runs: Sequence[RunRecord]) -> Iterator[str]:
    """Yields the newest attempts, a line each below the heads."""
    if not runs:
        yield "  no runs yet"
        return
    rows = [("begun (UTC)", "run", "kind", "took", "ended")]
    rows += [
        (
            bare_minute(run.started_at),
            run.run_id,
            run.kind,
            "-" if run.seconds is None else f"{run.seconds:.0f} s",
            _ended(run),
        )
        for run in runs
    ]
    yield from table_lines(rows, right=(3,), indent="  ")


def _ended(run: RunRecord) -> str:
    said = run.state
    if run.exit_code:
        said += f" ({run.exit_code})"
    if run.failed_node:
        said += f" at {run.failed_node}"
    if run.warnings:
        said += f", {len(run.warnings)} warning{'s' if len(run.warnings) > 1 else ''}"
    return said


def _comparison(output: OutputState) -> Iterator[tuple[str, str]]:
    if not output.comparison.compared:
        yield "", _NOT_COMPARED
    elif output.comparison.rows or not output.comparison.as_published:
        said = "; ".join(output.comparison.sentences())
        yield "", said or _AS_PUBLISHED


def _population(status: Status) -> str:
    """Says who is silent, and that a churn is final; empty if neither holds."""
    population = (status.scores.last.population if status.scores.last else None) or {}
    parts = []
    if (days := population.get("active_within_days")) is not None:
        said = f"accounts with feedback in {days} days"
        if (silent := population.get("silent")) is not None:
            became = "scored" if population["silent_accounts"] == "scored" else "not scored"
            said += f"; {silent} silent ones are {became}"
        parts.append(said)
    if population.get("rows_after_churn") == "final":
        parts.append("a churn is final")
    return "; ".join(parts)


def _details(status: Status) -> str:
    missing = status.scores.comparison.rows - status.details
    said = f"of {status.details} accounts"
    return f"{said}; {missing} scores without, until the next run" if missing > 0 else said


def _as_of(status: Status) -> str:
    last, age = status.scores.last, status.age
    if last is None or age is None:
        return "nothing was published yet"
    when = f"{hours(abs(age))} {'in the future' if age.total_seconds() < 0 else 'ago'}"
    return f"{minute(last.as_of)} ({when}), model {last.model_version}"


def _published(status: Status) -> str:
    last, said = status.scores.last, "-"
    if last is not None:
        said = f"{minute(last.published_at)}, publication {last.publication_id}, run {last.run_id}"
    if status.refusal is not None:
        said += f"; refused since: r{status.refusal.refusal_id} (see `tens-insight publications`)"
    return said


def _between_runs(status: Status) -> str:
    """Says what was published since the last run."""
    newest = status.increments[-1]
    scores = sum(one.rows_written for one in status.increments)
    return (
        f"{scores} scores between runs, the newest of {minute(newest.as_of)}, publication "
        f"{newest.publication_id}"
    )


def _output(output: OutputState) -> str:
    as_of = minute(output.last.as_of) if output.last else "-"
    return f"{output.comparison.rows} {output.unit} as of {as_of}"


def _champion(champion: dict[str, Any] | None) -> str:
    if champion is None:
        return "none: no model may score"
    return (
        f"{champion['model_version']}, label {champion['label_source']}, "
        f"trained as of {minute_of(champion['as_of'])}"
    )


def well_sentence(status: Status) -> str:
    """Says that all is well."""
    last, age = status.scores.last, status.age
    assert last is not None
    assert age is not None
    return (
        f"All is well: {ACCOUNT_RISK_SCORES.name} shows publication {last.publication_id}, "
        f"{hours(age)} old, model {last.model_version}."
    )
