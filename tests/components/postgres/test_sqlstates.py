"""Every class of SQLSTATE has a decision, and a command ends with it."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errorcodes
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.errors import ContractBroken, TensInsightError
from components.postgres.failures import explained
from components.postgres.retry import retried
from components.postgres.sqlstates import SQLSTATES, Decision, meaning_of
from pipeline.exit_codes import exit_code
from pipeline.foreseen import foreseen
from tests.conftest import Server

ROOT = Path(__file__).parents[3]
# psycopg2 knows them from 2.9.11 on.
NAMES = {"CLASS_XQUERY_ERROR": "10", "INVALID_ARGUMENT_FOR_XQUERY": "10608"} | vars(errorcodes)
CLASSES = sorted(value for name, value in NAMES.items() if name.startswith("CLASS_"))
CODES = sorted({one for one in NAMES.values() if re.fullmatch("[0-9A-Z]{5}", str(one))})
SUCCESS = "00"
"""Its only code cannot be raised."""
EXIT_CODES = {
    Decision.RETRIED: 5,
    Decision.UNAVAILABLE: 5,
    Decision.CONTRACT: 7,
    Decision.REFUSED: 8,
    Decision.BUG: 1,
}
SAID_ELSEWHERE = {"42501", "42P01", "42703", "3F000", "25006", "55P03", "57014"}
"""Codes with a sentence of their own, which names the right or the object."""


@pytest.fixture(scope="module")
def connection(postgres_server: Server) -> Iterator[Connection]:
    """A connection to no database of anybody's."""
    with closing(psycopg2.connect(postgres_server.url("postgres"))) as made:
        yield made


def test_every_class_of_the_manual_is_decided_on_and_no_other() -> None:
    assert {code[:2] for code in SQLSTATES} == set(CLASSES)
    assert set(CLASSES) <= set(SQLSTATES)
    assert set(SQLSTATES) - set(CLASSES) <= set(CODES)


@pytest.mark.parametrize("of_class", [one for one in CLASSES if one != SUCCESS])
def test_a_command_ends_as_the_class_is_decided(connection: Connection, of_class: str) -> None:
    found = [code for code in CODES if code[:2] == of_class]
    assert found
    for code in found:
        raised, wanted = _raised(connection, code), meaning_of(code)
        assert exit_code(raised) == EXIT_CODES[wanted.decision], code
        if wanted.decision is Decision.BUG:
            assert isinstance(raised, psycopg2.Error)
            continue
        assert "odd thing" in str(raised)
        assert connection.info.dbname in str(raised)
        assert (wanted.advice in str(raised)) == (code not in SAID_ELSEWHERE), raised


def test_a_class_that_a_function_made_up_is_its_owners(connection: Connection) -> None:
    assert exit_code(_raised(connection, "TI001")) == EXIT_CODES[Decision.CONTRACT]


@pytest.mark.parametrize(
    ("code", "times"), [("08006", 4), ("40P01", 4), ("72000", 4), ("58030", 1), ("XX001", 1)]
)
def test_what_may_pass_is_tried_again(connection: Connection, code: str, times: int) -> None:
    done = 0

    def work() -> None:
        nonlocal done
        done += 1
        raise _raised(connection, code)

    with pytest.raises(TensInsightError):
        retried(work, patience_s=1, sleep=lambda _: None)
    assert done == times


def test_damage_says_what_to_do(connection: Connection) -> None:
    said = str(_raised(connection, "XX002"))
    assert "odd thing (SQLSTATE XX002), at " in said
    assert "REINDEX" in said


def test_no_value_of_a_row_is_quoted(connection: Connection) -> None:
    statement = "SELECT v::int FROM (VALUES ('I hate: \"it\"')) AS t (v)"
    with pytest.raises(ContractBroken) as raised, explained(connection), connection:
        connection.cursor().execute(statement)
    assert "invalid input syntax for type integer (SQLSTATE 22P02)" in str(raised.value)
    assert "hate" not in str(raised.value)


def test_an_error_that_nobody_translated_is_told_likewise(connection: Connection) -> None:
    with connection.cursor() as cursor, pytest.raises(psycopg2.Error) as raised, connection:
        cursor.execute(_raise("58030"))
    found = foreseen(raised.value)
    assert found is not None
    assert exit_code(found) == EXIT_CODES[Decision.UNAVAILABLE]
    assert "odd thing (SQLSTATE 58030)" in str(found)


def test_the_page_shows_this_table() -> None:
    page = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    shown = [line for line in page.splitlines() if re.match(r"\| `[0-9A-Z]{2,5}` ", line)]
    assert shown == [
        f"| `{code}` | {_name(code)} | {meaning.decision.value} |"
        for code, meaning in sorted(SQLSTATES.items())
    ]


def _name(code: str) -> str:
    names = (name for name, value in NAMES.items() if value == code)
    return next(names).removeprefix("CLASS_").replace("_", " ").lower()


def _raise(code: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'odd thing' USING ERRCODE = '{code}'; END $$"


def _raised(connection: Connection, code: str) -> Exception:
    try:
        with explained(connection), connection.cursor() as cursor:
            cursor.execute(_raise(code))
    except (TensInsightError, psycopg2.Error) as error:
        connection.rollback()
        return error
    raise AssertionError(f"{code} was not raised")
