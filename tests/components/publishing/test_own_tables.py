"""Whatever triggers do to our own tables: they hold what was written and what they held, or nothing
is published."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest

from components.errors import PublicationRefused
from components.postgres.tables import ACCOUNT_RISK_SCORES, PRODUCT_AREA_IMPACT
from components.publishing import publish as publishing
from components.publishing.details import Details
from components.publishing.publication import Publication, Published
from components.publishing.publish import publish
from components.publishing.undo import undo
from tests.components.publishing.policies import publish_policy
from tests.components.publishing.test_altered_tables import (
    AS_OF,
    FEEDBACK,
    NAMES,
    SCORES,
    put,
    rows_of,
    scores,
    seen,
    trigger,
)
from tests.contract.conftest import execute, query

LOG = "tens_insight.publications"
HISTORY = "tens_insight.account_risk_score_history"
DETAILS = "tens_insight.account_risk_detail_history"
OTHER_HISTORY = "tens_insight.product_area_impact_history"
ALL = (SCORES, LOG, HISTORY, DETAILS, OTHER_HISTORY, "tens_insight.refusals",
       "tens_insight.account_risk_scores_refused")  # fmt: skip


def details(day: int) -> Iterator[tuple[object, ...]]:
    for row in scores(day, NAMES):
        yield (
            row[0],
            f'{{"60": {row[1]}}}',
            9.0,
            1.0,
            "active",
            -1.0,
            0.0,
            "[]",
            "[]",
            "pro",
            "eu",
        )


def put_detailed(day: int, most: float = 1) -> Published:
    publication = Publication(
        AS_OF + timedelta(days=day), f"model-{day}", "inactivity", f"run-{day}", len(NAMES)
    )
    return publish(
        ACCOUNT_RISK_SCORES,
        lambda: scores(day, NAMES),
        publication=publication,
        policy=publish_policy(max_count_change=9, max_mean_shift=most),
        details=Details(lambda: details(day), horizon_days=60),
    )


@pytest.fixture
def prepared(migrated_database: str) -> str:
    """A database with rows of somebody else, a publication of five accounts, one with details."""
    execute(
        migrated_database,
        f"INSERT INTO {SCORES} VALUES ('X', 0.5, 50, 'high', '2026-01-01+00', 'old-model')",
    )
    put(1, PRODUCT_AREA_IMPACT)
    put(1, ids=(*NAMES, "E"))
    put_detailed(2)
    return migrated_database


def everything(url: str) -> list[list[tuple[Any, ...]]]:
    return [rows_of(url, name) for name in ALL]


def deferred(statement: str) -> str:
    return statement.replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER").replace(
        "FOR EACH", "DEFERRABLE INITIALLY DEFERRED FOR EACH"
    )


REWRITTEN = {
    "model_version": "'another'",
    "as_of": "NEW.as_of - interval '1 day'",
    "published_at": "NEW.published_at - interval '1 year'",
    "rows_written": "3",
    "rows_removed": "7",
    "removes_others": "NOT NEW.removes_others",
    "mean_probability": "0.25",
    "category_shares": "'{}'",
    "risk_bands": "NULL",
    "label_source": "'account_churn'",
    "run_id": "''",
    "published_by": "'nobody'",
    "accepted_shift": "'it is fine'",
    "broken_limits": "ARRAY['none']",
    "target_table": "'product_area_impact'",
    "kind": "'existing'",
    "attempt": "gen_random_uuid()",
    "publication_id": "NEW.publication_id + 1000",
    "dropped_up_to": "9",
    "feedback_rows": "12",
}


def test_a_line_of_the_log_that_is_rewritten_publishes_nothing(prepared: str) -> None:
    before = everything(prepared)
    for column, new in REWRITTEN.items():
        body = f"NEW.{column} := {new}; RETURN NEW;"
        execute(prepared, trigger("rewrites", body, "BEFORE INSERT", LOG))
        with pytest.raises(PublicationRefused, match=f"{column}.*rewrites on {LOG}"):
            put_detailed(3)
        assert everything(prepared) == before, column
        execute(prepared, "DROP FUNCTION rewrites CASCADE")
    assert put_detailed(3).written == len(NAMES)


def test_the_line_of_the_rows_of_others_is_compared_too(migrated_database: str) -> None:
    execute(
        migrated_database,
        f"INSERT INTO {SCORES} VALUES ('X', 0.5, 50, 'high', '2026-01-01+00', 'old-model')",
        trigger(
            "rewrites",
            "IF NEW.kind = 'existing' THEN NEW.model_version := 'mine'; END IF; RETURN NEW;",
            "BEFORE INSERT",
            LOG,
        ),
    )
    with pytest.raises(PublicationRefused, match="differs in model_version"):
        put(1)
    assert query(migrated_database, f"SELECT model_version FROM {SCORES}") == [("old-model",)]


OLDER = f"DELETE FROM {HISTORY} WHERE model_version = 'model-1'; RETURN NULL;"
SPOILT = {
    "a deferred trigger deletes older history": (
        deferred(trigger("spoils", OLDER, "AFTER INSERT", HISTORY)),
        f"5 rows of {HISTORY} were deleted",
    ),
    "a deferred trigger of the output table deletes it": (
        deferred(trigger("spoils", OLDER, "AFTER INSERT OR UPDATE", SCORES)),
        f"5 rows of {HISTORY} were deleted",
    ),
    "an older line of the log goes": (
        trigger(
            "spoils",
            f"DELETE FROM {LOG} WHERE model_version = 'model-1'; RETURN NULL;",
            "AFTER INSERT",
            LOG,
        ),
        f"2 rows of {LOG} were deleted",
    ),
    "an older line of the log is rewritten": (
        deferred(
            trigger(
                "spoils",
                f"UPDATE {LOG} SET run_id = 'mine' WHERE model_version = 'model-2'; RETURN NULL;",
                "AFTER INSERT",
                LOG,
            )
        ),
        f"1 rows of {LOG} were updated",
    ),
    "older history is rewritten": (
        trigger(
            "spoils",
            f"UPDATE {HISTORY} SET health_score = 1 WHERE account_id = 'A' "
            "AND model_version = 'model-1'; RETURN NEW;",
            "BEFORE DELETE OR UPDATE",
            SCORES,
        ),
        f"4 rows of {HISTORY} were updated",
    ),
    "rows are slipped in": (
        trigger(
            "spoils",
            f"INSERT INTO {HISTORY} VALUES (1, NEW.run_id, 0.9); RETURN NULL;",
            "AFTER INSERT",
            LOG,
        ),
        f"1 rows of {HISTORY} were inserted",
    ),
    "the history of the other table is emptied": (
        trigger("spoils", f"TRUNCATE {OTHER_HISTORY}; RETURN NULL;", "AFTER INSERT", LOG),
        f"{OTHER_HISTORY} was emptied",
    ),
    "the history is emptied before it is written": (
        trigger("spoils", f"TRUNCATE {HISTORY}; RETURN NEW;", "BEFORE INSERT", LOG),
        f"{HISTORY} was emptied",
    ),
    "details are rewritten": (
        trigger("spoils", "NEW.percentile := 1; RETURN NEW;", "BEFORE INSERT", DETAILS),
        f"{DETAILS} does not hold what was written to it: 4 rows differ",
    ),
    "older details go": (
        deferred(trigger("spoils", f"DELETE FROM {DETAILS}; RETURN NULL;", "AFTER INSERT", LOG)),
        f"8 rows of {DETAILS} were deleted",
    ),
}  # fmt: skip


AGAIN = """
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    IF NEW.rest > 0 THEN
        INSERT INTO steps VALUES (NEW.rest - 1);
    ELSE
        {last}
    END IF;
    RETURN NULL;
