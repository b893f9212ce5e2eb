"""`tens-insight monitor`: what is unusual about what was published."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands.parts import Number, examples
from pipeline.exit_codes import USAGE
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from pipeline.settings import Settings

_RUNS = 30


@click.command(
    name="monitor",
    epilog=examples(
        "tens-insight monitor",
        "tens-insight monitor --all",
        "tens-insight monitor --html monitor.html --runs 52",
    ),
)
@click.option(
    "--runs",
    default=_RUNS,
    show_default=True,
    type=Number(1, 1_000),
    help="How many of the last runs to show.",
)
@click.option("--all", "every", is_flag=True, help="Show every measure, not the main ones alone.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with pictures, which needs no network and no other file.",
)
def command(runs: int, every: bool, as_json: bool, page: Path | None) -> int:
    """Shows the open alarms, and the main measures of the last runs as lines of bars.

    An alarm says what a measure is, what it usually is, and since when it is unusual. What moves
    at one moment is one alarm. Nothing is computed again: the Monitor of each run wrote it down.
    """
    if page is not None and (every or as_json):
        raise click.UsageError("--html FILE takes no --all and no --json: it shows everything.")
    from components.monitor.monitor_report import read_report
    from components.monitor.page_content import last_change, newest_cause
    from pipeline.database import consistent_read
    from pipeline.settings import load_settings
    from pipeline.text.mean_change import change_json, why_lines
    from pipeline.text.monitor import monitor_lines

    settings = load_settings()
    if page is not None:
        return _write_page(settings, page, runs)
    with consistent_read(settings, "monitor") as cursor:
        report = read_report(cursor, runs, settings.monitoring.false_alarms_per_year)
        change, cause = last_change(cursor, report, 0)[0], newest_cause(cursor, report)
    if as_json:
        why = {
            "change": change_json(change) if change else None,
            "cause": asdict(cause) if cause else None,
        }
        say_json(report.as_json() | why)
    else:
        for line in [*monitor_lines(report, every=every), *why_lines(change, cause)]:
            say(line)
    return 0


def _write_page(settings: "Settings", page: Path, runs: int) -> int:
    from components.monitor.page.report import NothingMonitored, render
    from components.monitor.page_content import read_content
    from components.state_files import replace_text
    from pipeline.database import consistent_read
    from pipeline.text.plain_text import short_path

    with consistent_read(settings, "monitor") as cursor:
        content = read_content(cursor, runs, settings.monitoring.false_alarms_per_year)
    try:
        replace_text(page, render(content))
    except NothingMonitored as error:
        say(f"The page cannot be written: {error}.", err=True)
        return USAGE
    except OSError as error:
        say(f"The page cannot be written to {page}: {error.strerror}.", err=True)
        return USAGE
    say(short_path(str(page)))
    return 0
