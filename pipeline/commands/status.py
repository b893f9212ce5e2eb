"""`tens-insight status`: is it well?"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from components.errors import TensInsightError
from pipeline.commands.durations import DURATION
from pipeline.commands.parts import Number, examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from pipeline.settings import Settings

_RUNS_CHECKED = 20
_MAX_AGE_HOURS = 26
"""Of scores that are published every day, two hours later than the day before."""


@click.command(
    name="status",
    epilog=examples(
        "tens-insight status",
        "tens-insight status --runs 20",
        "tens-insight status --check --max-age 26h",
    ),
)
@click.option(
    "--runs",
    default=5,
    show_default=True,
    type=Number(0),
    help="How many of the last runs to show.",
)
@click.option("--check", is_flag=True, help="Say only what is not well; code 11 if something is.")
@click.option(
    "--max-age",
    type=DURATION,
    metavar="DURATION",
    help=f"With --check: how old the scores may be. Default: {_MAX_AGE_HOURS}h.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def command(runs: int, check: bool, max_age: timedelta | None, as_json: bool) -> int:
    """Shows the last runs, the champion, and how fresh the scores are.

    With --check it is a health check for a monitor: it ends with 0 if the scores that we published
    are younger than --max-age, the last run ended well, and the tables hold what was published;
    else with 11 and a sentence for each problem; with 5 or 7 if the database cannot be asked.
    """
    from pipeline.settings import load_settings

    if max_age is not None and not check:
        raise click.UsageError("--max-age is for --check.")
    settings = load_settings()
    if check:
        most = timedelta(hours=_MAX_AGE_HOURS) if max_age is None else max_age
        return _check(settings, most, as_json, runs)
    return _show(settings, runs, as_json)


def _check(settings: "Settings", max_age: timedelta, as_json: bool, limit: int) -> int:
    from pipeline.exit_codes import NOT_WELL
    from pipeline.status import problems, read_status
    from pipeline.text.status import well_sentence

    status = read_status(settings, _RUNS_CHECKED)
    found = list(problems(status, max_age))
    if as_json:
        told = {"well": not found, "problems": found, "exit": NOT_WELL if found else 0}
        say_json(told | status.as_json(limit))
    else:
        for sentence in found or [well_sentence(status)]:
            say(sentence)
    return NOT_WELL if found else 0


def _show_runs_alone(
    settings: "Settings", limit: int, error: TensInsightError, as_json: bool
) -> None:
    """Tells what the state directory knows of runs where the database cannot be asked."""
    from pipeline.runs.record import RunRecords
    from pipeline.status import last_run_of
    from pipeline.text.status import run_facts, run_lines
    from pipeline.text.summary import print_facts
    from pipeline.text.terminal import console

    runs = RunRecords(settings.runs_dir).newest(max(limit, _RUNS_CHECKED))
    last = last_run_of(runs)
    error.facts["runs"] = [run.as_json() for run in runs[:limit]]
    error.facts["last_run"] = last.as_json() if last else None
    if as_json or not runs:
        return
    out = console()
    print_facts(run_facts(last) if last else (), out)
    out.print()
    for line in run_lines(runs[:limit]) if limit else ():
        out.print(line)


def _show(settings: "Settings", limit: int, as_json: bool) -> int:
    from pipeline.registry.next_step import acceptance_of, next_step
    from pipeline.registry.registry import Registry
    from pipeline.registry.state_claim import note_of_other_database
    from pipeline.status import read_status, with_runs_of_metadata
    from pipeline.text.plain_text import transition_text
    from pipeline.text.status import run_lines, status_facts
    from pipeline.text.summary import print_facts
    from pipeline.text.terminal import console

    try:
        status = read_status(settings, max(limit, _RUNS_CHECKED))
    except TensInsightError as error:
        _show_runs_alone(settings, limit, error, as_json)
        raise
    registry = Registry(settings.metadata_path)
    champion = registry.champion()
    properties = champion.properties.as_json() if champion else None
    accepted = acceptance_of(registry, champion.properties.model_version) if champion else None
    next_one = "" if champion else next_step(registry)
    status = with_runs_of_metadata(status, registry.runs())
    note = note_of_other_database(settings, registry.store)
    if as_json:
        uri = champion.uri if champion else None
        told: dict[str, Any] = {"champion": properties, "champion_uri": uri}
        told |= {"champion_accepted": vars(accepted) if accepted else None}
        told |= {"next_step": next_one or None, "note": note}
        say_json(status.as_json(limit) | told)
        return 0
    out = console()
    said = f"accepted, not blessed: {transition_text(accepted)}" if accepted else next_one
    print_facts([*status_facts(status, properties, said), *([("", note)] if note else [])], out)
    out.print()
    for line in run_lines(status.runs[:limit]) if limit else ():
        out.print(line)
    return 0
