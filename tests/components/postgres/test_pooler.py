"""Behind a pooler that gives each transaction another session, none is left changed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest
from psycopg2.errors import QueryCanceled, ReadOnlySqlTransaction
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from components.feedback_example_gen.reading.database_snapshot import (
    exported_snapshot,
    join_snapshot,
)
from components.postgres.connection import connect
from components.postgres.contract import check_contract
from components.postgres.local_settings import SettledConnection
from components.postgres.migrate import migrate
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.previous_scores import read_previous
from components.publishing.publication import Publication
from components.publishing.publish import publish
from components.publishing.undo import undo
from tests.components.publishing.policies import publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH')}:/usr/sbin")
CHANGED = "SELECT name, setting FROM pg_settings WHERE source = 'session' AND name <> ALL(%s)"
UNASKED = {"client_encoding", "DateStyle", "transaction_isolation", "transaction_read_only"}
"""psycopg2 itself names the encoding and the style of dates, as each client does; how a transaction
is isolated is said by its BEGIN."""
TRACKED = ["application_name", "client_encoding", "DateStyle", "TimeZone"]
"""The pooler itself sets these for each client."""


def _publish(day: int) -> None:
    moment = AS_OF + timedelta(days=day)
    row = ("ACC-1", 0.25, 75.0, "medium", moment, f"model-{day}")
    publication = Publication(moment, f"model-{day}", "inactivity", f"run-{day}", expected_rows=1)
    publish(ACCOUNT_RISK_SCORES, lambda: [row], publication=publication, policy=publish_policy(1))


def _work() -> None:
    """All that a run does with the database."""
    with closing(connect("tens-insight db init", statement_timeout_s=77)) as connection:
        migrate(connection)
        check_contract(
            connection,
            churn_table="account_churn",
            churn_account_column="account_id",
            churn_date_column="churned_at",
        )
    with (
        exported_snapshot() as snapshot,
        join_snapshot(snapshot.snapshot_id, "tens-insight reader") as reader,
        reader.cursor() as cursor,
    ):
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('TimeZone')")
        assert cursor.fetchone() == ("30s", "UTC")
    _publish(1)
    _publish(2)
    undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")
    read_previous("model-3", patience_s=0)


def test_no_session_is_left_changed(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Any] = []

    def close(self: SettledConnection) -> None:
        if not self.closed:
            self.rollback()
            with psycopg2.extensions.cursor(self) as cursor:
                cursor.execute(CHANGED, ([],))
                left.append(cursor.fetchall())
        psycopg2.extensions.connection.close(self)

    monkeypatch.setattr(SettledConnection, "close", close)
    _work()
    assert len(left) >= 7
    assert {name for found in left for name, _ in found} <= UNASKED


def test_each_transaction_has_its_settings(database: str) -> None:
    with closing(connect("tens-insight test", statement_timeout_s=77)) as connection:
        for _ in range(2):
            with connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT current_setting('lock_timeout'), current_setting('TimeZone'), "
                    "current_setting('statement_timeout'), "
                    "current_setting('idle_in_transaction_session_timeout')"
                )
                assert cursor.fetchone() == ("30s", "UTC", "77s", "10min")


def test_each_statement_that_reads_alone_has_its_settings_and_writes_nothing(database: str) -> None:
    settings = "SELECT current_setting('TimeZone'), current_setting('transaction_read_only'), %s"
    with closing(connect("tens-insight test", statement_timeout_s=1)) as connection:
        connection.read_alone()
        with connection.cursor() as cursor:
            for _ in range(2):
                cursor.execute(settings, ("100%",))
                assert cursor.fetchone() == ("UTC", "on", "100%")
                assert connection.info.transaction_status == TRANSACTION_STATUS_IDLE
            cursor.execute("SELECT '100%'")
            with pytest.raises(ReadOnlySqlTransaction):
                cursor.execute("CREATE TABLE written (id int)")
            with pytest.raises(QueryCanceled):
                cursor.execute("SELECT pg_sleep(10)")
            cursor.execute(CHANGED, ([],))
            assert {name for name, _ in cursor.fetchall()} <= UNASKED | {
                # Of this statement's transaction, which ends with it.
                *("TimeZone", "lock_timeout", "statement_timeout"),
                *("idle_in_transaction_session_timeout", "quote_all_identifiers"),
            }


def test_one_snapshot_sees_one_state_and_ends_with_its_block(database: str) -> None:
    _work()
    count = "SELECT count(*) FROM tens_insight.publications"
    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        connection.read_alone()
        with connection.one_snapshot():
            cursor.execute(count)
            before = cursor.fetchone()
            _publish(3)
            cursor.execute(count)
            assert cursor.fetchone() == before
        assert connection.info.transaction_status == TRANSACTION_STATUS_IDLE
        cursor.execute(count)
        assert cursor.fetchone() != before
        with pytest.raises(ZeroDivisionError), connection.one_snapshot():
            raise ZeroDivisionError
        assert connection.info.transaction_status == TRANSACTION_STATUS_IDLE


@pytest.fixture
def pooled(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of the database through PgBouncer in transaction mode."""
    if PGBOUNCER is None:
        pytest.skip("PgBouncer is not installed")
    parts = urlsplit(database)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    host, port = query.get("host") or parts.hostname, query.get("port") or parts.port or 5432
    user = query.get("user") or parts.username
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        listening = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="tens-insight-pooler-"))
    folder.chmod(0o755)
    (folder / "users.txt").write_text(f'"{user}" "{parts.password or ""}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={host} port={port}\n[pgbouncer]\npool_mode = transaction\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {listening}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users.txt\ndefault_pool_size = 3\n"
        f"server_lifetime = 3600\nlogfile = /dev/null\n"
    )
    if os.getuid() == 0:  # PgBouncer refuses to run as root
        nobody = pwd.getpwnam("nobody")
        started = {"user": nobody.pw_uid, "group": nobody.pw_gid}
    else:
        started = {}
    process = subprocess.Popen(
        [PGBOUNCER, str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL, **started
    )
    url = f"postgresql://{user}@127.0.0.1:{listening}{parts.path}"
    try:
        _answers(url)
        monkeypatch.setenv("DATABASE_URL", url)
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _answers(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            return psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_through_a_pooler_later_clients_find_its_defaults(pooled: str) -> None:
    _work()
    clients = [psycopg2.connect(pooled) for _ in range(3)]
    backends = set()
    for client in clients:  # each holds a transaction open, and so a session of its own
        cursor = client.cursor()
        cursor.execute(CHANGED, (TRACKED,))
        assert cursor.fetchall() == []
        cursor.execute("SELECT pg_backend_pid()")
        backends.add(cursor.fetchone()[0])
    assert len(backends) == 3
    for client in clients:
        client.close()
