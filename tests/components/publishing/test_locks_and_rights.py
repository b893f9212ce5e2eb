"""Another session locks a table, or a right is taken away, while a publication is at work."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from components.errors import TensInsightError
from components.postgres import connection as connections
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing import publish as publishing
from components.publishing.details import Details
from components.publishing.publication import Publication, Published
from components.publishing.undo import undo
from pipeline.exit_codes import CONTRACT_BROKEN, DATABASE_UNREACHABLE, exit_code
from pipeline.runs.run import Shown, read_shown
from tests.components.publishing.policies import publish_policy
from tests.components.publishing.test_altered_tables import AS_OF, NAMES, SCORES, rows_of, scores
from tests.components.publishing.test_own_tables import ALL, details, put_detailed
from tests.contract.conftest import execute

OURS = "tens_insight"
LOG, HISTORY, DETAILS = f"{OURS}.publications", ALL[2], ALL[3]
GRANTS = (
    f"GRANT USAGE ON SCHEMA {OURS} TO PUBLIC",
    f"GRANT SELECT, INSERT, UPDATE ON {LOG} TO PUBLIC",
    f"GRANT SELECT, INSERT, DELETE ON {HISTORY}, {DETAILS}, {OURS}.refusals TO PUBLIC",
    f"GRANT SELECT ON {OURS}.account_risk_details TO PUBLIC",
    f"GRANT SELECT ON {ALL[4]}, public.product_area_impact TO PUBLIC",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON {SCORES} TO PUBLIC",
)


@pytest.fixture
def prepared(migrated_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with two publications; locks are waited for a short time."""
    monkeypatch.setattr(connections, "LOCK_TIMEOUT_S", 0.2)
    put_detailed(1)
    put_detailed(2)
    return migrated_database


def everything(url: str) -> list[list[tuple[Any, ...]]]:
    return [rows_of(url, name) for name in ALL]


@contextmanager
def another_session(url: str) -> Iterator[Callable[[str], None]]:
    """Yields what runs a statement in a transaction that ends with the block."""
    with closing(psycopg2.connect(url)) as other, other.cursor() as cursor:
        yield cursor.execute


def put_while(meanwhile: Callable[[], None], at: str) -> Published:
    """Publishes a third day; `meanwhile` is done as its rows, or details, are asked for."""

    def rows() -> Iterator[tuple[object, ...]]:
        if at == "rows":
            meanwhile()
        return scores(3, NAMES)

    def detail_rows() -> Iterator[tuple[object, ...]]:
        if at == "details":
            meanwhile()
        return details(3)

    return publishing.publish(
        ACCOUNT_RISK_SCORES,
        rows,
        publication=Publication(AS_OF.replace(day=4), "model-3", "inactivity", "r", len(NAMES)),
        policy=publish_policy(max_count_change=9),
        details=Details(detail_rows, horizon_days=60),
    )


LOCKS = {
    SCORES: f"LOCK TABLE {SCORES} IN ACCESS EXCLUSIVE MODE",
    "a row": f"UPDATE {SCORES} SET health_score = 1 WHERE account_id = 'B'",
    LOG: f"LOCK TABLE {LOG} IN SHARE MODE",
    HISTORY: f"LOCK TABLE {HISTORY} IN SHARE ROW EXCLUSIVE MODE",
    DETAILS: f"LOCK TABLE {DETAILS} IN EXCLUSIVE MODE",
}


@pytest.mark.parametrize("what", LOCKS)
@pytest.mark.parametrize("at", ["rows", "details"])
def test_a_lock_of_another_session_ends_a_publication_and_nothing_is_lost(
    prepared: str, what: str, at: str
) -> None:
    before = everything(prepared)
    with another_session(prepared) as run:
        with pytest.raises(TensInsightError, match="A lock was not granted in time") as ended:
            put_while(lambda: run(LOCKS[what]), at)
        assert exit_code(ended.value) == DATABASE_UNREACHABLE
    assert everything(prepared) == before
    assert put_detailed(3).written == len(NAMES)


@pytest.mark.parametrize("what", [SCORES, LOG])
def test_a_lock_of_another_session_ends_an_undo_and_nothing_is_undone(
    prepared: str, what: str
) -> None:
    before = everything(prepared)
    with another_session(prepared) as run:
        run(LOCKS[what])
        with pytest.raises(TensInsightError, match="A lock was not granted in time") as ended:
            undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
        assert exit_code(ended.value) == DATABASE_UNREACHABLE
    assert everything(prepared) == before


