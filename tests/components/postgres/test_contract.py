"""Every way in which a database can break the contract has its own sentence."""

from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import pytest

from components.errors import ContractBroken
from components.postgres.connection import connect
from components.postgres.contract import check_contract, require_contract
from components.postgres.tables import output_contracts

FEEDBACK = """
CREATE TABLE feedback_enriched (
    id text PRIMARY KEY, created_at timestamptz NOT NULL, source text NOT NULL,
    product_area text NOT NULL, sentiment text NOT NULL, priority int NOT NULL,
    topic text NOT NULL, region text NOT NULL, customer_tier text NOT NULL,
    account_id varchar, summary text NOT NULL)"""
CHURN = {
    "churn_table": "account_churn",
    "churn_account_column": "account_id",
    "churn_date_column": "churned_at",
}


def execute(*statements: str) -> None:
    with closing(connect("tens-insight test")) as owner, owner, owner.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def problems(**changes) -> list[str]:
    with closing(connect("tens-insight test")) as connection:
        return list(check_contract(connection, **{**CHURN, **changes}).problems)


@pytest.fixture
def good_database(migrated_database: str) -> str:
    execute(FEEDBACK)
    return migrated_database


def test_a_good_database_has_no_problems(good_database: str) -> None:
    with closing(connect("tens-insight test")) as connection:
        report = require_contract(connection, **CHURN)
    assert report.problems == ()
    assert not report.churn_table_present
    assert report.database.endswith(urlsplit(good_database).path)


def test_an_empty_database_lists_all_tables_at_once(database: str) -> None:
    with (
        closing(connect("tens-insight test")) as connection,
        pytest.raises(ContractBroken) as caught,
    ):
        require_contract(connection, **CHURN, need_churn_table=True)
    for table in (
        "feedback_enriched",
        "account_churn",
        "public.account_risk_scores",
        "public.product_area_impact",
    ):
        assert f"Table {table} does not exist" in str(caught.value)
    assert "tens-insight db init" in str(caught.value)


def test_outputs_are_not_asked_for_unless_needed(database: str) -> None:
    execute(FEEDBACK)
    assert problems(need_outputs=False) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DROP COLUMN account_id", "older GoInsight"),
        ("DROP COLUMN topic", "feedback_enriched.topic does not exist"),
        ("ALTER created_at TYPE timestamp", "created_at is timestamp without time zone, expected"),
        ("ALTER priority TYPE text", "priority is text, expected bigint or integer or smallint"),
        ("ALTER account_id TYPE int USING 1", "account_id is integer, expected"),
    ],
)
def test_columns_and_types_are_named(good_database: str, change: str, said: str) -> None:
    execute(f"ALTER TABLE feedback_enriched {change}")
    (problem,) = problems()
    assert said in problem


@pytest.mark.parametrize(
    "change",
    [
        "ALTER account_id TYPE text",
        "ALTER priority TYPE smallint",
        "ALTER region TYPE varchar(20)",
        "ALTER sentiment TYPE mood USING 'good'::mood",
        "DROP COLUMN summary",
    ],
)
def test_equivalent_tables_are_accepted(good_database: str, change: str) -> None:
    execute("CREATE TYPE mood AS ENUM ('good')", f"ALTER TABLE feedback_enriched {change}")
    assert problems() == []


def test_an_output_that_goinsight_made_differently_is_reported(database: str) -> None:
    execute(
        FEEDBACK, "CREATE TABLE public.account_risk_scores (account_id text, health_score real)"
    )
    found = "\n".join(problems())
    assert "public.account_risk_scores.churn_probability does not exist" in found
    assert "health_score is real, expected double precision" in found
    assert "ADD PRIMARY KEY (account_id)" in found


def test_a_key_of_more_than_the_account_is_reported(good_database: str) -> None:
    execute(
        "ALTER TABLE public.account_risk_scores DROP CONSTRAINT account_risk_scores_pkey, "
        "ADD PRIMARY KEY (account_id, model_version)"
    )
    (problem,) = problems()
    assert "no primary key or unique index on account_id alone" in problem


AREAS = "ON public.product_area_impact"


@pytest.mark.parametrize(
    "index",
    [
        f"{AREAS} (product_area, segment)",
        f"{AREAS} (segment, product_area)",
        f"{AREAS} (product_area, segment) INCLUDE (priority_score)",
    ],
)
def test_any_unique_key_of_exactly_both_columns_identifies_an_area(
    good_database: str, index: str
) -> None:
    drop = "ALTER TABLE public.product_area_impact DROP CONSTRAINT product_area_impact_pkey"
    execute(drop, f"CREATE UNIQUE INDEX {index}")
    assert problems() == []


