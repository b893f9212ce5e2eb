"""`tens-insight`: the command line, thin; the work is done elsewhere."""

import importlib
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import click

from components.state_files import private_files
from pipeline.commands.parts import Group, examples
from pipeline.runners.job_servers import end_job_servers
from pipeline.text.streams import keep_streams
from pipeline.text.terminal import never_fail_to_encode, no_colour, say, say_json
from serving_model.served.tensorflow_variables import set_tensorflow_variables

_COMMANDS: Final = {
    "run": ("pipeline.commands.run", "Train and publish, or score and publish."),
    "stream": ("pipeline.commands.stream", "Keep scores fresh between two runs."),
    "models": ("pipeline.commands.models", "List, compare, promote, withdraw, pin models."),
    "report": ("pipeline.commands.report", "The evaluation report of a model, or of two."),
    "accounts": ("pipeline.commands.accounts", "Accounts by risk: filter, sort, CSV, JSON."),
    "account": ("pipeline.commands.account", "One account: score, reasons, feedback as counts."),
    "outcomes": ("pipeline.commands.outcomes", "Did the scores come true? By model and month."),
    "movers": ("pipeline.commands.movers", "Accounts that entered or left a risk band, and why."),
    "events": ("pipeline.commands.events", "Who got critical, jumped, fell silent or recovered."),
    "areas": ("pipeline.commands.areas", "Product areas by priority, and what if."),
    "publications": ("pipeline.commands.publications", "What was published; compare, undo."),
    "monitor": ("pipeline.commands.monitor", "What is unusual about what was published."),
    "alerts": ("pipeline.commands.alerts", "What needs a person; look, deliver, test a sink."),
    "metrics": ("pipeline.commands.metrics", "Metrics of runs and scores for Prometheus."),
    "policy": ("pipeline.commands.policy", "What `run auto` would do now, and why."),
    "clean": ("pipeline.commands.clean", "Remove what old runs left and nothing needs."),
    "status": ("pipeline.commands.status", "Last runs, champion, freshness of the scores."),
    "serve": ("pipeline.commands.serve", "Answer requests for scores over HTTP."),
    "forget": ("pipeline.commands.forget", "Remove all that is kept about an account."),
    "db": ("pipeline.commands.db", "Create and check the tables."),
    "cluster": ("pipeline.commands.cluster", "An engine of Beam: start, check, stop."),
    "compile": ("pipeline.commands.compile", "Specs for Kubeflow Pipelines and Vertex."),
    "simulate": ("pipeline.commands.simulate", "Write a simulated world of feedback."),
    "demo": ("pipeline.commands.demo", "The first run, on an embedded database."),
    "explain-config": ("pipeline.commands.explain_config", "Every setting and its origin."),
}


class LazyGroup(Group):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names, most used first."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command by its name."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "tens-insight db check",
        "tens-insight run train",
        "tens-insight accounts --band critical,high",
        "tens-insight COMMAND --help",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _, asked: _show_version(ctx) if asked else None,
    help="Print name, version and what it runs on.",
)
def cli() -> None:
    """Account churn scores from customer feedback in Postgres."""


def _show_version(ctx: click.Context) -> None:
    """Prints what is installed, by its metadata: importing TFX would take seconds."""
    from importlib.metadata import version

    stack = f"TFX {version('tfx')}, TensorFlow {_tensorflow()}"
    python = ".".join(map(str, sys.version_info[:3]))
    say(f"tens-insight {version('tens-insight')} ({stack}, Python {python})")
    ctx.exit()


def _tensorflow() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tensorflow")
    except PackageNotFoundError:
        return version("tensorflow-cpu")  # as the container image has it


def main() -> None:
    """Runs a command; ends with a sentence and a documented exit code."""
    streams = keep_streams()
    never_fail_to_encode()
    with private_files():  # logs, artifacts and models name accounts
        code = run_cli(sys.argv[1:])
    streams.settle()
    if streams.problem:
        _say_error(
            f"Standard output could not be written: {streams.problem}. What the command did is "
            "done, what it printed is cut off."
        )
        code = code or _OUTPUT_LOST
    end_job_servers()
    if "tensorflow" in sys.modules:
        # TensorFlow's destructors complain at interpreter exit, after all is done.
        os._exit(code)
    sys.exit(code)


def run_cli(arguments: list[str]) -> int:
    """Runs a command, reports its error as a sentence, and returns the exit code."""
    as_json = "--json" in arguments
    set_tensorflow_variables()
    try:
        result = cli.main(arguments, prog_name="tens-insight", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except SystemExit as leaving:  # a signal asked for the end; the record of the run says so
        code = leaving.code if isinstance(leaving.code, int) else 1
        said = f"Ended by {getattr(leaving, 'signal_name', 'the system')}."
        say(said, err=True)
        _tell_json(as_json, "Terminated", said, code)
        return code
    except click.Abort:
        say("Interrupted.", err=True)
        from pipeline.exit_codes import INTERRUPTED

        _tell_json(as_json, "Interrupted", "Interrupted.", INTERRUPTED)
        return INTERRUPTED
    except click.ClickException as wrong:
        message = wrong.format_message() + _about_dashes(wrong)
        _show(wrong, message)
        _tell_json(as_json, "UsageError", message, wrong.exit_code)
        return wrong.exit_code
    except Exception as error:
        return _report(error, as_json=as_json)
    return result if isinstance(result, int) else 0


_OUTPUT_LOST: Final = 6


def _about_dashes(wrong: click.ClickException) -> str:
    """Says how an id that begins with - is written, where it was taken for an option."""
    context = getattr(wrong, "ctx", None)
    if context is None or not isinstance(wrong, click.NoSuchOption):
        return ""
    arguments = [one for one in context.command.params if isinstance(one, click.Argument)]
    if not arguments:
        return ""
    name = arguments[0].human_readable_name
    return f" {name} that begins with - comes last, after --: {context.command_path} -- {name}"


def _show(wrong: click.ClickException, message: str) -> None:
    """Prints a usage error with the command's usage, as click does, but in safe characters."""
    context = getattr(wrong, "ctx", None)
    if context is not None:
        say(context.get_usage(), err=True)
        say(f"Try '{context.command_path} --help' for help.\n", err=True)
    _say_error(message)


def _report(error: Exception, *, as_json: bool) -> int:
    from pipeline.exit_codes import UNEXPECTED, exit_code
    from pipeline.foreseen import foreseen

    error = foreseen(error) or error
    code = exit_code(error)
    message = str(error)
    if code == UNEXPECTED:
        message = f"Unexpected {type(error).__name__}: {message}{_keep_traceback(error)}"
    _say_error(message)
    _tell_json(as_json, type(error).__name__, message, code, getattr(error, "facts", {}))
    return code


def _say_error(message: str) -> None:
    heading = "Error: " if no_colour() else click.style("Error: ", fg="red", bold=True)
    click.echo(heading, err=True, nl=False)
    say(message, err=True)


def _tell_json(
    as_json: bool,
    outcome: str,
    message: str,
    code: int,
    facts: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Says how a command ended in the JSON that was asked for."""
    if as_json:
        say_json({"outcome": outcome, "error": message, "exit": code, **facts})


def _keep_traceback(error: Exception) -> str:
    import logging

    files = [h for h in logging.getLogger().handlers if isinstance(h, logging.FileHandler)]
    if not files:
        import traceback

        return "\n" + "".join(traceback.format_exception(error))
    logging.getLogger().error("Unexpected", exc_info=error)
    return f" (traceback in {files[0].baseFilename})"


if __name__ == "__main__":
    main()