END $$;
CREATE TABLE steps (rest integer);
CREATE CONSTRAINT TRIGGER again AFTER INSERT ON steps DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION again();"""
"""A trigger that defers again what it causes, some steps long."""


def steps(number: int, last: str, of: str = LOG, moment: str = "AFTER INSERT") -> str:
    """Returns statements that make a change of a table take the last of so many steps."""
    begin = trigger("begins", f"INSERT INTO steps VALUES ({number}); RETURN NULL;", moment, of)
    return AGAIN.format(last=last) + deferred(begin)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (f"UPDATE {SCORES} SET health_score = 1 WHERE account_id = 'A';", "differ in health_score"),
        (f"DELETE FROM {SCORES} WHERE account_id = 'A';", "1 rows are not there"),
        (f"DELETE FROM {HISTORY} WHERE model_version = 'model-1';", f"5 rows of {HISTORY} were"),
        (f"UPDATE {LOG} SET run_id = 'mine';", f"rows of {LOG} were updated"),
    ],
)
def test_what_a_trigger_defers_again_and_again_is_seen(prepared: str, last: str, said: str) -> None:
    execute(prepared, steps(3, last))
    before = everything(prepared)
    with pytest.raises(PublicationRefused, match=said):
        put_detailed(3)
    assert everything(prepared) == before


def test_triggers_without_an_end_publish_nothing(prepared: str) -> None:
    execute(prepared, steps(1_000_000, "NULL;"))
    before = everything(prepared)
    with pytest.raises(PublicationRefused, match="go on changing rows after 9 rounds"):
        put_detailed(3)
    assert everything(prepared) == before


def test_what_an_undo_causes_step_by_step_is_seen(prepared: str) -> None:
    last = f"UPDATE {SCORES} SET health_score = 1 WHERE account_id = 'A';"
    execute(prepared, steps(2, last, moment="AFTER UPDATE"))
    before = everything(prepared)
    with pytest.raises(PublicationRefused, match="1 rows differ in health_score"):
        undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    assert everything(prepared) == before


@pytest.mark.parametrize("of", [LOG, HISTORY, DETAILS])
def test_a_trigger_of_ours_that_changes_the_scores_is_seen(prepared: str, of: str) -> None:
    body = f"UPDATE {SCORES} SET health_score = 1 WHERE account_id = 'A'; RETURN NULL;"
    execute(prepared, trigger("spoils", body, "AFTER INSERT", of))
    before = everything(prepared)
    with pytest.raises(PublicationRefused, match="1 rows differ in health_score"):
        put_detailed(3)
    assert everything(prepared) == before


@pytest.mark.parametrize("what", SPOILT)
def test_what_was_kept_stays_or_nothing_is_published(prepared: str, what: str) -> None:
    statement, said = SPOILT[what]
    execute(prepared, statement)
    execute(prepared, FEEDBACK)
    assert any("spoils" in note for note in seen()), "db check says nothing of it"
    before = everything(prepared)
    with pytest.raises(PublicationRefused, match=said) as refused:
        put_detailed(3)
    assert "Nothing was published" in str(refused.value)
    assert everything(prepared) == before


def test_another_session_that_writes_a_table_anew_meanwhile_is_no_obstacle(
    prepared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As VACUUM FULL does, which a nightly job may run."""
    look = publishing.changes_so_far

    def look_then_rewrite(cursor: Any) -> Any:
        found = look(cursor)
        with closing(psycopg2.connect(prepared)) as other, other.cursor() as theirs:
            other.autocommit = True
            for name in (HISTORY, DETAILS, OTHER_HISTORY):
                theirs.execute(f"VACUUM FULL {name}")
        return found

    monkeypatch.setattr(publishing, "changes_so_far", look_then_rewrite)
    assert put_detailed(3).written == len(NAMES)