RIGHTS = {
    f"REVOKE INSERT ON {SCORES} FROM PUBLIC": f"UPDATE, DELETE ON {SCORES} TO",
    f"REVOKE SELECT ON {SCORES} FROM PUBLIC": f"UPDATE, DELETE ON {SCORES} TO",
    f"REVOKE UPDATE ON {SCORES} FROM PUBLIC": f"UPDATE, DELETE ON {SCORES} TO",
    f"REVOKE ALL ON {LOG} FROM PUBLIC": f"GRANT SELECT, INSERT, UPDATE ON {LOG} TO",
    f"REVOKE INSERT ON {HISTORY} FROM PUBLIC": f"GRANT SELECT, INSERT, DELETE ON {HISTORY} TO",
    f"REVOKE INSERT ON {DETAILS} FROM PUBLIC": f"GRANT SELECT, INSERT, DELETE ON {DETAILS} TO",
    f"REVOKE USAGE ON SCHEMA {OURS} FROM PUBLIC": f"GRANT USAGE ON SCHEMA {OURS} TO",
}


@pytest.fixture
def as_role(
    prepared: str, password_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[bool], None]:
    """Makes what follows the pipeline's role, with its rights, or the owner."""
    execute(prepared, *GRANTS)

    def become(limited: bool) -> None:
        monkeypatch.setenv("DATABASE_URL", password_url if limited else prepared)

    return become


@pytest.mark.parametrize("at", ["rows", "details"])
def test_a_right_that_is_taken_away_meanwhile_is_named_and_nothing_is_lost(
    prepared: str, as_role: Callable[[bool], None], at: str
) -> None:
    before = everything(prepared)
    for revoke, said in RIGHTS.items():
        as_role(True)
        with pytest.raises(TensInsightError, match=said) as ended:
            put_while(lambda revoke=revoke: execute(prepared, revoke), at)  # type: ignore[misc]
        assert exit_code(ended.value) == CONTRACT_BROKEN, revoke
        as_role(False)
        assert everything(prepared) == before, revoke
        execute(prepared, *GRANTS)
    as_role(True)
    assert put_while(lambda: None, at).written == len(NAMES)


def test_the_right_to_temporary_tables_is_named_too(
    prepared: str, as_role: Callable[[bool], None]
) -> None:
    before, database = everything(prepared), urlsplit(prepared).path.lstrip("/")
    revoke = f'REVOKE TEMPORARY ON DATABASE "{database}" FROM PUBLIC'
    as_role(True)
    with pytest.raises(TensInsightError, match="GRANT TEMPORARY ON DATABASE") as ended:
        put_while(lambda: execute(prepared, revoke), "rows")
    assert exit_code(ended.value) == CONTRACT_BROKEN
    as_role(False)
    assert everything(prepared) == before


def test_what_hinders_the_work_after_a_publication_leaves_it_published(
    prepared: str, as_role: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    vacuum = publishing.vacuum
    revoke = f"REVOKE DELETE ON {HISTORY}, {DETAILS} FROM PUBLIC"
    for meanwhile in ("lock", "revoke"):
        with another_session(prepared) as run:

            def blocked(*arguments: Any, what: str = meanwhile, run: Any = run) -> bool:
                if what == "lock":
                    run(f"LOCK TABLE {DETAILS}, {HISTORY}")
                else:
                    execute(prepared, revoke)
                return vacuum(*arguments)

            monkeypatch.setattr(publishing, "vacuum", blocked)
            as_role(True)
            assert put_while(lambda: None, "rows").written == len(NAMES)
        assert "the old history of account_risk_scores was not dropped" in caplog.text
        caplog.clear()
        as_role(False)
        undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")


def test_what_was_published_and_cannot_be_read_again_is_a_warning(
    prepared: str, as_role: Callable[[bool], None], caplog: Any
) -> None:
    assert [risk.account_id for risk in read_shown(1.0).highest] == ["D", "C", "B", "A"]
    with another_session(prepared) as run:
        run(LOCKS[SCORES])
        assert "A lock was not granted" in read_shown(1.0).problem
    as_role(True)
    execute(prepared, f"REVOKE SELECT ON {SCORES} FROM PUBLIC")
    shown = read_shown(1.0)
    assert shown == Shown(problem=shown.problem)
    assert "All is published" in shown.problem
    assert "GRANT SELECT" in shown.problem
    assert "All is published" in caplog.text
