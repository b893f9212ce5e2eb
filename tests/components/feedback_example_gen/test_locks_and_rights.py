"""Another session locks a table, or a right is taken away, while a run reads."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from components.errors import TensInsightError
from components.feedback_example_gen import early_plan
from components.postgres import connection as connections
from pipeline.exit_codes import CONTRACT_BROKEN, DATABASE_UNREACHABLE, exit_code
from tests.components.feedback_example_gen.test_executor import ago, wave

Tables = Any
Write = Callable[..., Any]


@pytest.fixture(autouse=True)
def world(feedback: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty accounts, some of whom left; locks are waited for a short time."""
    monkeypatch.setattr(connections, "LOCK_TIMEOUT_S", 0.3)
    feedback.add(wave(40))
    feedback.churn([(f"ACC-{n}", ago(3 * n)) for n in range(1, 40, 4)])


@pytest.fixture
def other_session(feedback: Tables) -> Iterator[Any]:
    """A cursor of another session, inside a transaction."""
    with closing(psycopg2.connect(feedback.url)) as other, other.cursor() as cursor:
        yield cursor


def after_planning(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """Lets something happen between the first statements of a reading and the others."""
    plan_reading = early_plan.plan_reading

    def plan_then(*arguments: Any) -> Any:
        plan = plan_reading(*arguments)
        meanwhile()
        return plan

    monkeypatch.setattr(early_plan, "plan_reading", plan_then)


def nothing_left(folder: Path) -> bool:
    return not [one for one in folder.rglob("*") if one.is_file() and b"ACC-" in one.read_bytes()]


@pytest.mark.parametrize("table", ["feedback_enriched", "account_churn"])
def test_a_table_that_is_locked_before_is_told(
    other_session: Any, write_examples: Write, tmp_path: Path, table: str
) -> None:
    other_session.execute(f"LOCK TABLE {table}")
    with pytest.raises(TensInsightError, match="A lock was not granted in time") as ended:
        write_examples(tmp_path / "examples")
    assert exit_code(ended.value) == DATABASE_UNREACHABLE
    assert nothing_left(tmp_path)
    other_session.connection.rollback()
    write_examples(tmp_path / "examples")


def test_a_lock_that_others_wait_for_meanwhile_ends_the_reading_and_lets_them_in(
    feedback: Tables,
    other_session: Any,
    write_examples: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waits for the snapshot, whose readers wait behind it: neither would ever end."""
    locking = threading.Thread(target=other_session.execute, args=("LOCK TABLE feedback_enriched",))

    def lock() -> None:
        locking.start()
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        for _ in range(500):
            if feedback.execute(waiting):
                return
            time.sleep(0.02)
        raise AssertionError("it does not wait")

    with monkeypatch.context() as patched:
        after_planning(patched, lock)
        with pytest.raises(TensInsightError, match="A lock was not granted in time") as ended:
            write_examples(tmp_path / "examples")
    assert exit_code(ended.value) == DATABASE_UNREACHABLE
    locking.join(timeout=30)
    assert not locking.is_alive()
    assert nothing_left(tmp_path)
    other_session.connection.rollback()
    write_examples(tmp_path / "examples")


GRANTED = (
    "feedback_enriched, account_churn, tens_insight.publications, tens_insight.database_identity"
)


@pytest.mark.parametrize("rows_per_bucket", [10**6, 200])
@pytest.mark.parametrize("table", ["feedback_enriched", "account_churn"])
def test_a_right_that_is_taken_away_meanwhile_is_named(
    feedback: Tables,
    password_url: str,
    write_examples: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    rows_per_bucket: int,
) -> None:
    role = urlsplit(password_url).username
    feedback.execute(f'GRANT USAGE ON SCHEMA tens_insight TO "{role}"')
    feedback.execute(f'GRANT SELECT ON {GRANTED} TO "{role}"')
    monkeypatch.setenv("DATABASE_URL", password_url)
    revoke = f'REVOKE SELECT ON {table} FROM "{role}"'
    with monkeypatch.context() as patched:
        after_planning(patched, lambda: feedback.execute(revoke) and None)
        with pytest.raises(TensInsightError, match=f"GRANT SELECT ON {table} TO") as ended:
            write_examples(tmp_path / "examples", rows_per_bucket=rows_per_bucket)
    assert exit_code(ended.value) == CONTRACT_BROKEN
    assert nothing_left(tmp_path)
    feedback.execute(f'GRANT SELECT ON {table} TO "{role}"')
    write_examples(tmp_path / "examples", rows_per_bucket=rows_per_bucket)


def test_a_login_that_is_taken_away_meanwhile_is_told(
    feedback: Tables,
    password_url: str,
    write_examples: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    role = urlsplit(password_url).username
    feedback.execute(f'GRANT USAGE ON SCHEMA tens_insight TO "{role}"')
    feedback.execute(f'GRANT SELECT ON {GRANTED} TO "{role}"')
    monkeypatch.setenv("DATABASE_URL", password_url)
    after_planning(monkeypatch, lambda: feedback.execute(f'ALTER ROLE "{role}" NOLOGIN') and None)
    with pytest.raises(TensInsightError) as ended:
        write_examples(tmp_path / "examples")
    assert exit_code(ended.value) == DATABASE_UNREACHABLE
    assert "not permitted to log in" in str(ended.value)
    assert nothing_left(tmp_path)
