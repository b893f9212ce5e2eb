"""A server that dies in any direction of COPY is a lost connection, and no row gets into a log."""

import io
import traceback
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from components.errors import DatabaseUnreachable
from components.postgres.connection import connect
from components.postgres.copying import copy_in, copy_out
from components.postgres.failures import ServerBrokeOff, explained, lost_connection
from components.postgres.retry import retried

ROW = "ACC-SECRET\t0.123456\n"


class Deadly(io.StringIO):
    """A file that ends the backend which it is copied to or from, in the middle."""

    def __init__(self, kill: Callable[[], None]):
        super().__init__()
        self.kill, self.calls = kill, 0

    def _count(self) -> int:
        self.calls += 1
        if self.calls == 3:
            self.kill()
        return self.calls

    def read(self, size: int | None = -1) -> str:
        return ROW * 5_000 if self._count() < 8 else ""

    readline = read  # type: ignore[assignment]

    def write(self, text: Any) -> int:
        self._count()
        return len(text)


def _terminated(database: str, pid: int) -> None:
    with closing(psycopg2.connect(database)) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def _copies_in(cursor: Any, file: Deadly) -> None:
    cursor.execute("CREATE TEMPORARY TABLE staged (account_id text, churn_probability float8)")
    copy_in(cursor, "COPY staged FROM STDIN", file)


def _copies_out(cursor: Any, file: Deadly) -> None:
    rows = "SELECT 'ACC-SECRET', n FROM generate_series(1, 2000000) AS n"
    copy_out(cursor, f"COPY ({rows}) TO STDOUT", file)


def _idles(cursor: Any, file: Deadly) -> None:
    file.kill()
    cursor.execute("SELECT 1")


@pytest.mark.parametrize("dying", [_copies_in, _copies_out, _idles])
def test_a_backend_that_dies_is_a_lost_connection(
    database: str, dying: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    done: list[int] = []
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        with closing(connect("tens-insight test")) as connection, explained(connection):
            pid = connection.info.backend_pid
            with connection, connection.cursor() as cursor:
                if len(done) < 1:
                    done.append(pid)
                    dying(cursor, Deadly(lambda: _terminated(database, pid)))
                cursor.execute("SELECT 1")

    with pytest.raises(ServerBrokeOff) as broken:
        work()
    assert "ACC-SECRET" not in "".join(traceback.format_exception(broken.value))
    done.clear()
    tries.clear()
    retried(work, patience_s=9, sleep=lambda _: None)
    assert len(tries) == 2
    # psycopg2 itself would print the row that the server was at.
    assert capfd.readouterr().err.count("Traceback") == 0


def test_the_socket_tells_what_libpq_has_not_noticed(database: str) -> None:
    with closing(connect("tens-insight test")) as connection:
        bare = psycopg2.DatabaseError("error with status PGRES_COPY_BOTH and no message")
        assert not lost_connection(bare, connection)
        _terminated(database, connection.info.backend_pid)
        assert (connection.closed, connection.info.status) == (0, 0)
        assert lost_connection(bare, connection)
        assert not lost_connection(psycopg2.ProgrammingError("can't adapt type"), connection)


def test_an_error_of_the_file_itself_is_not_a_lost_connection(database: str) -> None:
    def fails() -> None:
        raise ValueError("the source")

    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.QueryCanceled) as raised:
            _copies_in(cursor, Deadly(fails))
        assert not lost_connection(raised.value, connection)


def test_what_the_server_says_of_a_row_is_in_no_traceback(database: str) -> None:
    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$; "
            "CREATE TABLE target (account_id text, churn_probability float8); "
            "CREATE TRIGGER full_disk BEFORE INSERT ON target FOR EACH ROW "
            "EXECUTE FUNCTION full_disk()"
        )
        with (
            pytest.raises(DatabaseUnreachable, match="out of resources") as raised,
            explained(connection),
        ):
            copy_in(cursor, "COPY target FROM STDIN", io.StringIO(ROW))
    assert "ACC-SECRET" not in "".join(traceback.format_exception(raised.value))