@pytest.mark.parametrize(
    "index",
    [
        f"UNIQUE INDEX {AREAS} (product_area)",
        f"UNIQUE INDEX {AREAS} (product_area, segment, model_version)",
        f"UNIQUE INDEX {AREAS} (product_area, segment, lower(model_version))",
        f"UNIQUE INDEX {AREAS} (product_area) INCLUDE (segment)",
        f"UNIQUE INDEX {AREAS} (product_area, segment) WHERE priority_score > 0",
        f"INDEX {AREAS} (product_area, segment)",
    ],
)
def test_no_other_key_identifies_an_area(good_database: str, index: str) -> None:
    drop = "ALTER TABLE public.product_area_impact DROP CONSTRAINT product_area_impact_pkey"
    execute(drop, f"CREATE {index}")
    (problem,) = problems()
    assert "no primary key or unique index on product_area, segment alone" in problem
    assert "ALTER TABLE public.product_area_impact ADD PRIMARY KEY (product_area, seg" in problem


def test_a_table_elsewhere_gives_a_hint_about_search_path(good_database: str) -> None:
    execute("CREATE SCHEMA crm", "ALTER TABLE feedback_enriched SET SCHEMA crm")
    (problem,) = problems()
    assert "in schema crm" in problem
    assert "options=-csearch_path%3Dcrm" in problem


def test_churn_table_in_its_own_schema(good_database: str) -> None:
    execute("CREATE SCHEMA crm", "CREATE TABLE crm.gone (account text, day date)")
    with closing(connect("tens-insight test")) as connection:
        report = check_contract(
            connection,
            churn_table="crm.gone",
            churn_account_column="account",
            churn_date_column="day",
        )
    assert report.churn_table_present
    assert len(report.problems) == 1
    assert "crm.gone.day is date, expected timestamp with time zone" in report.problems[0]


@pytest.mark.parametrize("name", ["", "a.b.c", ".x"])
def test_a_name_that_is_none_is_refused(good_database: str, name: str) -> None:
    with pytest.raises(ContractBroken, match="not the name of a table"):
        problems(churn_table=name)


def test_missing_rights_are_named_with_the_grant(
    good_database: str, password_url: str, monkeypatch
) -> None:
    role, name = urlsplit(password_url).username, urlsplit(good_database).path.lstrip("/")
    execute(f'REVOKE TEMPORARY ON DATABASE "{name}" FROM PUBLIC')
    monkeypatch.setenv("DATABASE_URL", password_url)
    found = problems()
    grants = [problem.rpartition("GRANT ")[2] for problem in found]
    expected = [
        f'SELECT ON feedback_enriched TO "{role}".',
        f'SELECT, INSERT, UPDATE, DELETE ON public.account_risk_scores TO "{role}".',
        f'SELECT, INSERT, UPDATE, DELETE ON public.product_area_impact TO "{role}".',
        f'USAGE ON SCHEMA tens_insight TO "{role}".',
        f'SELECT, INSERT, UPDATE ON tens_insight.publications TO "{role}".',
        f'SELECT, INSERT, DELETE ON tens_insight.account_risk_score_history TO "{role}".',
        f'SELECT, INSERT, DELETE ON tens_insight.account_risk_detail_history TO "{role}".',
        f'SELECT ON tens_insight.account_risk_details TO "{role}".',
        f'SELECT, INSERT, DELETE ON tens_insight.product_area_impact_history TO "{role}".',
        f'SELECT, INSERT, DELETE ON tens_insight.refusals TO "{role}".',
        f'SELECT, INSERT ON tens_insight.account_risk_scores_refused TO "{role}".',
        f'SELECT, INSERT ON tens_insight.product_area_impact_refused TO "{role}".',
        f'TEMPORARY ON DATABASE "{name}" TO "{role}".',
    ]
    assert [grant for grant in grants if grant in expected] == expected
    # One for each table, and one each for the feedback, the schema and temporary tables.
    assert len(grants) == len(list(output_contracts())) + 3
    monkeypatch.setenv("DATABASE_URL", good_database)
    execute(*(f"GRANT {grant.rstrip('.')}" for grant in grants))
    monkeypatch.setenv("DATABASE_URL", password_url)
    assert problems() == []


def test_select_may_be_granted_by_column(
    good_database: str, password_url: str, monkeypatch
) -> None:
    role = urlsplit(password_url).username
    columns = "id, created_at, source, product_area, sentiment, priority, topic, region"
    execute(f'GRANT SELECT ({columns}, customer_tier) ON feedback_enriched TO "{role}"')
    monkeypatch.setenv("DATABASE_URL", password_url)
    assert len(problems(need_outputs=False)) == 1
    monkeypatch.setenv("DATABASE_URL", good_database)
    execute(f'GRANT SELECT (account_id) ON feedback_enriched TO "{role}"')
    monkeypatch.setenv("DATABASE_URL", password_url)
    assert problems(need_outputs=False) == []


