"""Three roles live on exactly what `db grants` prints; a right that is missing is named."""

import contextlib
import re
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2 import sql

from components.account_events.config import AccountEventsConfig
from components.account_events.record import record_events
from components.postgres.grants import MAINTAIN_SINCE, Roles, grant_statements
from components.postgres.tables import FOR_READERS
from components.publishing.lock import vacuum
from pipeline.cli import run_cli
from pipeline.pages.site import READ_BY_PAGES
from tests.contract.conftest import (
    AS_OF,
    execute,
    give_grants,
    publish_areas,
    publish_scores,
    query,
)
from tests.contract.goinsight import GoInsight, check_published
from tests.contract.test_tables import FEEDBACK, GOINSIGHT

INPUTS = f"""{GOINSIGHT.split("CREATE TABLE IF NOT EXISTS account_risk_scores")[0]}
CREATE TABLE account_churn (account_id varchar NOT NULL, churned_at timestamptz NOT NULL);"""
OUTPUTS = ("public.account_risk_scores", "public.product_area_impact")
OURS = {
    "publications": ("UPDATE",),
    "account_risk_score_history": ("SELECT", "INSERT", "DELETE"),
    "account_risk_detail_history": ("SELECT", "INSERT", "DELETE"),
    "account_risk_details": ("SELECT",),
    "product_area_impact_history": ("SELECT", "INSERT", "DELETE"),
    "refusals": ("SELECT", "INSERT", "DELETE"),
    "account_risk_scores_refused": ("SELECT", "INSERT"),
    "product_area_impact_refused": ("SELECT", "INSERT"),
    "outcome_windows": ("SELECT", "INSERT", "UPDATE"),
    "account_departures": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "silence_marks": ("SELECT", "INSERT", "DELETE"),
    "missing_accounts": ("SELECT", "INSERT", "DELETE"),
    "score_outcomes": ("SELECT",),
    "model_performance": ("SELECT", "INSERT", "DELETE"),
    "missed_churn": ("SELECT", "INSERT", "DELETE"),
    "account_contributions": ("SELECT", "INSERT", "DELETE"),
    "contribution_layouts": ("SELECT", "INSERT", "DELETE"),
    "score_changes": ("SELECT", "INSERT", "DELETE"),
    "score_causes": ("SELECT", "INSERT", "DELETE"),
    "shadow_scores": ("SELECT", "INSERT", "DELETE"),
    "shadow_models": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "account_event_log": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "event_publications": ("SELECT", "INSERT", "DELETE"),
    "account_events": ("SELECT",),
}
MAY_WRITE = "SELECT has_table_privilege(%s, %s, %s)"


@pytest.fixture
def granted(database, roles, monkeypatch, tmp_path):
    """A database that the installer set up, after the grants, for the two others."""
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    execute(database, INPUTS, FEEDBACK)
    give_grants(database, roles.names)
    monkeypatch.setenv("DATABASE_URL", roles.installer)
    assert run_cli(["db", "init"]) == 0
    monkeypatch.setenv("DATABASE_URL", roles.pipeline)
    return database


def test_the_printed_statements_are_those(database, roles, capsys, monkeypatch):
    execute(database, INPUTS)
    options = [f"--{which}={name}" for which, name in vars(roles.names).items()]
    assert run_cli(["db", "grants", *options]) == 0
    execute(database, capsys.readouterr().out)
    monkeypatch.setenv("DATABASE_URL", roles.installer)
    assert run_cli(["db", "init"]) == 0
    monkeypatch.setenv("DATABASE_URL", roles.pipeline)
    assert run_cli(["db", "check"]) == 4  # no rows yet, and nothing else


def test_each_role_can_do_its_work(granted, roles, monkeypatch):
    publish_scores(roles.pipeline, monkeypatch)
    publish_areas(roles.pipeline, monkeypatch)
    check_published(GoInsight(roles.reader))


def test_no_later_table_of_the_installer_is_opened(granted, roles):
    """Schema public holds tables of others, whoever makes them."""
    execute(roles.installer, "CREATE TABLE public.salaries (amount int)")
    for role in (roles.names.pipeline, roles.names.reader):
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            assert query(granted, MAY_WRITE, role, "public.salaries", right) == [(False,)]


