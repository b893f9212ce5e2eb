"""The database behind an address may change, and what it says is not for every log."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from psycopg2 import sql

from components.errors import OtherDatabase
from components.postgres.identity import DatabaseIdentity
from components.postgres.local_settings import _Settled
from components.postgres.migrate import migrate
from components.postgres.queries import queries
from components.postgres.rows import value
from pipeline.serving import connections
from pipeline.serving.cache import InProcess, key_of
from pipeline.serving.database import Database
from pipeline.serving.examples import Asked
from pipeline.serving.problems import Problem
from pipeline.settings import load_settings
from tests.environment import unset_settings

NOW = datetime(2026, 11, 30, 9, 15, tzinfo=timezone.utc)
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
        assert refused.value.code == "other_database"
        assert "db adopt" in refused.value.message
    assert database.state == "refuses"
    assert len(set(owner.asked)) == 2


def newest_account(url: str) -> str:
    """The account that wrote last."""
    newest = "SELECT account_id FROM feedback_enriched ORDER BY created_at DESC LIMIT 1"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(newest)
        account: str = value(cursor)
        return account


def test_an_account_costs_two_statements_and_a_known_answer_one(
    database: Database, simulated_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = database._cache = InProcess(10)
    account = newest_account(simulated_database)
    asked = Asked(account, known_as=lambda *arguments: key_of(*arguments[:2], "v", True, NOW))
    database.read([asked])  # looks up where the connection leads to
    sent: list[Any] = []
    execute = _Settled.execute

    def counted(cursor: Any, *arguments: Any) -> Any:
        sent.append(arguments[0])
        return execute(cursor, *arguments)

    monkeypatch.setattr(_Settled, "execute", counted)
    (found,) = database.read([asked])
    assert not isinstance(found, Exception)
    assert (found.known, len(sent)) == (None, 2)
    assert found.key
    cache.put(found.key, {"probability": 0.5})
    (known,) = database.read([asked])
    assert not isinstance(known, Exception)
    assert (known.known, known.key, len(sent)) == ({"probability": 0.5}, found.key, 3)


def test_an_answer_is_not_kept_if_the_account_wrote_between_the_two_statements(
    database: Database, simulated_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database._cache = InProcess(10)
    look_up = Database._look_up

    def look_up_then_write(self: Database, connection: Any, *arguments: Any) -> Any:
        found = look_up(self, connection, *arguments)
        with closing(psycopg2.connect(simulated_database)) as other, other:
            other.cursor().execute(
                "INSERT INTO feedback_enriched SELECT (jsonb_populate_record(f, "
                "jsonb_build_object('id', gen_random_uuid()))).* FROM feedback_enriched AS f "
                "WHERE account_id = %s ORDER BY created_at LIMIT 1",
                list(found),
            )
        return found

    account = newest_account(simulated_database)
    asked = Asked(account, known_as=lambda *arguments: "key")
    (found,) = database.read([asked])
    assert not isinstance(found, Exception)
    assert found.key == "key"
    monkeypatch.setattr(Database, "_look_up", look_up_then_write)
    (found,) = database.read([asked])
    assert not isinstance(found, Exception)
    assert found.example is not None
    assert found.key == ""


def test_a_machine_that_is_gone_is_given_up_soon(database: Database) -> None:
    database.read([Asked("nobody")])
    connection = database._connections.open()
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


def test_what_is_missing_is_named_without_user_and_host(
    database: Database, simulated_database: str
) -> None:
    with closing(psycopg2.connect(simulated_database)) as connection, connection:
        connection.cursor().execute("ALTER TABLE account_risk_scores RENAME health_score TO h")
    with pytest.raises(Problem) as refused:
        database.read([Asked("nobody")])
    problem = refused.value
    assert (problem.status, problem.code, database.state) == (503, "database_contract", "refuses")
    assert "health_score" in problem.message
    assert "db grants --server" in problem.message
    assert "@" not in problem.message


class Line:
    """A way to a server on which nothing comes any more, once it is cut: all is still accepted.

    Args:
        url: Of a database behind a socket of this machine, or behind an address.
    """

    def __init__(self, url: str):
        with closing(psycopg2.connect(url)) as connection:
            known = connection.info
            self._host, self._port, self._user = known.host, known.port, known.user
            self._database, self._password = known.dbname, known.password
        self.is_cut = threading.Event()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        user = self._user + (f":{quote(self._password)}" if self._password else "")
        port = self._listening.getsockname()[1]
        return f"postgresql://{user}@127.0.0.1:{port}/{self._database}?sslmode=disable"

    def close(self) -> None:
        """Ends what still waits."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            client, _ = self._listening.accept()
            if self._host.startswith("/"):
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{self._host}/.s.PGSQL.{self._port}")
            else:
                server = socket.create_connection((self._host, self._port))
            self._open += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._hand_on, args=(one, other), daemon=True).start()

    def _hand_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if not self.is_cut.is_set():
                    other.sendall(data)
            other.close()


def test_a_server_that_hangs_is_given_up_and_its_connection_with_it(
    database: Database, simulated_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel goes on to confirm what is sent: no limit of the server or of TCP helps."""
    line = Line(simulated_database)
    monkeypatch.setenv("DATABASE_URL", line.url)
    monkeypatch.setattr(connections, "_HANGS_S", 0.2 - 2)
    # Each thread has a connection of its own.
    with ThreadPoolExecutor(1) as pool, closing(line):

        def read() -> Any:
            waiting = pool.submit(database.read, [Asked("nobody")])
            deadline = time.monotonic() + 10
            while not waiting.done() and time.monotonic() < deadline:
                time.sleep(0.05)
                database.end_hanging()
            return waiting.result(0)[0]

        assert not isinstance(read(), Exception)
        idle = pool.submit(database._connections.open).result()
        time.sleep(0.3)
        database.end_hanging()  # nobody waits for it
        assert not isinstance(read(), Exception)
        assert pool.submit(database._connections.open).result() is idle
        line.is_cut.set()
        with pytest.raises(Problem) as refused:
            read()
        assert (refused.value.code, database.state) == ("database_slow", "away")
        line.is_cut.clear()
        time.sleep(max(0.0, database._rest_until - time.monotonic()))
        assert not isinstance(read(), Exception)
        assert database.state == "answers"
        pool.submit(database.close).result()


def test_an_id_that_the_database_cannot_hold_costs_only_itself(
    postgres_server: Any, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = postgres_server.create_database()
    names = sql.Identifier(name), sql.Identifier(f"{name}_latin1")
    try:
        postgres_server.execute(
            sql.SQL("CREATE DATABASE {1} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'").format(
                *names
            )
        )
        unset_settings(monkeypatch)
        monkeypatch.setenv("DATABASE_URL", postgres_server.url(f"{name}_latin1"))
        with closing(psycopg2.connect(postgres_server.url(f"{name}_latin1"))) as connection:
            connection.cursor().execute(queries("pipeline.demo")["create_inputs"])
            connection.commit()
            migrate(connection)
        with closing(Database(load_settings().reading, 2, owner.require)) as made:
            first, second, third = made.read([Asked("ACC-1"), Asked("東京"), Asked("Köln")])
            assert made.state == "answers"
        assert isinstance(second, Problem)
        assert (second.status, second.code) == (404, "unknown_account")
        for one in (first, third):
            assert not isinstance(one, Exception)
            assert one.example is None
    finally:
        postgres_server.drop_database(f"{name}_latin1")
        postgres_server.drop_database(name)
