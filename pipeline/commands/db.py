"""`tens-insight db`: create and check the tables, and say who needs which rights."""

from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from pipeline.commands.parts import Group, examples
from pipeline.text.terminal import say, say_json

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

    from components.data_checker.checks import Check
    from components.feedback_example_gen.ground_truth import GroundTruth
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


@command.command(epilog=examples("tens-insight db adopt"))
def adopt() -> None:
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
    say(adopt_state(settings, database))


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
        as_of = settings.run.as_of or datetime.now(timezone.utc)
        truth = _ground_truth(connection, settings, report, facts, as_of)
    history = _history_problem(facts, truth, settings, as_of) if facts else ""
    checks = _truth_checks(truth, settings)
    _print(report, facts, history, truth, checks, as_json)
    if report.problems:
        return CONTRACT_BROKEN
    return DATA_GATE_STOPPED if history or any(one.verdict == "stopped" for one in checks) else 0


def _ground_truth(
    connection: "Connection",
    settings: "Settings",
    report: "ContractReport",
    facts: "FeedbackFacts | None",
    as_of: datetime,
) -> "GroundTruth | None":
    """Reads the ground truth as a run does; None where it cannot be read."""
    from components.feedback_example_gen.ground_truth import read_ground_truth

    if report.problems or facts is None or facts.first_created_at is None:
        return None
    churns = report.churn_table_present and settings.reading.label_source != "inactivity"
    first = facts.first_created_at
    return read_ground_truth(
        connection, settings.reading, first, as_of, has_churn=churns, names_accounts=True
    )


def _truth_checks(truth: "GroundTruth | None", settings: "Settings") -> "list[Check]":
    from components.data_checker.actions import decide
    from components.data_checker.ground_truth import check_facts

    if truth is None:
        return []
    limits = settings.data_gate
    return list(decide(check_facts(truth.churn, truth.accounts, limits), limits.data_checks))


def _history_problem(
    facts: "FeedbackFacts", truth: "GroundTruth | None", settings: "Settings", as_of: datetime
) -> str:
    """Returns why the history does not suffice for training; empty if it does."""
    from components.errors import DataGateStopped
    from components.feedback_example_gen.churn_rhythm import ALL_KNOWN
    from components.feedback_example_gen.cutoffs import SPLITS, plan_cutoffs

    if facts.first_created_at is None:
        return "feedback_enriched holds no rows."
    known = truth.known if truth else ALL_KNOWN
    try:
        plan_cutoffs(as_of, facts.first_created_at, settings.reading, SPLITS, known)
    except DataGateStopped as stopped:
        return str(stopped)
    return ""


def _moment(moment: "datetime | None") -> str:
    from pipeline.text.plain_text import NONE, minute

    return NONE if moment is None else minute(moment)


def _print(
    report: "ContractReport",
    facts: "FeedbackFacts | None",
    history: str,
    truth: "GroundTruth | None",
    checks: "list[Check]",
    as_json: bool,
) -> None:
    if as_json:
        answer = {
            **asdict(report),
            "facts": asdict(facts) if facts else None,
            "history": history,
            "truth": asdict(truth) if truth else None,
            "checks": [asdict(one) for one in checks],
        }
        say_json(answer)
        return
    say(f"database      {report.database}")
    if facts:
        share = facts.rows_without_account / facts.rows if facts.rows else 0.0
        say(f"feedback      {facts.rows} rows of {facts.accounts} accounts")
        say(f"              {_moment(facts.first_created_at)} to {_moment(facts.last_created_at)}")
        say(f"              {share:.1%} without account_id, {facts.future_rows} in the future")
    table = "present" if report.churn_table_present else "absent"
    if not report.churn_table_present and not report.problems:
        table = "absent, the label would be inactivity"
    say(f"ground truth  {report.churn_table}: {table}")
    if truth and (churn := truth.churn):
        newest = f", the newest {churn.age_days} days old" if churn.newest else ""
        say(f"              {churn.rows} rows that count{newest}")
        say(f"              {churn.rows_unmatched} of them match no account")
    for note in report.notes:
        say(f"note          {note}")
    for problem in report.problems:
        say(f"problem       {problem}")
    if history:
        say(f"problem       {history}")
    for one in checks:
        if one.verdict in ("warned", "stopped"):
            word = "warning" if one.verdict == "warned" else "problem"
            say(f"{word}       {one.message}")
    if not report.problems and not history and not any(one.verdict == "stopped" for one in checks):
        say("All is well.")