def test_db_init_says_what_goinsight_must_own(database, roles, monkeypatch, capsys):
    execute(database, INPUTS)
    give_grants(database, roles.names)
    monkeypatch.setenv("DATABASE_URL", roles.installer)
    assert run_cli(["db", "init"]) == 0
    said = capsys.readouterr().out
    (statement,) = re.findall(r'ALTER TABLE "public"."account_risk_scores" [^;]*;', said)
    execute(database, statement)
    tables = ["account_risk_scores", "feedback_enriched"]
    owners = query(database, "SELECT tableowner FROM pg_tables WHERE tablename = ANY (%s)", tables)
    assert owners[0] == owners[1]
    assert run_cli(["db", "init"]) == 0
    assert "ALTER TABLE" not in capsys.readouterr().out  # nothing was made this time


def test_the_pipeline_may_vacuum_what_it_publishes(granted, roles):
    with contextlib.closing(psycopg2.connect(roles.pipeline)) as connection:
        if connection.server_version < MAINTAIN_SINCE:
            pytest.skip("this server has no right to vacuum that could be granted")
        assert vacuum(connection, "account_risk_scores")
        assert vacuum(connection, "product_area_impact")


def test_a_name_of_several_lines_stays_a_name(database, roles):
    """No part of a name ends up outside of its quotes, where psql would run it."""
    execute(database, INPUTS)
    strange = Roles("a\nDROP TABLE feedback_enriched; --", 'b"; DROP TABLE account_churn; --', "c")
    with contextlib.closing(psycopg2.connect(database)) as connection:
        statements = grant_statements(connection, strange, "account_churn")
    bare = re.sub(r'"(?:[^"]|"")*"|--[^\n]*', "", statements)
    assert "DROP" not in bare
    assert '"b""; DROP TABLE account_churn; --"' in statements


def test_grants_repeat_and_reach_tables_of_goinsights_own(database, roles, monkeypatch):
    execute(database, GOINSIGHT, FEEDBACK)
    give_grants(database, roles.names)
    give_grants(database, roles.names)
    monkeypatch.setenv("DATABASE_URL", roles.installer)
    assert run_cli(["db", "init"]) == 0
    publish_scores(roles.pipeline, monkeypatch)
    publish_areas(roles.pipeline, monkeypatch)
    check_published(GoInsight(roles.reader))
    for name in FOR_READERS:
        query(roles.reader, f"SELECT count(*) FROM tens_insight.{name}")


def test_grants_after_the_fact_reach_what_is_there(database, roles, monkeypatch):
    execute(database, INPUTS, FEEDBACK)
    assert run_cli(["db", "init"]) == 0
    give_grants(database, roles.names)
    publish_scores(roles.pipeline, monkeypatch)
    publish_areas(roles.pipeline, monkeypatch)
    check_published(GoInsight(roles.reader))


@pytest.mark.parametrize("after_the_fact", [False, True])
def test_the_reader_sees_the_details_and_nothing_else_of_ours(
    database, roles, monkeypatch, after_the_fact
):
    execute(database, INPUTS, FEEDBACK)
    if not after_the_fact:
        give_grants(database, roles.names)
        monkeypatch.setenv("DATABASE_URL", roles.installer)
    assert run_cli(["db", "init"]) == 0
    give_grants(database, roles.names) if after_the_fact else None
    publish_scores(roles.pipeline, monkeypatch)
    for view in ("account_risk_details", "account_risk_reasons"):
        assert query(roles.reader, f"SELECT count(*) FROM tens_insight.{view}") == [(9,)]
        for right in ("INSERT", "UPDATE", "DELETE"):
            right_on = (roles.names.reader, f"tens_insight.{view}", right)
            assert query(database, MAY_WRITE, *right_on) == [(False,)]
    ours = query(
        database,
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'tens_insight'::regnamespace "
        "AND relkind IN ('r', 'v') AND has_table_privilege(%s, oid, 'SELECT') ORDER BY 1",
        roles.names.reader,
    )
    assert ours == sorted(
        (name,) for name in ("account_risk_details", "account_risk_reasons", *FOR_READERS)
    )