MARKS = {
    "undone_at": "NEW.undone_at := NEW.undone_at - interval '1 day';",
    "undone_by": "NEW.undone_by := 'nobody';",
    "undo_reason": "NEW.undo_reason := 'mine';",
    "undone_at, undone_by, undo_reason": (
        "NEW.undone_at := NULL; NEW.undone_by := NULL; NEW.undo_reason := NULL;"
    ),
    "model_version": "NEW.model_version := 'another';",
}


def test_a_mark_of_an_undo_that_is_rewritten_undoes_nothing(prepared: str) -> None:
    before = everything(prepared)
    for columns, body in MARKS.items():
        execute(prepared, trigger("rewrites", f"{body} RETURN NEW;", "BEFORE UPDATE", LOG))
        with pytest.raises(PublicationRefused, match=f"differs in {columns}.*Nothing was undone"):
            undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
        assert everything(prepared) == before, columns
        execute(prepared, "DROP FUNCTION rewrites CASCADE")


def test_an_undo_that_takes_history_along_does_nothing(prepared: str) -> None:
    execute(prepared, deferred(trigger("spoils", OLDER, "AFTER UPDATE", LOG)))
    before = everything(prepared)
    with pytest.raises(PublicationRefused, match=f"5 rows of {HISTORY} were deleted.*was undone"):
        undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    assert everything(prepared) == before


@pytest.mark.parametrize(
    ("of", "body", "said"),
    [
        ("account_risk_scores_refused", "NEW.health_score := 1; RETURN NEW;", "4 rows differ"),
        ("account_risk_scores_refused", "RETURN NULL;", "took 0 of 4 rows"),
        ("refusals", "RETURN NULL;", "took 0 of 1 rows"),
    ],
)
def test_refused_rows_are_kept_as_they_are_or_said_not_to_be(
    prepared: str, of: str, body: str, said: str
) -> None:
    execute(prepared, trigger("spoils", body, "BEFORE INSERT", f"tens_insight.{of}"))
    with pytest.raises(PublicationRefused, match=f"tens_insight.{of} .*{said}"):
        put_detailed(3, most=0)
    assert query(prepared, "SELECT count(*) FROM tens_insight.refusals") == [(0,)]


def test_a_trigger_that_only_looks_is_no_obstacle(prepared: str) -> None:
    execute(prepared, "CREATE TABLE audit (what text)")
    for name, of in (("a", LOG), ("b", HISTORY), ("c", DETAILS), ("d", SCORES)):
        body = f"INSERT INTO audit VALUES ('{of}'); RETURN NULL;"
        execute(prepared, deferred(trigger(name, body, "AFTER INSERT OR UPDATE", of)))
    execute(prepared, FEEDBACK)
    assert any("a on tens_insight.publications" in note for note in seen())
    assert put_detailed(3).written == len(NAMES)
    assert undo(ACCOUNT_RISK_SCORES, reason="The test wants it.").rows == len(NAMES)
    assert query(prepared, "SELECT count(DISTINCT what) FROM audit") == [(4,)]
