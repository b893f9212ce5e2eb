"""`tens-insight db`: create and check the tables, and say who needs which rights."""

from typing import Final

import click

from pipeline.commands.parts import Group, examples
from pipeline.text.terminal import say, say_json

_LONGEST_NAME: Final = 63
"""Bytes of a name that Postgres keeps."""
_LOCK_WAIT_S: Final = 0.5
"""For `db check`, which takes two seconds; a run waits for longer."""


@click.group(name="db", cls=Group, epilog=examples("tens-insight db init", "tens-insight db check"))
def command() -> None:
    """Creates and checks what the database contract asks for."""


_json = click.option(
    "--json", "as_json", is_flag=True, help="Print what was done as one line of JSON."
)


@command.command(epilog=examples("tens-insight db init", "tens-insight db init --json"))
@_json
def init(as_json: bool) -> None:
    """Creates what is missing; run again, it changes nothing.

    The two output tables in schema public, and our own objects in schema
    tens_insight. A table that is there already is never altered; one that was dropped since is
    made again, empty.
    """
    from components.postgres.connection import describe
    from components.postgres.grants import foreign_owner
    from components.postgres.migrate import migrate
    from pipeline.database import open_database
    from pipeline.settings import load_settings

    with open_database(load_settings(), "db init") as connection:
        applied = migrate(connection)
        note = foreign_owner(connection) if applied else None
        where = describe(connection)
    if as_json:
        say_json({"database": where, "applied": applied, "note": note, "exit": 0})
        return
    for name in applied:
        say(f"applied {name}" if name.endswith(".sql") else name)
    say(f"{where} is up to date.")
    if note:
        say(f"Note: {note}")


@command.command(epilog=examples("tens-insight db adopt"))
@_json
def adopt(as_json: bool) -> None:
    """Lets models and runs of another database pass to the one that is named now.

    For a copy of the database that models shall score too, such as for staging, or one that
    takes the other's place. `run train`, `run score` and `run tune` do the same with --adopt. A
    database that was restored from a backup has the identity of the old one, and needs nothing.
    """
    from components.postgres.identity import read_identity
    from pipeline.database import open_database
    from pipeline.logs import silence_libraries
    from pipeline.registry.state_claim import adopt_state
    from pipeline.settings import load_settings
    from pipeline.state_directory import open_state_dir

    silence_libraries()
    settings = load_settings()
    open_state_dir(settings)
    with open_database(settings, "adopt") as connection:
        database = read_identity(connection)
    said = adopt_state(settings, database)
    if as_json:
        told = {"database": database.described, "database_id": database.id}
        say_json({**told, "said": said, "exit": 0})
    else:
        say(said)


def _role_name(_: click.Context, option: click.Parameter, name: str) -> str:
    """Returns the name of a role as it is.

    Raises:
        click.BadParameter: No role can have this name, or Postgres would take it for another:
            it cuts names at 63 bytes, and "public" means everybody, in quotes too.
    """
    if name in ("", "public", "none"):
        said = "is empty" if not name else f"{name!r} is a word of Postgres and no role"
        raise click.BadParameter(f"{said}. Expected the name of a role.", param=option)
    if len(name.encode()) > _LONGEST_NAME or not name.isprintable():
        raise click.BadParameter(
            f"{name!r} is no name of a role: at most {_LONGEST_NAME} bytes, in one line.",
            param=option,
        )
    return name


@command.command(epilog=examples("tens-insight db grants | psql --dbname=goinsight"))
@click.option(
    "--installer", default="tens_insight_installer", show_default=True, callback=_role_name
)
@click.option("--pipeline", default="tens_insight_pipeline", show_default=True, callback=_role_name)
@click.option("--reader", default="tens_insight_reader", show_default=True, callback=_role_name)
@click.option(
    "--server",
    callback=lambda context, option, name: name and _role_name(context, option, name),
    help="Print the rights of a role for `tens-insight serve` alone, and no others.",
)
def grants(installer: str, pipeline: str, reader: str, server: str | None) -> None:
    """Prints the rights that three roles need, for psql; grants nothing itself.

    The installer runs `db init` and owns our tables; the pipeline's role runs all the
    rest; the reader only looks, a dashboard for example. GoInsight's own role needs more
    and keeps what it has. The roles must exist.
    """
    from components.postgres.grants import Roles, grant_statements, server_statements
    from pipeline.database import open_database
    from pipeline.settings import load_settings

    settings = load_settings()
    roles = Roles(installer=installer, pipeline=pipeline, reader=reader)
    with open_database(settings, "db grants") as connection:
        if server is not None:
            from pipeline.pages.site import READ_BY_PAGES

            said = server_statements(
                connection,
                server,
                settings.reading.churn_table,
                (settings.reading.churn_account_column, settings.reading.churn_date_column),
                reads_publications=settings.reading.active_within_days == "auto",
                read_by_pages=READ_BY_PAGES if settings.serving.serve_pages else (),
            )
        else:
            tables = (settings.reading.churn_table, settings.outcomes.actions_table)
            said = grant_statements(connection, roles, *tables)
    click.echo(said, nl=False)


@command.command(epilog=examples("tens-insight db check", "tens-insight db check --json"))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one line of JSON.")
def check(as_json: bool) -> int:
    """Asks all that stops a training run before it begins; the exit code tells.

    It is what a run asks first, by the functions that decide in a run: is it the primary
    server; columns, types, privileges; a history that is long enough; values that the contract
    knows; a ground truth that can be trusted; enough accounts, churned and stayed; models and
    runs in the state directory that belong to this database. It takes two
    seconds at most: of a large table a sample is looked at, and what only a run can tell is said
    to be undecided.
    """
    from components.feedback_example_gen.cutoffs import SPLITS
    from components.postgres.connection import describe
    from pipeline.checks.checked_database import CheckedDatabase
    from pipeline.checks.facts import facts_of
    from pipeline.checks.sequence import run_checks
    from pipeline.checks.state import state_findings
    from pipeline.database import open_database
    from pipeline.exit_codes import exit_code
    from pipeline.logs import silence_libraries
    from pipeline.settings import load_settings
    from pipeline.text.database_check import check_as_json, check_lines

    silence_libraries()
    settings = load_settings()
    with open_database(settings, "db check") as connection:
        database = CheckedDatabase(
            connection, settings, SPLITS, need_outputs=True, lock_wait_s=_LOCK_WAIT_S
        )
        findings = run_checks(database)
        findings = [*state_findings(settings, connection, findings), *findings]
        facts, where = facts_of(database), describe(connection)
    problems = [finding for finding in findings if finding.is_problem]
    code = exit_code(problems[0].error) if problems else 0
    if as_json:
        say_json(check_as_json(where, facts, findings, code))
        return code
    for line in check_lines(where, facts, findings):
        say(line)
    return code
