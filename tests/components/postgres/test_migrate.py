"""Migrations: everything the contract names, once, and nothing of anybody else's."""

import threading
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

import psycopg2
import psycopg2.errors
import pytest

from components.errors import ContractBroken
from components.postgres.connection import connect
from components.postgres.migrate import migrate, packaged_migrations
from components.postgres.tables import (
    ACCOUNT_RISK_SCORES,
    OUTPUT_TABLES,
    PRODUCT_AREA_IMPACT,
    OutputTable,
    output_contracts,
)
from pipeline.cli import run_cli

IN_HISTORY = {
    "text": "text",
    "double precision": "double precision",
    "integer": "integer",
    "timestamptz": "timestamp with time zone",
    "jsonb": "jsonb",
}
IN_PUBLIC = IN_HISTORY | {"text": "character varying"}
UNRELEASED = (
    "CREATE SCHEMA tens_insight",
    "CREATE TABLE tens_insight.schema_migrations (name text PRIMARY KEY, checksum text NOT NULL, "
    "applied_at timestamptz NOT NULL DEFAULT now())",
    "INSERT INTO tens_insight.schema_migrations (name, checksum) VALUES "
    "('0001_output_tables.sql', 'a'), ('0002_publications.sql', 'b'), "
    "('0003_simulated_worlds.sql', 'c'), ('0004_publication_history.sql', 'd'), "
    "('0005_account_risk_details.sql', 'e')",
    "CREATE TABLE tens_insight.publications (publication_id bigint PRIMARY KEY)",
    "INSERT INTO tens_insight.publications VALUES (7)",
)
GOOD_SCORE = ("A", 0.25, 75.0, "medium", "v1")
GOOD_IMPACT = ("billing", "pro", 50.0, 3, -0.5, 2, 1, "v1")
INSERT_SCORE = (
    "INSERT INTO public.account_risk_scores (account_id, churn_probability, health_score, "
    "risk_category, model_version) VALUES (%s, %s, %s, %s, %s)"
)
INSERT_IMPACT = (
    "INSERT INTO public.product_area_impact (product_area, segment, priority_score, "
    "feedback_count, avg_sentiment_score, negative_count, critical_count, model_version) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)


@pytest.fixture
def connection(database: str):
    with closing(connect("tens-insight test")) as connection:
        yield connection


def _rows(connection, statement: str, *values: object) -> list[tuple]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _columns(connection, table: str) -> dict[str, tuple[str, str]]:
    rows = _rows(
        connection,
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema || '.' || table_name = %s",
        table,
    )
    return {name: (type_, nullable) for name, type_, nullable in rows}


def _described(table: OutputTable) -> dict[str, tuple[str, str]]:
    return {column.name: (IN_PUBLIC[column.type], "NO") for column in table.columns}


def _indexes(connection, table: str) -> dict[str, str]:
    statement = "SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = %s"
    rows = _rows(connection, statement, table)
    return {name: definition.partition(" USING btree ")[2] for name, definition in rows}


@pytest.mark.parametrize("table", OUTPUT_TABLES, ids=lambda table: table.name)
def test_output_tables_are_as_described(connection, table) -> None:
    migrate(connection)
    assert _columns(connection, table.qualified) == _described(table)
    assert _indexes(connection, table.name) == {
        f"{table.name}_pkey": f"({', '.join(table.key)})",
        **table.indexes,
    }
    for kept, number in ((table.history, "publication_id"), (table.refused, "refusal_id")):
        columns = _columns(connection, f"tens_insight.{kept}")
        assert columns.pop(number) == ("bigint", "NO")
        assert {name: type_ for name, (type_, _) in columns.items()} == {
            column.name: IN_HISTORY[column.type] for column in table.columns
        }
    if table.details is not None:
        columns = _columns(connection, f"tens_insight.{table.details.history}")
        assert columns.items() >= {
            (column.name, (IN_HISTORY[column.type], "YES" if column.nullable else "NO"))
            for column in table.details.columns
        }


def test_all_that_is_described_is_there(connection) -> None:
    names = [migration.name for migration in packaged_migrations()]
    assert migrate(connection) == names
    for contract in output_contracts():
        assert set(_columns(connection, contract.table)) >= set(contract.columns), contract.table
    recorded = _rows(connection, "SELECT name FROM tens_insight.schema_migrations ORDER BY name")
    assert [row[0] for row in recorded] == names


def test_doing_it_again_changes_nothing(connection) -> None:
    migrate(connection)
    before = _rows(connection, "SELECT oid, relname FROM pg_class ORDER BY oid")
    assert migrate(connection) == []
    assert _rows(connection, "SELECT oid, relname FROM pg_class ORDER BY oid") == before


def test_search_path_does_not_lead_the_outputs_astray(database: str, monkeypatch) -> None:
    joint = "&" if "?" in database else "?"
    monkeypatch.setenv("DATABASE_URL", f"{database}{joint}options=-csearch_path%3Dcrm")
    with closing(connect("tens-insight test")) as connection:
        _rows(connection, "CREATE SCHEMA crm")
        migrate(connection)
        assert _columns(connection, "public.account_risk_scores") == _described(ACCOUNT_RISK_SCORES)
        assert (
            _rows(connection, "SELECT FROM pg_class WHERE relnamespace = 'crm'::regnamespace") == []
        )


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (1, float("nan")),
        (1, float("inf")),
        (1, -1e-9),
        (1, 1 + 1e-9),
        (2, float("nan")),
        (2, 100.1),
        (2, -0.1),
        (3, "severe"),
        *((position, None) for position in range(5)),
    ],
)
def test_scores_out_of_domain_are_refused(connection, position: int, value: object) -> None:
    migrate(connection)
    row = list(GOOD_SCORE)
    _rows(connection, INSERT_SCORE, *row)
    row[0], row[position] = "B", value
    with pytest.raises(psycopg2.IntegrityError):
        _rows(connection, INSERT_SCORE, *row)


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (2, float("nan")),
        (2, 100.5),
        (3, -1),
        (4, float("nan")),
        (4, -1.01),
        (5, -1),
        (6, -1),
        *((position, None) for position in range(8)),
    ],
)
def test_impact_out_of_domain_is_refused(connection, position: int, value: object) -> None:
    migrate(connection)
    row = list(GOOD_IMPACT)
    _rows(connection, INSERT_IMPACT, *row)
    row[0], row[position] = "security", value
    with pytest.raises(psycopg2.IntegrityError):
        _rows(connection, INSERT_IMPACT, *row)