def test_who_could_read_the_scores_may_read_the_details_after_db_init(database, roles, monkeypatch):
    execute(database, GOINSIGHT, FEEDBACK)
    reader = sql.Identifier(roles.names.reader)
    for right in ("SELECT ON account_risk_scores", "USAGE ON SCHEMA public"):
        execute(database, sql.SQL("GRANT " + right + " TO {}").format(reader))
    here = sql.Identifier(urlsplit(database).path.lstrip("/"))
    execute(database, sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(here, reader))
    assert run_cli(["db", "init"]) == 0
    publish_scores(database, monkeypatch)
    statement = "SELECT count(*) FROM tens_insight.account_risk_details"
    assert query(roles.reader, statement) == [(9,)]
    for name in FOR_READERS:
        query(roles.reader, f"SELECT count(*) FROM tens_insight.{name}")


def test_nobody_may_do_more(granted, roles):
    for url in (roles.pipeline, roles.reader):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query(url, "SELECT summary FROM feedback_enriched")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            execute(url, "DELETE FROM feedback_enriched")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            execute(url, "CREATE TABLE public.mine (x int)")
    for table in OUTPUTS:
        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            assert query(granted, MAY_WRITE, roles.names.reader, table, right) == [(False,)]
        assert query(granted, MAY_WRITE, roles.names.pipeline, table, "TRUNCATE") == [(False,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(roles.reader, "SELECT * FROM tens_insight.publications")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(roles.installer, "SELECT account_id FROM feedback_enriched")


@pytest.mark.parametrize(
    ("right", "on", "said"),
    [
        ("SELECT (topic)", "TABLE feedback_enriched", "SELECT on table feedback_enriched"),
        ("SELECT", "TABLE account_churn", "SELECT on table account_churn"),
        *(
            (right, f"TABLE {table}", f"{right} on table {table}")
            for table in OUTPUTS
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
        ),
        ("SELECT", "TABLE tens_insight.publications", "SELECT on table tens_insight.publications"),
        ("INSERT", "TABLE tens_insight.publications", "INSERT on table tens_insight.publications"),
        *(
            (right, f"TABLE tens_insight.{table}", f"{right} on table tens_insight.{table}")
            for table, rights in OURS.items()
            for right in rights
        ),
        ("USAGE", "SCHEMA tens_insight", "may not use schema tens_insight"),
        ("USAGE", "SCHEMA public", "may not use schema public"),
        ("TEMPORARY", "DATABASE", "GRANT TEMPORARY ON DATABASE"),
    ],
)
def test_a_missing_right_is_named(granted, roles, capsys, right, on, said):
    where = on
    if on == "DATABASE":
        (name,) = query(granted, "SELECT quote_ident(current_database())")[0]
        where = f"DATABASE {name}"
    role = sql.Identifier(roles.names.pipeline)
    execute(granted, sql.SQL(f"REVOKE {right} ON {where} FROM {{}}").format(role))
    capsys.readouterr()
    for command in (["db", "check"], ["run", "score"], ["run", "train"]):
        assert run_cli(command) == 7
        captured = capsys.readouterr()
        assert said in captured.out + captured.err
        assert "Traceback" not in captured.err
    assert query(granted, "SELECT count(*) FROM tens_insight.publications") == [(0,)]


def test_without_the_right_to_connect_the_message_says_so(granted, roles, capsys):
    (name,) = query(granted, "SELECT quote_ident(current_database())")[0]
    role = sql.Identifier(roles.names.pipeline)
    execute(granted, sql.SQL(f"REVOKE CONNECT ON DATABASE {name} FROM {{}}").format(role))
    assert run_cli(["db", "check"]) == 5
    assert "CONNECT" in capsys.readouterr().err


def test_an_installer_without_its_rights_is_told(database, roles, monkeypatch, capsys):
    execute(database, INPUTS)
    give_grants(database, roles.names)
    role = sql.Identifier(roles.names.installer)
    execute(database, sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(role))
    monkeypatch.setenv("DATABASE_URL", roles.installer)
    assert run_cli(["db", "init"]) == 7
    assert "schema public" in capsys.readouterr().err
    assert query(database, "SELECT to_regclass('public.account_risk_scores')") == [(None,)]


def test_a_database_without_feedback_is_refused(database, capsys):
    assert run_cli(["db", "grants"]) == 7
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "feedback_enriched is not on the search_path" in captured.err


@pytest.fixture
def published(granted, roles, monkeypatch, capsys):
    """Two publications with what scores are made of, their events, and monitored rows."""
    for days in (1, 0):
        publish_scores(roles.pipeline, monkeypatch, AS_OF - timedelta(days=days))
    ((number,),) = query(granted, "SELECT max(publication_id) FROM tens_insight.publications")
    record_events(number, AccountEventsConfig(), patience_s=0)
    execute(
        granted,
        "INSERT INTO tens_insight.profile_metrics (window_start, window_end, granularity, run_id, "
        "publication_id, model_version, slice_key, slice_value, column_name, metric, value) "
        "SELECT as_of, as_of, 'moment', run_id, publication_id, model_version, '', '', ':table', "
        "'rows', 1 FROM tens_insight.publications",
    )
    capsys.readouterr()
    monkeypatch.setenv("DATABASE_URL", roles.reader)


@pytest.mark.parametrize(
    "command",
    [
        ["outcomes"],
        ["outcomes", "--missed"],
        ["outcomes", "--slice", "region", "--csv"],
        ["movers"],
        ["movers", "--json"],
        ["monitor"],
        ["monitor", "--json"],
        ["monitor", "--html", "page.html"],
        ["events"],
        ["events", "--all", "--json"],
    ],
    ids=" ".join,
)
def test_the_reader_runs_what_is_for_readers(published, capsys, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_cli(command) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.strip()


def test_the_reader_is_told_what_it_may_not_read(published, capsys):
    assert run_cli(["publications", "list"]) == 7
    assert "permission denied" in capsys.readouterr().err


@pytest.fixture
def server_role(granted, postgres_server, roles, monkeypatch):
    """A role for `tens-insight serve`, after scores were published, and what it was granted."""
    publish_scores(roles.pipeline, monkeypatch)
    name = sql.Identifier(role := f"server {roles.names.reader}")
    postgres_server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    try:
        yield role
    finally:
        postgres_server.execute(
            sql.SQL("DROP OWNED BY {} CASCADE").format(name), urlsplit(granted).path.lstrip("/")
        )
        postgres_server.execute(sql.SQL("DROP ROLE {}").format(name))


def test_a_server_reads_what_it_must_and_nothing_else(
    granted, server_role, roles, capsys, monkeypatch
):
    readable = """
        SELECT relname::text, string_agg(DISTINCT right_, ',' ORDER BY right_)
        FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS right_
        WHERE relkind IN ('r', 'v')
          AND relnamespace::regnamespace::text IN ('public', 'tens_insight')
          AND has_table_privilege(%s, oid, right_)
        GROUP BY 1 ORDER BY 1"""
    expected = [(one, "SELECT") for one in ("account_risk_scores", "database_identity")]
    execute(granted, "ALTER TABLE account_churn ADD COLUMN why text")
    monkeypatch.setenv("TENS_INSIGHT_SERVE_PAGES", "false")
    capsys.readouterr()
    assert run_cli(["db", "grants", f"--server={server_role}"]) == 0
    execute(granted, capsys.readouterr().out)
    assert query(granted, readable, server_role) == expected
    columns = "SELECT has_column_privilege(%s, 'feedback_enriched', %s, 'SELECT')"
    assert query(granted, columns, server_role, "topic") == [(True,)]
    assert query(granted, columns, server_role, "summary") == [(False,)]
    of_churn = columns.replace("feedback_enriched", "account_churn")
    for column, may in (("account_id", True), ("churned_at", True), ("why", False)):
        assert query(granted, of_churn, server_role, column) == [(may,)]
    monkeypatch.setenv("DATABASE_URL", roles.installer)
    assert run_cli(["db", "init"]) == 0
    assert query(granted, readable, server_role) == expected, "a later `db init` opens nothing more"
    monkeypatch.setenv("TENS_INSIGHT_ACTIVE_WITHIN_DAYS", "auto")
    capsys.readouterr()
    assert run_cli(["db", "grants", f"--server={server_role}"]) == 0
    execute(granted, capsys.readouterr().out)
    more = [("account_risk_score_history", "SELECT"), ("publications", "SELECT")]
    assert query(granted, readable, server_role) == sorted([*expected, *more])
    monkeypatch.delenv("TENS_INSIGHT_SERVE_PAGES")
    capsys.readouterr()
    assert run_cli(["db", "grants", f"--server={server_role}"]) == 0
    execute(granted, capsys.readouterr().out)
    of_pages = [(name.rpartition(".")[2], "SELECT") for name in READ_BY_PAGES]
    assert query(granted, readable, server_role) == sorted({*expected, *more, *of_pages})
