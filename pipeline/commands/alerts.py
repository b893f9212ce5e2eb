"""`tens-insight alerts`: what needs a person."""

from typing import TYPE_CHECKING, Final

import click

from pipeline.commands.parts import Group, Number, examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from components.alerts.alert_table import StoredAlert
    from pipeline.alerts.look import Look
    from pipeline.settings import Settings

# As in components/alerts/sinks/configured.py, which imports what sends; a test compares them.
SINKS: Final = ("webhook", "alertmanager", "email", "command")
_SHOWN: Final = 50


@click.group(
    name="alerts",
    cls=Group,
    invoke_without_command=True,
    epilog=examples(
        "tens-insight alerts",
        "tens-insight alerts --all --limit 100",
        "tens-insight alerts check",
        "tens-insight alerts test webhook",
    ),
)
@click.option("--all", "every", is_flag=True, help="Show those that are resolved, too.")
@click.option(
    "--limit",
    type=Number(1),
    default=_SHOWN,
    show_default=True,
    help="How many to show, those that are open first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
@click.pass_context
def command(context: click.Context, every: bool, limit: int, as_json: bool) -> int:
    """Shows the alerts that are open: what is wrong, since when, and where it says what to do.

    Nothing is looked at again: `tens-insight alerts check` does that, and so does every run at its
    end.
    """
    if context.invoked_subcommand is not None:
        if every or as_json:
            raise click.UsageError("--all and --json of the list come without a command.")
        return 0
    from pipeline.settings import load_settings
    from pipeline.text.alerts import alert_lines

    found = _read(load_settings(), every=every, limit=limit)
    if as_json:
        say_json({"alerts": [one.as_json() for one in found]})
    else:
        for line in alert_lines(found):
            say(line)
    return 0


def _read(settings: "Settings", *, every: bool, limit: int) -> "list[StoredAlert]":
    """Reads the table; while the database is away, what the state directory keeps is shown."""
    from components.alerts.alert_table import read_alerts
    from components.alerts.spool import Spool
    from components.errors import TensInsightError
    from pipeline.database import consistent_read
    from pipeline.text.alerts import alert_lines

    try:
        with consistent_read(settings, "alerts") as cursor:
            return read_alerts(cursor, every=every, limit=limit)
    except TensInsightError as error:
        kept = Spool(settings.alerts_dir).read().alerts
        error.facts["alerts"] = [one.as_json() for one in kept]
        if kept:
            say("The database is away. What the state directory keeps until it is back:", err=True)
            for line in alert_lines(kept):
                say(line, err=True)
        raise


@command.command(
    "check",
    epilog=examples("tens-insight alerts check", "tens-insight alerts check --json"),
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def check(as_json: bool) -> int:
    """Looks at the installation, opens and resolves alerts, and delivers them.

    For a timer, every few minutes. It loads no TensorFlow. Ends with 0 whether or not alerts are
    open; with 5 if the database could not be used (alerts are then kept in the state directory, and
    delivered from there), with 11 if a sink did not take what it was sent.
    """
    from pipeline.alerts.look import look
    from pipeline.exit_codes import DATABASE_UNREACHABLE, NOT_WELL, STATE_DIRECTORY_BUSY
    from pipeline.settings import ConfigurationInvalid, load_settings, state_settings
    from pipeline.text.alerts import look_lines

    try:
        settings = load_settings()
    except ConfigurationInvalid:
        # A setting of something else must not keep a failed run from being told.
        rest = state_settings()
        if rest is not None:
            look(rest)
        raise
    found = look(settings)
    failed = any(found.problems.values())
    code = (
        STATE_DIRECTORY_BUSY
        if found.busy
        else DATABASE_UNREACHABLE
        if found.database_problem
        else NOT_WELL
        if failed
        else 0
    )
    if as_json:
        say_json(_look_json(found, code))
        return code
    for line in look_lines(found):
        say(line)
    _say_problems(found)
    return code


def _say_problems(found: "Look") -> None:
    if found.database_problem:
        say(f"The database could not be used: {found.database_problem}", err=True)
    for name, problem in found.problems.items():
        if problem:
            say(f"Sink {name} failed: {problem}.", err=True)


def _look_json(found: "Look", code: int) -> dict[str, object]:
    return {
        "open": [one.as_json() for one in found.standing],
        "delivered": found.delivered,
        "sinks_failed": {name: problem for name, problem in found.problems.items() if problem},
        "database_problem": found.database_problem,
        "busy": found.busy,
        "exit": code,
    }


@command.command("test", epilog=examples("tens-insight alerts test webhook"))
@click.argument("sink", type=click.Choice(SINKS))
@click.option("--json", "as_json", is_flag=True, help="Print everything as one line of JSON.")
def test(sink: str, as_json: bool) -> int:
    """Sends a message to a sink, and says whether it took it.

    The message says that it is a test. Nothing is recorded. Ends with 11 if the sink did not take
    it.
    """
    from pipeline.alerts.try_sink import try_sink
    from pipeline.exit_codes import NOT_WELL
    from pipeline.settings import load_settings

    problem = try_sink(load_settings(), sink)
    code = NOT_WELL if problem else 0
    if as_json:
        say_json({"sink": sink, "problem": problem, "exit": code})
    elif problem:
        say(f"Sink {sink} did not take the message: {problem}.", err=True)
    else:
        say(f"Sink {sink} took the message.")
    return code
