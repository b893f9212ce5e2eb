"""Only what another attempt can cure is tried again."""

from contextlib import closing

import psycopg2
import psycopg2.errors
import pytest

from components.errors import ContractBroken, DatabaseUnreachable
from components.postgres.connection import ServerNotAnswering, connect
from components.postgres.failures import ServerBrokeOff, explained, lost_connection
from components.postgres.retry import retried


class Work:
    """Executes one statement per call, each on a new connection."""

    def __init__(self, *statements: str):
        self.statements = list(statements)
        self.done = 0

    def __call__(self) -> int:
        statement = self.statements[min(self.done, len(self.statements) - 1)]
        self.done += 1
        with (
            closing(connect("tens-insight test")) as connection,
            explained(connection),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        return self.done


def _raising(code: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{code}'; END $$"


@pytest.mark.parametrize("code", ["40001", "40P01", "57P01", "57P02", "57P03", "08006"])
def test_transient_codes_are_tried_again(database: str, code: str) -> None:
    waits: list[float] = []
    work = Work(_raising(code), _raising(code), "SELECT 1")
    assert retried(work, patience_s=60, sleep=waits.append) == 3
    assert waits == [0.5, 1.0]


def test_a_killed_backend_is_tried_again(database: str) -> None:
    work = Work("SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1")
    assert retried(work, patience_s=60, sleep=lambda _: None) == 2


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        ("55P03", DatabaseUnreachable, "lock_timeout"),
        ("57014", DatabaseUnreachable, "statement_timeout"),
        ("42501", ContractBroken, "Grant the right"),
        ("25006", DatabaseUnreachable, "read-only"),
        ("53100", DatabaseUnreachable, "out of resources"),
    ],
)
def test_other_codes_are_not(database: str, code: str, error: type[Exception], said: str) -> None:
    work = Work(_raising(code))
    with pytest.raises(error, match=said):
        retried(work, patience_s=60, sleep=lambda _: None)
    assert work.done == 1


def test_unforeseen_errors_pass_as_they_are(database: str) -> None:
    work = Work("SELECT FROM WHERE")
    with pytest.raises(psycopg2.errors.SyntaxError):
        retried(work, patience_s=60, sleep=lambda _: None)
    assert work.done == 1


def test_attempts_end(database: str) -> None:
    work = Work(_raising("40001"))
    with pytest.raises(ServerBrokeOff, match="made up"):
        retried(work, patience_s=60, attempts=3, sleep=lambda _: None)
    assert work.done == 3


def test_silence_is_waited_for_only_after_a_first_contact(database: str, monkeypatch) -> None:
    work = Work("SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1")

    def restart(_: float) -> None:
        if work.done == 1:
            monkeypatch.setenv("DATABASE_URL", "postgresql://ann@127.0.0.1:1/x")
            work.done += 1
        else:
            monkeypatch.setenv("DATABASE_URL", database)

    assert retried(work, patience_s=60, sleep=restart) == 4


def test_silence_is_waited_for_as_long_as_the_setting_says(database: str, monkeypatch) -> None:
    """A restart takes 2 to 8 s on a busy machine."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann@127.0.0.1:1/x")
    now, work = [0.0], Work("SELECT 1")

    def wait(seconds: float) -> None:
        now[0] += seconds
        if now[0] > 8:
            monkeypatch.setenv("DATABASE_URL", database)

    again = {"sleep": wait, "clock": lambda: now[0]}
    assert retried(work, patience_s=60, **again) == 7
    assert 8 < now[0] <= 10
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann@127.0.0.1:1/x")
    now[0] = -100.0
    with pytest.raises(ServerNotAnswering):
        retried(Work("SELECT 1"), patience_s=5, **again)
    assert -95 <= now[0] <= -93


def test_a_server_that_answers_and_breaks_off_is_no_restart(database: str) -> None:
    work = Work(_raising("57P01"))
    with pytest.raises(ServerBrokeOff):
        retried(work, patience_s=3_600, sleep=lambda _: None)
    assert work.done == 4


def test_lost_line_is_told_from_a_programming_error(database: str) -> None:
    with closing(connect("tens-insight test")) as connection:
        assert not lost_connection(psycopg2.ProgrammingError("no code"), connection)
        assert not lost_connection(psycopg2.OperationalError("no code"), connection)
        connection.close()
        assert lost_connection(psycopg2.OperationalError("no code"), connection)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT * FROM feedback_enriched", "GoInsight's ETL creates it.*make a view"),
        ("SELECT * FROM public.account_risk_scores", "account_risk_scores.*db init"),
        ("SELECT * FROM tens_insight.publications", "publications.*db init"),
        ("SELECT nothing FROM pg_class", "nothing.*owner add the column"),
    ],
)
def test_missing_objects_are_named_with_the_cure(database: str, statement: str, said: str) -> None:
    with pytest.raises(ContractBroken, match=said):
        Work(statement)()


@pytest.mark.parametrize(
    ("statement", "grant"),
    [
        ("SELECT * FROM feedback_enriched", "GRANT SELECT ON feedback_enriched TO"),
        (
            "DELETE FROM public.account_risk_scores",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON public.account_risk_scores TO",
        ),
        ("SELECT * FROM tens_insight.publications", "GRANT USAGE ON SCHEMA tens_insight"),
        ("CREATE SCHEMA mine", "GRANT CREATE ON DATABASE"),
    ],
)
def test_missing_rights_are_named_with_the_grant(
    migrated_database: str, password_url: str, monkeypatch, statement: str, grant: str
) -> None:
    with closing(connect("tens-insight test")) as owner, owner, owner.cursor() as cursor:
        cursor.execute("CREATE TABLE feedback_enriched (id text)")
    monkeypatch.setenv("DATABASE_URL", password_url)
    with pytest.raises(ContractBroken) as caught:
        Work(statement)()
    assert grant in str(caught.value)