def test_a_churn_table_that_is_named_and_missing_gets_a_suggestion(good_database: str) -> None:
    execute("CREATE TABLE account_churn (account_id varchar, churned_at timestamptz)")
    (problem,) = problems(churn_table="acount_churn", need_churn_table=True)
    assert problem.startswith("Table acount_churn does not exist: correct TENS_INSIGHT_CHURN_TABLE")
    assert problem.endswith("Did you mean account_churn?")
    assert problems() == []


def test_a_churn_table_out_of_sight_is_no_missing_one(good_database: str) -> None:
    execute(
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.account_churn (account_id varchar, churned_at timestamptz)",
    )
    (problem,) = problems()
    assert "set TENS_INSIGHT_CHURN_TABLE=crm.account_churn" in problem
    assert problems(churn_table_ignored=True) == []


CHURN_TABLE = "CREATE TABLE account_churn (account_id varchar, churned_at timestamptz)"
POLICY = "CREATE POLICY few ON {0} USING (account_id < 'm')"
ENABLE = "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY"


@pytest.fixture
def reader(good_database: str, password_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A role with all rights in a good database with churn; later connections are its own."""
    role = urlsplit(password_url).username
    assert role is not None
    execute(
        CHURN_TABLE,
        f'GRANT USAGE ON SCHEMA tens_insight TO "{role}"',
        f'GRANT ALL ON ALL TABLES IN SCHEMA public, tens_insight TO "{role}"',
    )
    monkeypatch.setenv("DATABASE_URL", password_url)
    return role


def as_owner(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(url)) as owner, owner, owner.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.parametrize(
    ("statements", "table"),
    [
        ([ENABLE.format("account_churn")], "account_churn"),
        ([ENABLE.format("feedback_enriched"), POLICY.format("feedback_enriched")], "feedback_e"),
        ([ENABLE.format("public.account_risk_scores")], "public.account_risk_scores"),
        ([ENABLE.format("tens_insight.publications")], "tens_insight.publications"),
        (
            [
                "ALTER TABLE account_churn RENAME TO gone",
                ENABLE.format("gone"),
                "CREATE VIEW account_churn WITH (security_invoker) AS SELECT * FROM gone",
                "GRANT SELECT ON account_churn TO PUBLIC",
            ],
            "account_churn",
        ),
        (
            [
                "ALTER TABLE account_churn RENAME TO gone",
                f"{ENABLE.format('gone')}, FORCE ROW LEVEL SECURITY",
                "CREATE ROLE {role}_owner",
                "ALTER TABLE gone OWNER TO {role}_owner",
                "CREATE VIEW account_churn AS SELECT * FROM gone",
                "ALTER VIEW account_churn OWNER TO {role}_owner",
                "GRANT SELECT ON account_churn TO PUBLIC",
            ],
            "account_churn",
        ),
    ],
    ids=["table", "feedback", "output", "ours", "view", "view-of-its-owner"],
)
def test_policies_that_apply_to_the_role_are_named(
    reader: str, good_database: str, statements: list[str], table: str
) -> None:
    as_owner(good_database, *(one.replace("{role}", reader) for one in statements))
    try:
        (problem,) = problems()
    finally:
        if "CREATE ROLE {role}_owner" in statements:
            drop = f"DROP OWNED BY {reader}_owner CASCADE; DROP ROLE {reader}_owner"
            as_owner(good_database, drop)
    assert f"Row-level security of table {table}" in problem
    assert f'ALTER ROLE "{reader}" BYPASSRLS' in problem


def test_policies_that_are_accepted_are_said(reader: str, good_database: str) -> None:
    tables = ("account_churn", "feedback_enriched", "account_risk_scores")
    as_owner(good_database, *map(ENABLE.format, tables))
    with closing(connect("tens-insight test")) as connection:
        report = check_contract(connection, **CHURN, row_security_accepted=tables)
    assert report.problems == ()
    assert [note.partition(" on table ")[2].split(";")[0] for note in report.notes] == [
        "feedback_enriched",
        "account_churn",
        "public.account_risk_scores",
    ]


@pytest.mark.parametrize("rule", ["BYPASSRLS", "owner", "ignored"])
def test_policies_for_others_are_no_problem(reader: str, good_database: str, rule: str) -> None:
    as_owner(good_database, ENABLE.format("account_churn"))
    if rule == "BYPASSRLS":
        as_owner(good_database, f'ALTER ROLE "{reader}" BYPASSRLS')
    if rule == "owner":
        as_owner(good_database, f'ALTER TABLE account_churn OWNER TO "{reader}"')
    assert problems(churn_table_ignored=rule == "ignored") == []