def test_tables_that_goinsight_made_stay_as_they_are(connection) -> None:
    _rows(connection, "CREATE TABLE public.account_risk_scores (account_id varchar, extra int)")
    _rows(connection, "INSERT INTO public.account_risk_scores VALUES ('A', 7)")
    migrate(connection)
    assert list(_columns(connection, "public.account_risk_scores")) == ["account_id", "extra"]
    assert _indexes(connection, "account_risk_scores") == {}
    assert _rows(connection, "SELECT * FROM public.account_risk_scores") == [("A", 7)]
    assert _columns(connection, "public.product_area_impact") == _described(PRODUCT_AREA_IMPACT)


def test_two_at_once_apply_everything_once(database: str) -> None:
    applied: list[list[str]] = []
    start = threading.Barrier(4)

    def work() -> None:
        with closing(connect("tens-insight test")) as connection:
            start.wait()
            applied.append(migrate(connection))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [migration.name for migration in packaged_migrations()]
    assert sorted(name for each in applied for name in each) == names
    assert len(applied) == 4


def test_an_edited_migration_is_refused(connection) -> None:
    first, *others = packaged_migrations()
    migrate(connection)
    edited = replace(first, statements=first.statements + "\nSELECT 1;")
    with pytest.raises(ContractBroken, match=f"{first.name}.*other contents"):
        migrate(connection, [edited, *others])


def test_a_failing_migration_leaves_nothing_behind(connection) -> None:
    first = packaged_migrations()[0]
    broken = replace(first, name="0009_broken.sql", statements="CREATE TABLE t (); SELECT 1 / 0;")
    with pytest.raises(ContractBroken, match="division by zero"):
        migrate(connection, [first, broken])
    assert _rows(connection, "SELECT to_regclass('t')") == [(None,)]
    assert _rows(connection, "SELECT name FROM tens_insight.schema_migrations") == [(first.name,)]


def test_a_role_that_may_not_create_is_told_the_right(password_url: str, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", password_url)
    with (
        closing(connect("tens-insight test")) as connection,
        pytest.raises(ContractBroken, match="GRANT CREATE ON DATABASE"),
    ):
        migrate(connection)


def test_a_role_that_may_not_create_in_public_is_told_so(
    database: str, password_url: str, monkeypatch
) -> None:
    name, role = urlsplit(database).path.lstrip("/"), urlsplit(password_url).username
    with closing(connect("tens-insight test")) as owner:
        _rows(owner, f'GRANT CREATE ON DATABASE "{name}" TO "{role}"')
        _rows(owner, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    monkeypatch.setenv("DATABASE_URL", password_url)
    with (
        closing(connect("tens-insight test")) as connection,
        pytest.raises(ContractBroken, match=f'GRANT CREATE ON SCHEMA public TO "{role}"'),
    ):
        migrate(connection)


def test_a_role_that_may_only_read_can_see_that_nothing_is_missing(
    migrated_database: str, password_url: str, monkeypatch
) -> None:
    with closing(connect("tens-insight test")) as owner:
        _rows(owner, "GRANT USAGE ON SCHEMA tens_insight TO PUBLIC")
        _rows(owner, "GRANT SELECT ON tens_insight.schema_migrations TO PUBLIC")
    monkeypatch.setenv("DATABASE_URL", password_url)
    with closing(connect("tens-insight test")) as connection:
        assert migrate(connection) == []


@pytest.mark.parametrize(
    "command", [["db", "init"], ["db", "check"], ["run", "score"], ["simulate", "--accounts", "9"]]
)
def test_a_database_from_before_the_first_release_is_left_as_it_is(
    connection, command: list[str], capsys, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    for statement in UNRELEASED:
        _rows(connection, statement)
    objects = "SELECT oid, relname, relfilenode FROM pg_class ORDER BY oid"
    before = _rows(connection, objects)
    assert run_cli(command) == 7
    captured = capsys.readouterr()
    assert "from before the first release" in captured.out + captured.err
    assert "DROP SCHEMA tens_insight CASCADE" in captured.out + captured.err
    assert _rows(connection, objects) == before
    assert _rows(connection, "SELECT publication_id FROM tens_insight.publications") == [(7,)]


def test_what_the_message_about_it_says_leads_on(connection) -> None:
    for statement in UNRELEASED:
        _rows(connection, statement)
    with pytest.raises(ContractBroken):
        migrate(connection)
    _rows(connection, "DROP SCHEMA tens_insight CASCADE")
    assert migrate(connection) == [migration.name for migration in packaged_migrations()]
