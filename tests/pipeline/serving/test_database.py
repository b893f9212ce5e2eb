"""The database behind an address may change, and what it says is not for every log."""

import logging
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from components.errors import OtherDatabase
from components.postgres.identity import DatabaseIdentity
from pipeline.serving.database import Asked, Database
from pipeline.serving.problems import Problem
from pipeline.settings import load_settings
from tests.environment import unset_settings

CANARY = "canary-93b1"


class Owner:
    """Refuses every database but the first one."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def require(self, database: DatabaseIdentity) -> None:
        self.asked.append(database.id)
        if database.id != self.asked[0]:
            raise OtherDatabase("It is another one.")


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def database(
    simulated_database: str, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    unset_settings(monkeypatch)
    monkeypatch.setenv("DATABASE_URL", simulated_database)
    with closing(Database(load_settings().reading, 2, owner.require)) as made:
        yield made


def test_each_connection_is_asked_which_database_it_leads_to(
    database: Database, owner: Owner, simulated_database: str
) -> None:
    for _ in range(3):
        (found,) = database.read([Asked("nobody")])
        assert not isinstance(found, Exception)
    assert len(owner.asked) == 1
    with closing(psycopg2.connect(simulated_database)) as connection, connection:
        connection.cursor().execute(
            "UPDATE tens_insight.database_identity SET id = gen_random_uuid()"
        )
    database.close()  # as where the server was replaced by another one
    for _ in range(2):
        with pytest.raises(Problem) as refused:
            database.read([Asked("nobody")])
        assert refused.value.code == "database_away"
    assert len(set(owner.asked)) == 2


def test_a_machine_that_is_gone_is_given_up_soon(database: Database) -> None:
    database.read([Asked("nobody")])
    connection = database._open_connection()
    assert connection is not None
    said = connection.info.dsn_parameters
    assert said["tcp_user_timeout"] == "7000"
    assert int(said["keepalives_idle"]) < 10


def test_what_psycopg2_says_in_its_own_words_is_not_logged(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(asked: object) -> None:
        raise psycopg2.DataError(f"Failing row contains ({CANARY}).")

    monkeypatch.setattr(database, "_read", fail)
    with caplog.at_level(logging.INFO), pytest.raises(Problem):
        database.read([Asked(CANARY)])
    assert "DataError" in caplog.text
    assert CANARY not in caplog.text
