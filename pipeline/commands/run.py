"""`tens-insight run`: the two pipelines."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.durations import A_DAY, DURATION
from pipeline.commands.parts import MOMENT, Group, examples
from pipeline.text.terminal import console, say, say_json

if TYPE_CHECKING:
    from pipeline.runs.run import RunFailed


@click.group(
    name="run",
    cls=Group,
    epilog=examples("tens-insight run train", "tens-insight run score --help"),
)
def command() -> None:
    """Runs a pipeline: train and score publish scores, tune finds hyperparameters.

    auto is for a schedule: each call scores, or trains where the policy says so.

    Exit codes: 0 published, or tuned; 3 not blessed and no champion to score with; 4 the data
    gate stopped the run; 5 database unreachable; 6 configuration invalid; 7 a table,
    column, type or privilege is missing; 8 the scores failed a check, their table is as
    it was; 9 another run is at work on the state directory; 10 with --strict, the challenger was
    not blessed; 1 an unexpected error. Account scores and product areas are published
    each for itself: if one fails, the code is its, and the message says what was published.
    """


_as_of = click.option("--as-of", type=MOMENT, help="The run's now, ISO 8601, UTC without a zone.")
_accept = click.option(
    "--accept-shift",
    metavar="REASON",
    callback=lambda ctx, param, value: _reason(value),
    help="Publish in spite of the circuit breaker; the log keeps why and who.",
)
_wait = click.option(
    "--wait",
    metavar="DURATION",
    type=DURATION,
    is_flag=False,
    flag_value=A_DAY,
    help="Wait for another run on the state directory, a day at most or so long: 90m, 2h. "
    "Without it the command ends with code 9.",
)
_strict = click.option(
    "--strict",
    is_flag=True,
    default=None,
    help="End with code 10 if the challenger is not blessed, although the champion published.",
)
_adopt = click.option(
    "--adopt",
    is_flag=True,
    help="Let models and runs of another database pass to this one first, such as to its copy.",
)
_json = click.option(
    "--json", "as_json", is_flag=True, help="Print the summary as JSON, as the last line."
)


@command.command(
    epilog=examples("tens-insight run train", "tens-insight run train --as-of 2026-11-28")
)
@_as_of
@_accept
@_wait
@_strict
@_adopt
@_json
def train(
    as_of: datetime | None,
    accept_shift: str | None,
    wait: timedelta | None,
    strict: bool | None,
    adopt: bool,
    as_json: bool,
) -> int:
    """Reads, trains, judges, and publishes with the champion."""
    options = {"accept_shift": accept_shift, "strict": strict, **_minutes(wait)}
    return run_and_report("train", as_of, as_json, adopt=adopt, **options)


@command.command(
    epilog=examples(
        "tens-insight run score",
        'tens-insight run score --accept-shift "A third of the customers left us."',
    )
)
@_as_of
@_accept
@_wait
@_adopt
@_json
def score(
    as_of: datetime | None,
    accept_shift: str | None,
    wait: timedelta | None,
    adopt: bool,
    as_json: bool,
) -> int:
    """Publishes with the champion, without training."""
    options = {"accept_shift": accept_shift, **_minutes(wait)}
    return run_and_report("score", as_of, as_json, adopt=adopt, **options)


@command.command(epilog=examples("tens-insight run auto", "tens-insight run auto --wait 2h --json"))
@_as_of
@_wait
@_json
def auto(as_of: datetime | None, wait: timedelta | None, as_json: bool) -> int:
    """Does what the policy says: cleans up, rolls back, promotes, and scores or trains.

    `tens-insight policy` shows what it would do. Where training fails before it published, the
    champion scores all the same, and the exit code is that of the training.
    """
    from pipeline.commands.auto import run_auto
    from pipeline.logs import silence_libraries

    silence_libraries()
    return run_auto(as_of, as_json, **_minutes(wait))


@command.command(epilog=examples("tens-insight run tune"))
@_as_of
@_wait
@_adopt
@_json
def tune(as_of: datetime | None, wait: timedelta | None, adopt: bool, as_json: bool) -> int:
    """Looks for better hyperparameters, which the next training run takes.

    Publishes nothing. What is set explicitly is not tuned. With
    TENS_INSIGHT_HYPERPARAMETERS=settings, training ignores what was found.
    """
    from pipeline.runs.attempt import load_run_settings
    from pipeline.runs.progress import Progress
    from pipeline.runs.tuning_run import run_tuning
    from pipeline.text.summary import render_tuning

    settings = load_run_settings("tune", as_of=as_of, **_minutes(wait))
    result = run_tuning(settings, Progress(), adopt=adopt)
    render_tuning(result, console())
    if as_json:
        say_json(result.as_json())
    return 0


def _reason(value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("Say why, for the log.")
    return value


def _minutes(wait: timedelta | None) -> dict[str, Any]:
    return {"wait_minutes": None if wait is None else wait.total_seconds() / 60}


def run_and_report(
    kind: str, as_of: datetime | None, as_json: bool, *, adopt: bool = False, **options: Any
) -> int:
    """Runs a pipeline and prints its summary; returns the exit code.

    Args:
        kind: train or score.
        as_of: The run's now.
        as_json: Whether the summary is printed as JSON too.
        adopt: Whether models and runs of another database pass to this one first.
        **options: Further settings that options give; None means not given.
    """
    from pipeline.runs.attempt import load_run_settings
    from pipeline.runs.cold_start import rule_may_follow
    from pipeline.runs.progress import Progress
    from pipeline.runs.run import RunFailed, run_pipeline
    from pipeline.text.summary import render_summary

    settings = load_run_settings(kind, as_of=as_of, **options)
    result = run_pipeline(kind, settings, Progress(), adopt=adopt)
    if isinstance(result, RunFailed) and rule_may_follow(kind, result.error, settings):
        _tell_failed(result)
        say(f"Nothing could be learnt, so the rule scores: {result.error}", err=True)
        result = run_pipeline("score", settings, Progress())
    if isinstance(result, RunFailed):
        _tell_failed(result)
        raise result.error
    render_summary(result, console())
    if as_json:
        say_json(result.as_json())
    return result.exit_code


def _tell_failed(result: "RunFailed") -> None:
    """Says what a run that failed had found and published, and gives it to its error."""
    from dataclasses import asdict

    from pipeline.text.plain_text import short_path
    from pipeline.text.summary import render_checks

    if result.gate is not None:
        say(result.gate.summary, err=True)
        render_checks(result.gate, console(stderr=True))
        result.error.facts["gate"] = asdict(result.gate)
    result.error.facts |= {
        "published": result.published,
        "warnings": result.warnings,
        "report": result.report,
        "report_copy_problem": result.report_copy_problem,
    }
    for sentence in result.published:
        say(sentence, err=True)
    for warning in result.warnings:
        say(f"Data gate, warning: {warning}", err=True)
    if result.report:
        say(f"Evaluation report: {short_path(result.report)}", err=True)
    if result.report_copy_problem:
        say(f"Warning: {result.report_copy_problem}", err=True)
