"""Whatever an owner did to an output table: db check sees it, and nothing wrong is published."""

import re
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import psycopg2.errors
import pytest
from psycopg2 import sql

from components.errors import ContractBroken, PublicationRefused, TensInsightError
from components.postgres.connection import connect
from components.postgres.contract import check_contract
from components.postgres.failures import explained
from components.postgres.moments import EARLIEST, LATEST
from components.postgres.output_problems import one_key_for_two
from components.postgres.output_values import keys_to_come
from components.postgres.tables import (
    ACCOUNT_RISK_SCORES,
    OUTPUT_TABLES,
    PRODUCT_AREA_IMPACT,
    OutputTable,
)
from components.publishing.publication import Publication, Published
from components.publishing.publish import publish
from components.publishing.undo import undo
from tests.components.publishing.policies import publish_policy
from tests.contract.conftest import execute, query

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
SCORES, AREAS = "public.account_risk_scores", "public.product_area_impact"
FEEDBACK = (
    "CREATE TABLE feedback_enriched (id text, created_at timestamptz, source text, "
    "product_area text, sentiment text, priority int, topic text, region text, "
    "customer_tier text, account_id text)"
)


def scores(day: int, ids: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for number, name in enumerate(ids):
        risk = 0.01 * day + 0.001 * number
        yield (name, risk, 100 * (1 - risk), "low", AS_OF + timedelta(days=day), f"model-{day}")


def areas(day: int, ids: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    for name in ids:
        yield (name, "pro", 10.0 * day, 9, 0.5, 1, 1, AS_OF + timedelta(days=day), f"model-{day}")


ROWS = {"account_risk_scores": scores, "product_area_impact": areas}
NAMES = ("A", "B", "C", "D")


def put(
    day: int,
    table: OutputTable = ACCOUNT_RISK_SCORES,
    ids: tuple[str, ...] = NAMES,
    **policy: Any,
) -> Published:
    return publish(
        table,
        lambda: ROWS[table.name](day, ids),
        publication=Publication(
            as_of=AS_OF + timedelta(days=day),
            model_version=f"model-{day}",
            label_source="inactivity",
            run_id=f"run-{day}",
            expected_rows=len(ids),
        ),
        policy=publish_policy(max_count_change=9, **policy),
    )


def seen() -> list[str]:
    """What db check says, problems first."""
    with closing(connect("tens-insight test")) as connection:
        report = check_contract(
            connection,
            churn_table="account_churn",
            churn_account_column="account_id",
            churn_date_column="churned_at",
        )
        with connection.cursor() as cursor:
            problems = [*report.problems]
            for table in OUTPUT_TABLES:
                problems += one_key_for_two(cursor, table, keys_to_come(table, EARLIEST, LATEST))
    return [*(f"problem: {one}" for one in problems), *report.notes]


def rows_of(url: str, name: str) -> list[tuple[Any, ...]]:
    return query(url, f"SELECT t::text FROM {name} AS t ORDER BY 1")


def trigger(name: str, body: str, when: str = "BEFORE INSERT OR UPDATE", of: str = SCORES) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {body} END $$; "
        f"CREATE TRIGGER {name} {when} ON {of} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


DROPS = "IF NEW.account_id IN ('B', 'C') THEN RETURN NULL; END IF; RETURN NEW;"
CHANGES = "NEW.churn_probability := 0.5; RETURN NEW;"
LATE = (
    "UPDATE public.account_risk_scores SET health_score = 1 WHERE account_id = 'D' "
    "AND health_score <> 1; RETURN NULL;"
)

REFUSED = {
    "a trigger drops rows": (
        trigger("drops", DROPS),
        "2 rows differ in .*predicted_at.*first: 'B'.*drops by drops",
    ),
    "a trigger drops new rows": (
        trigger("drops", "RETURN NULL;", "BEFORE INSERT") + "; DELETE FROM " + SCORES,
        "4 rows are not there.*first: 'A'",
    ),
    "a trigger changes rows": (
        trigger("changes", CHANGES),
        "4 rows differ in churn_probability .*changes by changes",
    ),
    "a trigger keeps departed rows": (
        trigger("keeps", "RETURN NULL;", "BEFORE DELETE"),
        "1 rows are there that were to be removed .first: 'E'.",
    ),
    "a trigger changes a row after all": (
        trigger("late", LATE, "AFTER UPDATE"),
        "1 rows differ in health_score .first: 'D'",
    ),
    "a trigger changes a row at the commit": (
        trigger("late", LATE, "AFTER UPDATE").replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER")
        .replace("FOR EACH", "DEFERRABLE INITIALLY DEFERRED FOR EACH"),
        "1 rows differ in health_score .first: 'D'",
    ),
    "a trigger raises": (
        trigger("raises", "RAISE EXCEPTION 'not today';"),
        "A trigger of public.account_risk_scores ended the publication: not today .*raises",
    ),
    "a trigger raises at the commit": (
        trigger("raises", "RAISE EXCEPTION 'not today';", "AFTER UPDATE")
        .replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER")
        .replace("FOR EACH", "DEFERRABLE INITIALLY DEFERRED FOR EACH"),
        "A trigger of .* ended the publication: not today",
    ),
    "a trigger fails": (
        trigger("fails", "INSERT INTO audit VALUES (NEW.account_id); RETURN NEW;"),
        "A trigger of .* ended the publication: relation \"audit\" does not exist .*fails",
    ),
    "a unique index of an expression": (
        f"DELETE FROM {SCORES}; CREATE UNIQUE INDEX one ON {SCORES} (left(account_id, 0))",
        "itself refused the rows: duplicate key value",
    ),
    "a check of the key and a value": (
        f"ALTER TABLE {SCORES} ADD CHECK (account_id <> 'B' OR health_score > 98)",
        "itself refused the rows",
    ),
    "a column of another limit": (
        f"ALTER TABLE {SCORES} ALTER account_id TYPE varchar(1); "
        f"ALTER TABLE {SCORES} ADD CHECK (account_id <> 'B') NOT VALID",
        "itself refused the rows",
    ),
    "a foreign key from elsewhere": (
        f"CREATE TABLE others (id varchar REFERENCES {SCORES} DEFERRABLE INITIALLY DEFERRED); "
        "INSERT INTO others VALUES ('E')",
        "itself refused the rows: .*violates foreign key",
    ),
}  # fmt: skip

BROKEN = {
    "a generated column": (
        f"ALTER TABLE {SCORES} DROP health_score; ALTER TABLE {SCORES} ADD health_score "
        "double precision GENERATED ALWAYS AS (100 * (1 - churn_probability)) STORED",
        "health_score is computed by Postgres",
    ),
    "a column that must be filled": (
        f"ALTER TABLE {SCORES} ADD tenant text NOT NULL DEFAULT ''; "
        f"ALTER TABLE {SCORES} ALTER tenant DROP DEFAULT",
        "tenant is NOT NULL without a default",
    ),
    "a deferrable key": (
        f"ALTER TABLE {SCORES} DROP CONSTRAINT account_risk_scores_pkey; "
        f"ALTER TABLE {SCORES} ADD PRIMARY KEY (account_id) DEFERRABLE",
        "(?i)deferrable",
    ),
    "no key": (
        f"ALTER TABLE {SCORES} DROP CONSTRAINT account_risk_scores_pkey",
        "no primary key or unique index|cannot be replaced",
    ),
    "a rule for insert": (
        f"CREATE RULE nothing AS ON INSERT TO {SCORES} DO INSTEAD NOTHING",
        "Rules rewrite .*nothing",
    ),
    "a rule for delete": (
        f"CREATE RULE stays AS ON DELETE TO {SCORES} DO INSTEAD NOTHING",
        "Rules rewrite .*stays",
    ),
    "no place in the log": (f"ALTER TABLE {SCORES} SET UNLOGGED", "UNLOGGED"),
    "children": (
        f"CREATE TABLE more () INHERITS ({SCORES}); "
        "INSERT INTO more SELECT * FROM public.account_risk_scores LIMIT 1",
        "inheritance children .more",
    ),
    "replication without identity": (
        f"ALTER TABLE {SCORES} REPLICA IDENTITY NOTHING; "
        f"CREATE PUBLICATION all_scores FOR TABLE {SCORES}",
        "logical replication .all_scores. without a replica identity",
    ),
    "replication of columns without the key": (
        f"CREATE PUBLICATION parts FOR TABLE {SCORES} (churn_probability)",
        "logical replication .parts. with a list of columns that leaves out",
    ),
    "replication of rows by another column": (
        f"CREATE PUBLICATION parts FOR TABLE {SCORES} WHERE (churn_probability > 0.5)",
        "logical replication .parts. with .* a filter of rows by another column",
    ),
    "an enum for a key": (
        "CREATE TYPE tier AS ENUM ('A', 'B', 'C', 'D', 'E'); "
        f"DROP INDEX idx_account_id_lower; ALTER TABLE {SCORES} ALTER account_id TYPE tier "
        "USING account_id::text::tier",
        "account_id is an enum",
    ),
    "another unique constraint": (
        f"DELETE FROM {SCORES}; ALTER TABLE {SCORES} ADD CONSTRAINT one UNIQUE (model_version)",
        "Unique index one .*same in all rows",
    ),
    "a check of the probability": (
        f"ALTER TABLE {SCORES} ADD CHECK (churn_probability < 0.5)",
        "CHECK constraint account_risk_scores_churn_probability_check1 .*refuses values",
    ),
    "a check of the category": (
        f"ALTER TABLE {SCORES} ADD CHECK (risk_category IN ('low', 'medium', 'high'))",
        "CHECK constraint .*refuses values.*risk_category",
    ),
    "a check of a domain": (
        "CREATE DOMAIN health AS float8 CHECK (VALUE > 96); "
        f"ALTER TABLE {SCORES} ALTER health_score TYPE health",
        "CHECK constraint health_check .*refuses values.*health_score",
    ),
    "a version that is cut": (
        f"ALTER TABLE {SCORES} ALTER model_version TYPE varchar(7)",
        r"model_version is character varying\(7\).*does not keep '20260601-0f1e2d3c'",
    ),
    "a domain of short versions": (
        "CREATE DOMAIN inner_version AS varchar(7); CREATE DOMAIN version AS inner_version; "
        f"ALTER TABLE {SCORES} ALTER model_version TYPE version",
        r"model_version is character varying\(7\).*does not keep '20260601-0f1e2d3c'",
    ),
    "categories that are too long": (
        f"ALTER TABLE {SCORES} ALTER risk_category TYPE varchar(6)",
        r"risk_category is character varying\(6\).*does not keep 'critical'",
    ),
    "an enum without a category": (
        f"ALTER TABLE {SCORES} DROP CONSTRAINT account_risk_scores_risk_category_check; "
        f"CREATE TYPE risk AS ENUM ('low', 'high', 'critical'); ALTER TABLE {SCORES} "
        "ALTER risk_category TYPE risk USING risk_category::text::risk",
        "risk_category is risk.*refuses it: .*medium",
    ),
    "a domain that is not null": (
        f"CREATE DOMAIN owner AS text; ALTER TABLE {SCORES} ADD tenant owner; DELETE FROM {SCORES};"
        "ALTER DOMAIN owner SET NOT NULL",
        "tenant is NOT NULL without a default",
    ),
    "partitions of other columns": (
        f"DROP TABLE {SCORES} CASCADE; CREATE TABLE {SCORES} (account_id varchar, "
        "churn_probability float8, health_score float8, risk_category varchar, "
        "predicted_at timestamptz, model_version varchar, PRIMARY KEY (account_id, risk_category)) "
        f"PARTITION BY LIST (risk_category); CREATE TABLE low PARTITION OF {SCORES} DEFAULT",
        "partitioned and has no primary key|cannot be replaced",
    ),
    "a view": (
        f"ALTER TABLE {SCORES} RENAME TO scores; CREATE VIEW {SCORES} AS "
        "SELECT *, 1 AS one FROM public.scores",
        "is a view",
    ),
    "a materialized view": (
        f"ALTER TABLE {SCORES} RENAME TO scores; CREATE MATERIALIZED VIEW {SCORES} AS "
        "SELECT * FROM public.scores",
        "is a materialized view",
    ),
    "a foreign table": (
        f"ALTER TABLE {SCORES} RENAME TO scores; CREATE FOREIGN DATA WRAPPER nowhere; "
        "CREATE SERVER there FOREIGN DATA WRAPPER nowhere; "
        f"CREATE FOREIGN TABLE {SCORES} (account_id varchar, churn_probability float8, "
        "health_score float8, risk_category varchar, predicted_at timestamptz, "
        "model_version varchar) SERVER there",
        "is a foreign table",
    ),
}


@pytest.fixture
def prepared(migrated_database: str) -> str:
    """A database with one publication of four accounts, and one row of a fifth."""
    execute(migrated_database, FEEDBACK)
    put(1, ids=(*NAMES, "E"))
    return migrated_database


@pytest.mark.parametrize("what", REFUSED)
def test_what_differs_from_what_was_staged_is_not_published(prepared: str, what: str) -> None:
    statement, said = REFUSED[what]
    execute(prepared, statement)
    before, log = rows_of(prepared, SCORES), rows_of(prepared, "tens_insight.publications")
    with pytest.raises(PublicationRefused, match=said) as refused:
        put(2)
    assert "othing was published" in str(refused.value)
    assert rows_of(prepared, SCORES) == before
    assert rows_of(prepared, "tens_insight.publications") == log
    if "trigger" in what or "constraint" in what or "key" in what or "unique" in what:
        assert any(f"{SCORES} " in note for note in seen())


@pytest.mark.parametrize("what", BROKEN)
def test_a_table_that_cannot_be_written_to_breaks_the_contract(prepared: str, what: str) -> None:
    statement, said = BROKEN[what]
    execute(prepared, statement)
    log = rows_of(prepared, "tens_insight.publications")
    problems = [one for one in seen() if one.startswith("problem: ")]
    assert any(re.search(said, one) for one in problems), problems
    with pytest.raises(ContractBroken, match=said):
        put(2)
    assert rows_of(prepared, "tens_insight.publications") == log


def test_rows_that_a_trigger_calls_unchanged_count_as_written(prepared: str) -> None:
    execute(
        prepared,
        f"CREATE TRIGGER same BEFORE UPDATE ON {SCORES} FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    )
    assert put(1, ids=(*NAMES, "E")).written == 5
    logged = query(prepared, "SELECT rows_written FROM tens_insight.publications ORDER BY 1")
    assert logged == [(5,), (5,)]
    with pytest.raises(PublicationRefused, match="4 rows after 5, a change of 20"):
        publish_policy_of_a_tenth(2)


def publish_policy_of_a_tenth(day: int) -> None:
    publication = Publication(AS_OF + timedelta(days=day), f"model-{day}", "inactivity", "r", 4)
    publish(
        ACCOUNT_RISK_SCORES,
        lambda: scores(day, NAMES),
        publication=publication,
        policy=publish_policy(max_count_change=0.1),
    )


def test_a_trigger_that_changes_nothing_is_noted_and_publishes(prepared: str) -> None:
    execute(prepared, trigger("looks", "RETURN NEW;"))
    assert put(2).written == 4
    assert any("looks by looks" in note for note in seen())


def test_rows_that_stay_must_stay_as_they_are(prepared: str) -> None:
    other = "UPDATE public.account_risk_scores SET health_score = 2 WHERE account_id = 'E' AND "
    execute(
        prepared, trigger("touches", f"{other} health_score <> 2; RETURN NULL;", "AFTER UPDATE")
    )
    with pytest.raises(PublicationRefused, match="rows that were to stay have changed"):
        put(2, remove_departed=False)
    execute(prepared, f"DROP TRIGGER touches ON {SCORES}")
    assert put(2, remove_departed=False).removed == 0
    assert query(prepared, f"SELECT count(*) FROM {SCORES}") == [(5,)]


def test_an_undo_that_a_trigger_spoils_does_nothing(prepared: str) -> None:
    put(2)
    execute(prepared, trigger("changes", CHANGES))
    before = rows_of(prepared, SCORES)
    with pytest.raises(PublicationRefused, match="differ in churn_probability.*Nothing was undone"):
        undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    assert rows_of(prepared, SCORES) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("account_risk_score_history", "took 3 of 4 rows"),
        ("publications", "took 0 of 1 rows"),
    ],
)
def test_our_own_tables_must_take_all_rows_too(prepared: str, name: str, said: str) -> None:
    key = "account_id = 'B'" if "history" in name else "model_version = 'model-2'"
    body = f"IF NEW.{key} THEN RETURN NULL; END IF; RETURN NEW;"
    execute(prepared, trigger("drops", body, of=f"tens_insight.{name}"))
    before = rows_of(prepared, SCORES)
    with pytest.raises(PublicationRefused, match=f"tens_insight.{name} {said}"):
        put(2)
    execute(prepared, f"DROP TRIGGER drops ON tens_insight.{name}")
    execute(prepared, trigger("no", "RAISE EXCEPTION 'no';", of=f"tens_insight.{name}"))
    with pytest.raises(PublicationRefused, match=f"A trigger of tens_insight.{name} ended"):
        put(2)
    assert rows_of(prepared, SCORES) == before


@pytest.mark.parametrize("when", ["BEFORE INSERT", "AFTER INSERT"])
def test_a_history_that_differs_from_the_rows_is_not_published(prepared: str, when: str) -> None:
    later = "DELETE FROM tens_insight.account_risk_score_history; RETURN NULL;"
    body = CHANGES if when.startswith("BEFORE") else later
    execute(prepared, trigger("spoils", body, when, "tens_insight.account_risk_score_history"))
    before = rows_of(prepared, SCORES)
    with pytest.raises(PublicationRefused, match=r"history does not hold .* 4 rows differ"):
        put(2)
    assert rows_of(prepared, SCORES) == before


def test_an_undo_that_the_log_does_not_take_does_nothing(prepared: str) -> None:
    put(2)
    execute(prepared, trigger("no", "RETURN NULL;", "BEFORE UPDATE", "tens_insight.publications"))
    before = rows_of(prepared, SCORES)
    with pytest.raises(PublicationRefused, match="did not take the mark.*Nothing was undone"):
        undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    assert rows_of(prepared, SCORES) == before


def test_an_event_trigger_that_forbids_temporary_tables_is_named(prepared: str) -> None:
    raises = "BEGIN RAISE EXCEPTION 'no tables today'; END"
    execute(
        prepared,
        f"CREATE FUNCTION forbids() RETURNS event_trigger LANGUAGE plpgsql AS $$ {raises} $$; "
        "CREATE EVENT TRIGGER forbids ON ddl_command_start EXECUTE FUNCTION forbids()",
    )
    with pytest.raises(ContractBroken, match="no tables today .*raised that"):
        put(2)


def test_settings_of_the_role_change_nothing_that_is_found(
    prepared: str, postgres_server: Any
) -> None:
    """Names of types are the same, and triggers count that fire in this role's sessions."""
    execute(prepared, trigger("drops", DROPS), f"ALTER TABLE {SCORES} ENABLE REPLICA TRIGGER drops")
    assert not any("drops" in one for one in seen())
    postgres_server.execute(
        sql.SQL("ALTER DATABASE {} SET quote_all_identifiers = on").format(here := _name(prepared))
    )
    postgres_server.execute(
        sql.SQL("ALTER DATABASE {} SET session_replication_role = 'replica'").format(here)
    )
    said = seen()
    assert not any(one.startswith("problem: ") for one in said), said
    assert any("drops by drops" in one for one in said)
    with pytest.raises(PublicationRefused, match="drops by drops"):
        put(2)


def _name(url: str) -> sql.Identifier:
    return sql.Identifier(urlsplit(url).path.lstrip("/"))


def test_rows_that_a_crash_would_lose_are_a_problem(prepared: str) -> None:
    execute(prepared, "ALTER TABLE tens_insight.account_risk_score_history SET UNLOGGED")
    assert any("account_risk_score_history is UNLOGGED" in one for one in seen())


def test_a_temporary_table_that_hides_the_feedback_is_a_problem(prepared: str) -> None:
    """As another client of a pooler leaves it in the session that both have."""
    with closing(connect("tens-insight test")) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE feedback_enriched AS TABLE feedback_enriched")
        report = check_contract(
            connection,
            churn_table="account_churn",
            churn_account_column="account_id",
            churn_date_column="churned_at",
        )
    assert any("feedback_enriched is found as a temporary table" in one for one in report.problems)


def test_a_publication_of_the_future_says_how_it_is_taken_back(prepared: str) -> None:
    execute(prepared, "UPDATE tens_insight.publications SET as_of = now() + interval '1 year'")
    with pytest.raises(PublicationRefused, match="lies in the future.*undo --table scores"):
        put(2)


def test_product_areas_are_compared_too(prepared: str) -> None:
    body = "IF NEW.product_area = 'B' THEN RETURN NULL; END IF; RETURN NEW;"
    execute(prepared, trigger("drops", body, of=AREAS))
    with pytest.raises(PublicationRefused, match=r"1 rows are not there .first: 'B / pro'"):
        put(2, PRODUCT_AREA_IMPACT)
    assert any(AREAS in note for note in seen())


FOLDING = {
    "citext": "CREATE EXTENSION IF NOT EXISTS citext; ALTER TABLE {} ALTER {} TYPE citext",
    "a collation": "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', "
    "deterministic = false); ALTER TABLE {} ALTER {} TYPE varchar COLLATE folded",
}


@pytest.mark.parametrize("what", FOLDING)
@pytest.mark.parametrize(
    ("output", "column", "source"),
    [
        (ACCOUNT_RISK_SCORES, "account_id", "account_id"),
        (PRODUCT_AREA_IMPACT, "product_area", "product_area"),
    ],
)
def test_a_key_that_folds_case_takes_one_spelling(
    prepared: str, what: str, output: OutputTable, column: str, source: str
) -> None:
    try:
        execute(prepared, FOLDING[what].format(output.qualified, column))
    except psycopg2.errors.FeatureNotSupported as error:
        pytest.skip(f"This server cannot: {error}")
    assert put(2, output).written == 4
    # The spelling in the feedback is what is published, though the table calls both one key.
    assert put(3, output, ids=("a", "B", "c", "D")).written == 4
    spelt = query(prepared, f"SELECT {column}::text FROM {output.qualified} ORDER BY 1")
    assert sorted(one for (one,) in spelt) == ["B", "D", "a", "c"]
    assert not any("spellings" in one for one in seen())
    before = rows_of(prepared, output.qualified)
    with pytest.raises(PublicationRefused, match=r"'A.*' comes 2 times, also spelt 'a.*one key"):
        put(4, output, ids=("A", "a", "B"))
    assert rows_of(prepared, output.qualified) == before
    other = {"account_id": "product_area", "product_area": "account_id"}[source]
    execute(
        prepared,
        f"INSERT INTO feedback_enriched (created_at, customer_tier, {other}, {source}) "
        "SELECT '2026-01-01', 'pro', 'x', one FROM unnest(ARRAY['A', 'a', 'B', 'B']) AS one",
    )
    assert any("problem: 1 times" in one and "'A' and 'a'" in one for one in seen()), seen()
    undo(output, reason="The test wants it.")
    assert query(prepared, f"SELECT count(*) FROM {output.qualified}") == [(4,)]


def test_hash_partitions_and_enums_and_domains_are_no_obstacle(prepared: str) -> None:
    execute(
        prepared,
        f"DROP TABLE {SCORES} CASCADE; CREATE TYPE risk AS ENUM ('low', "
        "'medium', 'high', 'critical'); CREATE DOMAIN version AS varchar CHECK (value <> ''); "
        f"CREATE TABLE {SCORES} (account_id varchar PRIMARY KEY, churn_probability float8, "
        "health_score float8, risk_category risk, predicted_at timestamptz, model_version version) "
        "PARTITION BY HASH (account_id)",
        *(
            f"CREATE TABLE part{n} PARTITION OF {SCORES} FOR VALUES WITH (MODULUS 2, REMAINDER {n})"
            for n in (0, 1)
        ),
    )
    assert put(2).written == 4
    assert not any(one.startswith("problem: ") for one in seen()), seen()


def test_a_policy_is_no_matter_of_grants(
    prepared: str, password_url: str, monkeypatch: Any
) -> None:
    role = urlsplit(password_url).username
    execute(
        prepared,
        f'GRANT USAGE ON SCHEMA public, tens_insight TO "{role}"; '
        f'GRANT ALL ON ALL TABLES IN SCHEMA public, tens_insight TO "{role}"; '
        f"ALTER TABLE {SCORES} ENABLE ROW LEVEL SECURITY; "
        f"CREATE POLICY visible ON {SCORES} USING (account_id <> 'B')",
    )
    monkeypatch.setenv("DATABASE_URL", password_url)
    with pytest.raises(TensInsightError) as refused:
        put(2)
    assert "GRANT does not help" in str(refused.value)
    assert f'CREATE POLICY tens_insight ON account_risk_scores TO "{role}"' in str(refused.value)
    assert any("Row-level security of table public.account_risk_scores" in one for one in seen())


def test_who_only_looks_is_told_no_right_to_write(
    prepared: str, password_url: str, monkeypatch: Any
) -> None:
    role = urlsplit(password_url).username
    execute(prepared, f'GRANT USAGE ON SCHEMA tens_insight TO "{role}"')
    monkeypatch.setenv("DATABASE_URL", password_url)
    with closing(connect("tens-insight test")) as connection:
        connection.set_session(readonly=True)
        with (
            pytest.raises(ContractBroken, match="GRANT SELECT ON tens_insight.publications"),
            explained(connection),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT FROM tens_insight.publications")


def test_no_message_and_no_traceback_quotes_a_row(prepared: str) -> None:
    execute(prepared, f"ALTER TABLE {SCORES} ADD CONSTRAINT few CHECK (account_id NOT LIKE '%4')")
    secret = "ab"[::-1] * 9
    with pytest.raises(PublicationRefused) as refused:
        put(2, ids=tuple(f"{secret}{n}" for n in range(5)))
    assert secret not in "".join(traceback.format_exception(refused.value))
