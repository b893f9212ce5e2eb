"""`tens-insight monitor`: what is unusual about what was published."""

import click

from pipeline.commands.parts import Number, examples
from pipeline.text.terminal import say, say_json

_RUNS = 30


@click.command(
    name="monitor",
    epilog=examples(
        "tens-insight monitor", "tens-insight monitor --all", "tens-insight monitor --json"
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
def command(runs: int, every: bool, as_json: bool) -> int:
    """Shows the open alarms, and the main measures of the last runs as lines of bars.

    An alarm says what a measure is, what it usually is, and since when it is unusual. What moves
    at one moment is one alarm. Nothing is computed again: the Monitor of each run wrote it down.
    """
    from components.monitor.monitor_report import read_report
    from pipeline.database import consistent_read
    from pipeline.settings import load_settings
    from pipeline.text.monitor import monitor_lines

    settings = load_settings()
    with consistent_read(settings, "monitor") as cursor:
        report = read_report(cursor, runs, settings.monitoring.false_alarms_per_year)
    if as_json:
        say_json(report.as_json())
    else:
        for line in monitor_lines(report, every=every):
            say(line)
    return 0
