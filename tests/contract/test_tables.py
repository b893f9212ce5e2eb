"""Whoever makes the tables first, GoInsight or we: both can live with them."""

import re
from pathlib import Path

import psycopg2
import pytest

from pipeline.cli import run_cli
from tests.contract.conftest import execute, publish_areas, publish_scores, query
from tests.contract.goinsight import GoInsight, check_published

GOINSIGHT = (Path(__file__).parent / "goinsight.sql").read_text(encoding="utf-8")
OUTPUTS = ("account_risk_scores", "product_area_impact")
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"""
CONSTRAINTS = """
SELECT contype::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype IN ('c', 'p') ORDER BY 1, 2"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = %s ORDER BY 1"
FEEDBACK = (
    "INSERT INTO feedback_enriched "
    "SELECT n::text, '2026-05-01'::timestamptz + n * interval '1 hour',"
    " 'email', 'billing', 'negative', 1 + n % 5, 't', 'EU', 'pro', 'A' || n % 9, 's' "
    "FROM generate_series(1, 90) AS n"
)


def catalog(url):
    """Everything that the catalogs say of the two tables."""
    queries = (COLUMNS, CONSTRAINTS, INDEXES)
    return {table: [query(url, text, table) for text in queries] for table in OUTPUTS}


def rules(url):
    """Columns without lengths, and constraints and indexes without names."""
    found = {}
    for table in OUTPUTS:
        columns, constraints, indexes = (
            query(url, text, table) for text in (COLUMNS, CONSTRAINTS, INDEXES)
        )
        bare = [(name, re.sub(r"\(\d+\)", "", kind), *rest) for name, kind, *rest in columns]
        covered = sorted(re.sub(r"INDEX \w+ ON", "INDEX ON", text) for (text,) in indexes)
        found[table] = bare, constraints, covered
    return found


def make_goinsights(url):
    execute(url, GOINSIGHT)


def publish_both(url, monkeypatch):
    execute(url, FEEDBACK)
    publish_scores(url, monkeypatch)
    publish_areas(url, monkeypatch)
    check_published(GoInsight(url))


def test_tables_that_goinsight_made_stay_as_they_are(database, monkeypatch):
    make_goinsights(database)
    before = catalog(database)
    assert run_cli(["db", "init"]) == 0
    assert catalog(database) == before
    publish_both(database, monkeypatch)
    assert catalog(database) == before


def test_goinsight_finds_our_tables_as_it_would_have_made_them(
    postgres_server, database, monkeypatch
):
    assert run_cli(["db", "init"]) == 0
    ours = catalog(database)
    make_goinsights(database)
    assert catalog(database) == ours  # its indexes have our names, so none is made twice
    other = postgres_server.create_database()
    try:
        make_goinsights(postgres_server.url(other))
        execute(database, "DROP INDEX idx_account_id_lower")  # an index of ours, for its joins
        assert rules(database) == rules(postgres_server.url(other))
    finally:
        postgres_server.drop_database(other)
    publish_both(database, monkeypatch)


def test_a_database_without_account_id_is_told_to_upgrade(database, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    make_goinsights(database)
    execute(database, "ALTER TABLE feedback_enriched DROP account_id")
    assert run_cli(["db", "init"]) == 0
    for command in (["db", "check"], ["run", "train"], ["run", "score"]):
        assert run_cli(command) == 7
        captured = capsys.readouterr()
        said = captured.out + captured.err
        assert "feedback_enriched.account_id does not exist" in said
        assert "older GoInsight" in said
        assert "Traceback" not in said


def test_tables_of_another_owner_are_published_to(database, roles, monkeypatch):
    make_goinsights(database)
    owner = f'"{roles.names.reader}"'
    for table in (*OUTPUTS, "feedback_enriched"):
        execute(database, f"ALTER TABLE {table} OWNER TO {owner}")
    before = catalog(database)
    assert run_cli(["db", "init"]) == 0
    publish_both(database, monkeypatch)
    assert catalog(database) == before


@pytest.fixture
def elsewhere(database):
    """The feedback lies in a schema of its own, which the URL's search_path names."""
    execute(database, "CREATE SCHEMA etl", f"SET search_path = etl;{GOINSIGHT}")
    execute(database, "DROP TABLE etl.account_risk_scores, etl.product_area_impact")
    return database


def test_a_search_path_in_the_url_finds_the_feedback(elsewhere, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"{elsewhere}&options=-csearch_path%3Detl,public")
    assert run_cli(["db", "init"]) == 0
    assert run_cli(["db", "check"]) == 4  # no rows yet, which is all that is wrong
    url = f"{elsewhere}&options=-csearch_path%3Detl,public"
    publish_both(url, monkeypatch)
    # The consumer looks in public, whatever the search_path of whoever published was.
    assert len(query(elsewhere, "SELECT * FROM public.account_risk_scores")) == 9
    assert query(elsewhere, "SELECT to_regclass('etl.account_risk_scores')") == [(None,)]


def test_without_it_the_schema_is_named(elsewhere, capsys):
    assert run_cli(["db", "init"]) == 0
    assert run_cli(["db", "check"]) == 7
    assert "options=-csearch_path%3Detl" in capsys.readouterr().out


def test_outputs_that_a_search_path_hides_are_still_the_public_ones(database, monkeypatch):
    make_goinsights(database)
    execute(database, "CREATE SCHEMA shade", "CREATE TABLE shade.account_risk_scores (x int)")
    url = f"{database}&options=-csearch_path%3Dshade,public"
    monkeypatch.setenv("DATABASE_URL", url)
    assert run_cli(["db", "init"]) == 0
    execute(database, FEEDBACK)
    publish_scores(url, monkeypatch)
    publish_areas(url, monkeypatch)
    check_published(GoInsight(database))
    with pytest.raises(psycopg2.Error):
        GoInsight(url).accounts()
