"""`tens-insight`: the command line, thin; the work is done elsewhere."""

import importlib
import json
import os
import sys
from typing import Final

import click

from components.state_files import private_files

_COMMANDS: Final = {
    "run": ("pipeline.commands.run", "Train and publish, or score and publish."),
    "models": ("pipeline.commands.models", "List, compare, promote, withdraw, pin models."),
    "report": ("pipeline.commands.report", "The evaluation report of a model, or of two."),
    "account": ("pipeline.commands.account", "One account: score, reasons, feedback as counts."),
    "areas": ("pipeline.commands.areas", "Product areas by priority, and what if."),
    "publications": ("pipeline.commands.publications", "What was published; compare, undo."),
    "status": ("pipeline.commands.status", "Last runs, champion, freshness of the scores."),
    "db": ("pipeline.commands.db", "Create and check the tables."),
    "compile": ("pipeline.commands.compile", "Specs for Kubeflow Pipelines and Vertex."),
    "simulate": ("pipeline.commands.simulate", "Write a simulated world of feedback."),
    "demo": ("pipeline.commands.demo", "The first run, on an embedded database."),
    "explain-config": ("pipeline.commands.explain_config", "Every setting and its origin."),
}


class LazyGroup(click.Group):
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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
    click.echo(f"tens-insight {version('tens-insight')} ({stack}, Python {python})")
    ctx.exit()


def _tensorflow() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tensorflow")
    except PackageNotFoundError:
        return version("tensorflow-cpu")  # as the container image has it


def main() -> None:
    """Runs a command; ends with a sentence and a documented exit code."""
    with private_files():  # logs, artifacts and models name accounts
        code = run_cli(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    if "tensorflow" in sys.modules:
        # TensorFlow's destructors complain at interpreter exit, after all is done.
        os._exit(code)
    sys.exit(code)


def run_cli(arguments: list[str]) -> int:
    """Runs a command, reports its error as a sentence, and returns the exit code."""
    try:
        result = cli.main(arguments, prog_name="tens-insight", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except SystemExit as leaving:  # a signal asked for the end; the record of the run says so
        return leaving.code if isinstance(leaving.code, int) else 1
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return 130
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except Exception as error:
        return _report(error, as_json="--json" in arguments)
    return result if isinstance(result, int) else 0


def _report(error: Exception, *, as_json: bool) -> int:
    from pipeline.exit_codes import UNEXPECTED, exit_code

    code = exit_code(error)
    message = str(error)
    if code == UNEXPECTED:
        message = f"Unexpected {type(error).__name__}: {message}{_keep_traceback(error)}"
    click.echo(click.style("Error: ", fg="red", bold=True) + message, err=True)
    if as_json:
        told = {"outcome": type(error).__name__, "error": message, "exit": code}
        click.echo(json.dumps(told | getattr(error, "facts", {}), default=str))
    return code


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
