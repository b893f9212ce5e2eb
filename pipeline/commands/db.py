"""`tens-insight db`: create and check the tables, and say who needs which rights."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.commands.parts import Group, examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from datetime import datetime

    from components.postgres.contract import ContractReport, FeedbackFacts
    from pipeline.settings import Settings


@click.group(name="db", cls=Group, epilog=examples("tens-insight db init", "tens-insight db check"))
def command() -> None:
    """Creates and checks what the database contract asks for."""


@command.command(epilog=examples("tens-insight db init"))
def init() -> None:
    """Creates what is missing; run again, it changes nothing.

    The two output tables in schema public, and our own objects in schema
    tens_insight. A table that is there already is never altered.
    """
    from components.postgres.connection import describe
    from components.postgres.migrate import migrate
    from pipeline.database import open_database
    from pipeline.settings import load_settings

    with open_database(load_settings(), "db init") as connection:
        applied = migrate(connection)
        where = describe(connection)
    for name in applied:
        say(f"applied {name}")
    say(f"{where} is up to date.")


@command.command(epilog=examples("tens-insight db grants | psql --dbname=goinsight"))
@click.option("--installer", default="tens_insight_installer", show_default=True)
@click.option("--pipeline", default="tens_insight_pipeline", show_default=True)
@click.option("--reader", default="goinsight", show_default=True)
def grants(installer: str, pipeline: str, reader: str) -> None:
    """Prints the rights that three roles need, for psql; grants nothing itself.

    The installer runs `db init` and owns our tables; the pipeline's role runs all the
    rest; the reader is GoInsight's, or anybody who only looks. The roles must exist.
    """
    from components.postgres.grants import Roles, grant_statements
    from pipeline.database import open_database
    from pipeline.settings import load_settings

    settings = load_settings()
    roles = Roles(installer=installer, pipeline=pipeline, reader=reader)
    with open_database(settings, "db grants") as connection:
        click.echo(grant_statements(connection, roles, settings.reading.churn_table), nl=False)


@command.command(epilog=examples("tens-insight db check", "tens-insight db check --json"))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one line of JSON.")
def check(as_json: bool) -> int:
    """Checks columns, types, privileges and history; the exit code tells."""
    from components.postgres.contract import check_contract, table_facts
    from pipeline.database import open_database
    from pipeline.exit_codes import CONTRACT_BROKEN, DATA_GATE_STOPPED
    from pipeline.settings import load_settings

    settings = load_settings()
    with open_database(settings, "db check") as connection:
        report = check_contract(connection, **settings.contract)
        connection.rollback()
        readable = not any("feedback_enriched" in problem for problem in report.problems)
        facts = table_facts(connection) if readable else None
    history = _history_problem(facts, settings) if facts else ""
    _print(report, facts, history, as_json)
    if report.problems:
        return CONTRACT_BROKEN
    return DATA_GATE_STOPPED if history else 0


def _history_problem(facts: "FeedbackFacts", settings: "Settings") -> str:
    """Returns why the history does not suffice for training; empty if it does."""
    from datetime import datetime, timezone

    from components.errors import DataGateStopped
    from components.feedback_example_gen.cutoffs import SPLITS, plan_cutoffs

    if facts.first_created_at is None:
        return "feedback_enriched holds no rows."
    as_of = settings.run.as_of or datetime.now(timezone.utc)
    try:
        plan_cutoffs(as_of, facts.first_created_at, settings.reading, SPLITS)
    except DataGateStopped as stopped:
        return str(stopped)
    return ""


def _moment(moment: "datetime | None") -> str:
    from pipeline.text.plain_text import NONE, minute

    return NONE if moment is None else minute(moment)


def _print(
    report: "ContractReport", facts: "FeedbackFacts | None", history: str, as_json: bool
) -> None:
    if as_json:
        answer = {**asdict(report), "facts": asdict(facts) if facts else None, "history": history}
        say_json(answer)
        return
    say(f"database      {report.database}")
    if facts:
        share = facts.rows_without_account / facts.rows if facts.rows else 0.0
        say(f"feedback      {facts.rows} rows of {facts.accounts} accounts")
        say(f"              {_moment(facts.first_created_at)} to {_moment(facts.last_created_at)}")
        say(f"              {share:.1%} without account_id, {facts.future_rows} in the future")
    table = "present" if report.churn_table_present else "absent, the label would be inactivity"
    say(f"ground truth  {report.churn_table}: {table}")
    for note in report.notes:
        say(f"note          {note}")
    for problem in report.problems:
        say(f"problem       {problem}")
    if history:
        say(f"problem       {history}")
    if not report.problems and not history:
        say("All is well.")
