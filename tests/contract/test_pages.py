"""What the pages tell the owner of a database to run does what they say."""

import re
from pathlib import Path

from pipeline.cli import run_cli
from tests.contract.conftest import execute, publish_scores, query
from tests.contract.test_tables import FEEDBACK, GOINSIGHT

DOCS = Path(__file__).parents[2] / "docs"

TICKETS = """
CREATE SCHEMA support;
CREATE TABLE support.customers (
    id uuid PRIMARY KEY, region text, plan text, cancelled_at timestamp
);
CREATE TABLE support.tickets (
    id bigint PRIMARY KEY, opened_at timestamp NOT NULL, channel text, component text,
    satisfaction int, severity text, label text, customer_id uuid REFERENCES support.customers
);
INSERT INTO support.customers
SELECT md5(n::text)::uuid, CASE WHEN n % 3 > 0 THEN 'EU' END, 'pro',
    CASE WHEN n % 20 = 0 THEN timestamp '2026-05-20' END
FROM generate_series(1, 60) AS n;
INSERT INTO support.tickets
SELECT n, timestamp '2026-01-01' + n * interval '6 hours', 'email', 'billing', 1 + n % 5,
    (ARRAY['low', 'normal', 'high', 'urgent', 'odd'])[1 + n % 5], NULL,
    CASE WHEN n % 10 > 0 THEN md5((1 + n % 60)::text)::uuid END
FROM generate_series(1, 500) AS n;
"""
SCRIPTS = """
CREATE TABLE account_risk_scores (
    account_id varchar PRIMARY KEY, churn_probability float NOT NULL, health_score float NOT NULL,
    risk_category varchar NOT NULL, predicted_at timestamp NOT NULL, model_version varchar NOT NULL
);
CREATE TABLE product_area_impact (
    product_area varchar NOT NULL, segment varchar NOT NULL, priority_score float NOT NULL,
    feedback_count integer NOT NULL, avg_sentiment_score float NOT NULL,
    negative_count integer NOT NULL, critical_count integer NOT NULL,
    predicted_at timestamp NOT NULL, model_version varchar NOT NULL,
    PRIMARY KEY (product_area, segment)
);
INSERT INTO account_risk_scores VALUES
    ('free', .61, 39, 'high', '2026-05-01 02:00', 'v1'),
    ('pro', .42, 58, 'medium', '2026-05-01 02:00', 'v1');
CREATE TABLE model_versions (id serial PRIMARY KEY);
CREATE TABLE training_runs (model_version_id integer REFERENCES model_versions);
"""
ROWS = "SELECT * FROM account_risk_scores ORDER BY 1"


def statements(page):
    """The SQL that a page shows."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^ *```sql\n(.*?)```", text, re.DOTALL | re.MULTILINE)


def test_the_views_of_the_quickstart_keep_the_contract(database, capsys):
    execute(database, TICKETS)
    execute(database, *statements("quickstart-your-database.md"))
    assert run_cli(["db", "init"]) == 0
    capsys.readouterr()
    assert run_cli(["db", "check"]) == 4  # its data are too few to train on
    said = capsys.readouterr()
    assert "expected" not in said.out + said.err
    assert "does not exist" not in said.out + said.err
    rows = query(database, "SELECT priority, sentiment, region FROM feedback_enriched")
    assert {row[0] for row in rows} == {1, 2, 3, 4, 5}
    assert {row[1] for row in rows} == {"positive", "neutral", "negative"}
    assert {row[2] for row in rows} == {"EU", "unknown"}
    matched = "SELECT count(*) FROM account_churn JOIN feedback_enriched USING (account_id)"
    assert query(database, matched)[0][0] > 0


def test_ids_that_are_no_text_are_refused_with_the_way_out(database, capsys):
    execute(database, TICKETS)
    view = statements("quickstart-your-database.md")[0]
    execute(database, view.replace("t.customer_id::text ", "t.customer_id "))
    assert run_cli(["db", "init"]) == 0
    assert run_cli(["db", "check"]) == 7
    said = capsys.readouterr().out
    assert "feedback_enriched.account_id is uuid" in said
    assert "::text" in said


def test_the_scripts_rows_go_and_come_back(database, monkeypatch, capsys):
    execute(database, GOINSIGHT.split(";")[0], FEEDBACK, SCRIPTS)
    assert run_cli(["db", "init"]) == 0
    assert run_cli(["db", "check"]) == 7
    assert "USING predicted_at AT TIME ZONE 'UTC'" in capsys.readouterr().out
    alter, drop = statements("from-the-scripts.md")
    execute(database, alter)
    before = query(database, ROWS)
    publish_scores(database, monkeypatch)
    published = {row[0] for row in query(database, ROWS)}
    assert published.isdisjoint({"free", "pro"})
    assert len(published) > 2
    assert run_cli(["publications", "undo", "--reason", "a test"]) == 0
    assert query(database, ROWS) == before
    execute(database, drop)
    tables = query(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    left = {"feedback_enriched", "account_risk_scores", "product_area_impact"}
    assert {name for (name,) in tables} == left


def test_the_statements_for_goinsight_run(migrated_database):
    execute(migrated_database, "CREATE ROLE goinsight")
    try:
        for statement in statements("goinsight.md"):
            execute(migrated_database, statement.replace("CONCURRENTLY ", ""))
        owners = query(
            migrated_database,
            "SELECT tableowner FROM pg_tables WHERE tablename = 'account_risk_scores'",
        )
        assert ("goinsight",) in owners
    finally:
        execute(migrated_database, "DROP OWNED BY goinsight CASCADE", "DROP ROLE goinsight")
