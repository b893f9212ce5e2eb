"""Keys of the feedback that an output table cannot take are found before a run."""

from collections.abc import Callable
from contextlib import closing

import pytest

from components.postgres.connection import connect
from components.postgres.moments import EARLIEST, LATEST
from components.postgres.output_values import keys_to_come, refused_keys, unfitting_keys
from components.postgres.tables import ACCOUNT_RISK_SCORES, PRODUCT_AREA_IMPACT, OutputTable
from tests.contract.conftest import execute

SCORES = "public.account_risk_scores"
FEEDBACK = """
CREATE TABLE feedback_enriched (created_at timestamptz, product_area text, customer_tier text,
                                account_id text);
INSERT INTO feedback_enriched
SELECT '2026-01-01', 'billing', 'pro', account
FROM unnest(ARRAY['ACC-1', 'ACC-1', 'ACC-2', 'ACC-123', 'ACC-1234', 'ACC-1234', 'AC-3  ', '',
                  NULL]) AS account;
"""

Find = Callable[..., list[str]]


@pytest.fixture
def find(migrated_database: str) -> Find:
    """Alters the table and returns what is found."""
    execute(migrated_database, FEEDBACK)

    def found(statement: str, table: OutputTable = ACCOUNT_RISK_SCORES) -> list[str]:
        execute(migrated_database, statement)
        rows = keys_to_come(table, EARLIEST, LATEST)
        with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
            return [
                problem
                for look in (unfitting_keys, refused_keys)
                for problem in look(cursor, table, rows)
            ]

    return found


@pytest.mark.parametrize(
    ("kind", "values", "longest"),
    [
        ("varchar(5)", 3, 8),
        ("varchar(7)", 1, 8),
        ("char(5)", 3, 8),  # takes 'AC-3', but not as it is
        ("char(8)", 1, 6),
    ],
)
def test_ids_that_do_not_fit_are_counted(find: Find, kind: str, values: int, longest: int) -> None:
    (problem,) = find(f"ALTER TABLE {SCORES} ALTER account_id TYPE {kind}")
    assert f"account_id is character{' varying' if kind[0] == 'v' else ''}(" in problem
    assert f"{values} values of feedback_enriched.account_id" in problem
    assert f"the longest has {longest} characters" in problem
    assert f"ALTER TABLE {SCORES} ALTER account_id TYPE varchar" in problem


@pytest.mark.parametrize("kind", ["varchar(8)", "varchar", "text"])
def test_ids_that_fit_are_no_problem(find: Find, kind: str) -> None:
    assert find(f"ALTER TABLE {SCORES} ALTER account_id TYPE {kind}") == []


def test_a_domain_is_what_it_stands_for(find: Find) -> None:
    statement = "CREATE DOMAIN {0} AS {1}; ALTER TABLE {2} ALTER account_id TYPE {0}"
    (problem,) = find(statement.format("short", "varchar(5) CHECK (VALUE <> '')", SCORES))
    assert "character varying(5)" in problem
    (problem,) = find(statement.format("named", "text CHECK (VALUE ~ '^ACC-[0-9]{1,3}$')", SCORES))
    assert "CHECK constraint named_check" in problem
    assert "refuses 2 keys" in problem


def test_a_check_of_the_key_is_asked_of_all_ids(find: Find) -> None:
    (problem,) = find(f"ALTER TABLE {SCORES} ADD CONSTRAINT digits CHECK (account_id LIKE 'ACC%')")
    assert "CHECK constraint digits of public.account_risk_scores refuses 1 keys" in problem


def test_a_foreign_key_is_asked_of_all_ids(find: Find) -> None:
    (problem,) = find(
        "CREATE TABLE crm (id varchar PRIMARY KEY); INSERT INTO crm VALUES ('ACC-1'), ('ACC-2');"
        f"ALTER TABLE {SCORES} ADD CONSTRAINT known FOREIGN KEY (account_id) REFERENCES crm"
    )
    assert "Foreign key known of public.account_risk_scores refuses 3 keys" in problem


def test_areas_and_segments_are_asked_too(find: Find) -> None:
    areas = "public.product_area_impact"
    (problem,) = find(
        f"ALTER TABLE {areas} ALTER product_area TYPE varchar(6), ALTER segment TYPE varchar(3)",
        PRODUCT_AREA_IMPACT,
    )
    assert "product_area is character varying(6), which does not take 1 values" in problem


def test_a_column_that_takes_all_of_its_source_is_not_looked_at(find: Find) -> None:
    alter = "ALTER TABLE {} ALTER account_id TYPE varchar({})"
    execute_both = f"{alter.format('feedback_enriched', 8)}; {alter.format(SCORES, 8)}"
    assert find(execute_both) == []
    assert find(f"DROP TABLE feedback_enriched; {FEEDBACK}; {alter.format(SCORES, 5)}")
    assert find(alter.format("feedback_enriched", 9))  # 8 characters are there, and 5 fit
