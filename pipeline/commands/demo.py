"""`tens-insight demo`: the first run, and the embedded database behind it."""

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from pipeline.commands.parts import Group, examples
from pipeline.text.terminal import say

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.local_database.embedded_postgres import EmbeddedPostgres

ACCOUNTS = 3_000
DAYS = 540
SEED = 1
SCENARIO = "strong"


@click.group(name="demo", cls=Group, epilog=examples("tens-insight demo run"))
def command() -> None:
    """Runs everything once, on an embedded database unless one is named."""


@command.command(epilog=examples("tens-insight demo run"))
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, as last line.")
def run(as_json: bool) -> int:
    """Creates the tables, simulates feedback, trains and publishes.

    With DATABASE_URL set (or libpq's variables) it uses that database, simulates
    nothing and starts no server.
    """
    import os

    from components.postgres.connection import connect, database_is_configured
    from components.postgres.migrate import migrate
    from pipeline.commands.run import run_and_report
    from pipeline.settings import load_settings
    from pipeline.text.plain_text import short_path

    settings = load_settings()
    if database_is_configured(os.environ):
        with closing(connect("tens-insight db init")) as connection:
            migrate(connection)
        return run_and_report("train", None, as_json)
    server = _started(settings.state_dir)
    code = run_and_report("train", _simulated_world(), as_json)
    program = short_path(sys.argv[0])
    say("\nLook further:", err=True)
    say(f"  {program} status", err=True)
    say(f"  {program} areas", err=True)
    say(f"  {server.psql_command()}", err=True)
    say(f"  {program} demo stop    (the embedded database goes on running)", err=True)
    return code


@command.command(epilog=examples("export DATABASE_URL=$(tens-insight demo start)"))
def start() -> None:
    """Starts the embedded database, or finds it running, and prints its URL."""
    from pipeline.settings import load_settings

    say(_started(load_settings().state_dir).url())


@command.command(epilog=examples("tens-insight demo stop"))
def stop() -> None:
    """Stops the embedded database; its data stay."""
    from pipeline.local_database.embedded_postgres import EmbeddedPostgres
    from pipeline.settings import load_settings

    EmbeddedPostgres(load_settings().state_dir).stop()
    say("The embedded database is stopped.")


@command.command(epilog=examples("tens-insight demo drill"))
def drill() -> None:
    """Goes through a bad day on a scratch database, and checks every step.

    A worse challenger, a withdrawal, an undo: with the commands that one would type.
    """
    from pipeline.demo.drill import run_drill, scratch_folder

    with scratch_folder() as folder:
        checks = run_drill(folder, say)
    say(f"The drill is over: {checks} checks held.")


@command.command(epilog=examples("tens-insight demo year", "tens-insight demo year --page y.html"))
@click.option(
    "--page",
    default="monitor-year.html",
    show_default=True,
    type=click.Path(dir_okay=False),
    help="Where the page of the monitor is written.",
)
def year(page: str) -> None:
    """Scores a simulated year week by week, in which three things go wrong.

    A source is renamed, the enrichment changes, and more accounts leave than the model can know.
    Checks at the end that the monitor tells it, on a scratch database.
    """
    from pathlib import Path

    from pipeline.demo.drill import scratch_folder
    from pipeline.demo.year import run_year

    with scratch_folder() as folder:
        checks = run_year(folder, Path(page).absolute(), say)
    say(f"The year is over: {checks} checks held. {page} shows it.")


@command.command(
    name="auto-year",
    epilog=examples("tens-insight demo auto-year", "tens-insight demo auto-year --log y.txt"),
)
@click.option(
    "--log",
    default="auto-year.txt",
    show_default=True,
    type=click.Path(dir_okay=False),
    help="Where the log of what was done and why is written.",
)
def auto_year(log: str) -> None:
    """Goes through that year by `run auto` alone, once a week, on a scratch database.

    In two of the weeks the database is down. Checks at the end what it did by itself.
    """
    from pathlib import Path

    from pipeline.demo.auto_year import run_auto_year
    from pipeline.demo.drill import scratch_folder

    with scratch_folder() as folder:
        checks = run_auto_year(folder, Path(log).absolute(), say)
    say(f"The year is over: {checks} checks held. {log} says what was done, and why.")


def _started(state_dir: "Path") -> "EmbeddedPostgres":
    import os

    from pipeline.local_database.embedded_postgres import EmbeddedPostgres
    from pipeline.runs.progress import Progress
    from pipeline.state_directory import require_own_files

    require_own_files(state_dir)
    server = EmbeddedPostgres(state_dir)
    with Progress().step("Starting embedded Postgres"):
        os.environ["DATABASE_URL"] = server.start()
    return server


def _simulated_world() -> "datetime":
    """Simulates the demo's world unless it is there; returns when it ends, UTC."""
    from components.postgres.connection import connect
    from pipeline.demo.recorded_worlds import newest_world_end
    from pipeline.demo.simulate import simulate
    from pipeline.runs.progress import Progress

    progress = Progress()
    with closing(connect("tens-insight demo")) as connection:
        ended_at = newest_world_end(connection)
        if ended_at is not None:
            return ended_at
        with progress.step("Simulating feedback"):
            world = simulate(
                connection,
                accounts=ACCOUNTS,
                days=DAYS,
                seed=SEED,
                scenario=SCENARIO,
                progress=lambda done, total: progress.update(f"{done} of {total} accounts"),
            )
        return world.ended_at
