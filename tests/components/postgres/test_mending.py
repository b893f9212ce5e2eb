"""Tables and views that were dropped are made again as the migrations make them."""

from contextlib import closing

import psycopg2
import pytest

from components.postgres.mending import split_statements
from components.postgres.migrate import migrate, packaged_migrations
from pipeline.cli import run_cli

SHAPE = """
SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default IS NULL
FROM information_schema.columns WHERE table_schema = 'tens_insight'
    OR table_name IN ('account_risk_scores', 'product_area_impact')
UNION ALL
SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid), '', '', false
FROM pg_constraint WHERE connamespace IN ('tens_insight'::regnamespace, 'public'::regnamespace)
UNION ALL
SELECT schemaname, tablename, indexname, indexdef, '', false FROM pg_indexes
WHERE schemaname IN ('tens_insight', 'public')
UNION ALL
SELECT c.oid::regclass::text, obj_description(c.oid), col_description(c.oid, a.attnum), '', '',
       false
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'tens_insight'::regnamespace AND c.relkind IN ('r', 'v')
"""


def ask(url, statement):
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def names(url):
    return [
        name
        for (name,) in ask(
            url,
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v') AND relname <> "
            "'schema_migrations' AND (relnamespace = 'tens_insight'::regnamespace "
            "OR relname IN ('account_risk_scores', 'product_area_impact')) ORDER BY relkind, 1",
        )
    ]


@pytest.mark.slow
def test_each_object_that_is_dropped_is_made_again_as_it_was(migrated_database):
    whole = sorted(map(repr, ask(migrated_database, SHAPE)))
    found = names(migrated_database)
    assert len(found) > 12
    for name in found:
        ((kind,),) = ask(
            migrated_database, f"SELECT relkind FROM pg_class WHERE oid = '{name}'::regclass"
        )
        ask(migrated_database, f"DROP {'VIEW' if kind == 'v' else 'TABLE'} {name} CASCADE")
        with closing(psycopg2.connect(migrated_database)) as connection:
            made = migrate(connection)
        assert any(name.rpartition(".")[2] in one for one in made), name
        assert sorted(map(repr, ask(migrated_database, SHAPE))) == whole, name
        with closing(psycopg2.connect(migrated_database)) as connection:
            assert migrate(connection) == []


def test_what_is_left_keeps_its_rows_and_numbers_are_not_given_twice(migrated_database, capsys):
    ask(
        migrated_database,
        "INSERT INTO tens_insight.account_risk_score_history (publication_id, account_id) "
        "VALUES (41, 'A'); DROP TABLE tens_insight.publications CASCADE",
    )
    assert run_cli(["db", "init"]) == 0
    said = capsys.readouterr().out
    assert "tens_insight.publications was missing and is made again, empty" in said
    assert "tens_insight.account_risk_details was missing" in said
    ((number,),) = ask(
        migrated_database,
        "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
        "label_source, rows_written, rows_removed, category_shares, run_id, published_by) "
        "VALUES (gen_random_uuid(), 't', now(), 'm', 'l', 1, 0, '{}', 'r', 'b') "
        "RETURNING publication_id",
    )
    assert number == 42
    rows = "SELECT account_id FROM tens_insight.account_risk_score_history"
    assert ask(migrated_database, rows) == [("A",)]


@pytest.mark.parametrize("migration", packaged_migrations(), ids=lambda one: one.name)
def test_statements_are_split_without_loss(migration):
    statements = split_statements(migration.statements)
    bare = "".join(
        line.partition("--")[0] for line in migration.statements.splitlines(keepends=True)
    )
    words = " ".join(statements).split()
    assert words == bare.split()
    assert all(one.endswith(";") for one in statements)


def test_the_way_out_of_a_dropped_column_works(migrated_database, capsys):
    ask(migrated_database, "ALTER TABLE tens_insight.publications DROP COLUMN label_source")
    ask(
        migrated_database, "ALTER TABLE tens_insight.publications DROP COLUMN model_version CASCADE"
    )
    assert run_cli(["db", "check"]) == 7
    said = capsys.readouterr().out
    assert "DROP TABLE tens_insight.publications CASCADE" in said
    ask(migrated_database, "DROP TABLE tens_insight.publications CASCADE")
    assert run_cli(["db", "init"]) == 0
    capsys.readouterr()
    assert run_cli(["db", "check"]) == 7  # there is no feedback in it
    said = capsys.readouterr().out
    assert "feedback_enriched" in said
    assert "tens_insight.publications" not in said


def test_numbers_go_on_where_rows_were_restored_without_their_sequences(migrated_database, capsys):
    ask(
        migrated_database,
        "INSERT INTO tens_insight.publications (publication_id, attempt, target_table, as_of, "
        "model_version, label_source, rows_written, rows_removed, category_shares, run_id, "
        "published_by) OVERRIDING SYSTEM VALUE "
        "VALUES (7, gen_random_uuid(), 't', now(), 'm', 'l', 1, 0, '{}', 'r', 'b')",
    )
    assert run_cli(["db", "init"]) == 0
    assert "tens_insight.publications would have given out numbers again" in capsys.readouterr().out
    sequence = "pg_get_serial_sequence('tens_insight.publications', 'publication_id')"
    assert ask(migrated_database, f"SELECT nextval({sequence})") == [(8,)]
    assert run_cli(["db", "init"]) == 0
    assert "is up to date" in capsys.readouterr().out


def test_a_schema_without_its_list_of_migrations_is_named(migrated_database, capsys):
    """As pg_dump --schema-only leaves it."""
    ask(
        migrated_database,
        "TRUNCATE tens_insight.schema_migrations, tens_insight.database_identity",
    )
    assert run_cli(["db", "init"]) == 7
    said = capsys.readouterr().err
    assert "pg_dump --schema-only" in said
    ask(migrated_database, "DROP SCHEMA tens_insight CASCADE")
    assert run_cli(["db", "init"]) == 0
    capsys.readouterr()
    ask(migrated_database, "DELETE FROM tens_insight.schema_migrations WHERE name ~ '^0004'")
    assert run_cli(["db", "init"]) == 7
