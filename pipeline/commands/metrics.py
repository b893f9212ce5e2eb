"""`tens-insight metrics`: what Prometheus is told."""

import click

from pipeline.commands.parts import examples
from pipeline.text.terminal import say


@click.command(
    name="metrics",
    epilog=examples("tens-insight metrics", "tens-insight metrics --send"),
)
@click.option(
    "--send",
    is_flag=True,
    help="Write them to the textfile and push them to the Pushgateway of the settings, as a run "
    "does, in place of printing them; code 11 if one of these fails.",
)
def command(send: bool) -> int:
    """Prints the metrics of this installation as Prometheus text.

    They are read from the database and the state directory; neither is changed. Where the database
    cannot be read, tens_insight_database_up is 0, its metrics are missing, and standard error says
    why.
    """
    from pipeline.settings import load_settings
    from pipeline.telemetry.gather import gather
    from pipeline.telemetry.metrics import render

    settings = load_settings()
    found = gather(settings)
    for problem in found.problems:
        say(problem, err=True)
    if not send:
        say(render(found.samples).decode(), nl=False)
        return 0
    from pipeline.exit_codes import NOT_WELL
    from pipeline.telemetry.metric_sinks import send_metrics

    told = send_metrics(settings, found.samples)
    if not told:
        raise click.UsageError(
            "There is no sink: set TENS_INSIGHT_METRICS_TEXTFILE or TENS_INSIGHT_PUSHGATEWAY_URL."
        )
    for name, problem in told.items():
        say(f"{name}: {problem or 'sent'}", err=bool(problem))
    return NOT_WELL if any(told.values()) else 0
