"""Readers of one snapshot see one state, whatever is written meanwhile."""

from contextlib import closing
from datetime import datetime, timedelta, timezone

import psycopg2.errors
import pytest

from components.errors import ContractBroken, DatabaseUnreachable
from components.feedback_example_gen.reading.database_snapshot import (
    exported_snapshot,
    join_snapshot,
)
from components.postgres.connection import connect


def _execute(statement: str) -> None:
    with closing(connect("tens-insight test")) as writer, writer, writer.cursor() as cursor:
        cursor.execute(statement)


def _count(connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM numbers")
        return cursor.fetchone()[0]


@pytest.fixture
def numbers(database: str) -> None:
    _execute("CREATE TABLE numbers AS SELECT generate_series(1, 10)")


def test_all_readers_see_the_state_of_the_export(numbers: None) -> None:
    with exported_snapshot() as snapshot:
        _execute("DELETE FROM numbers")
        with join_snapshot(snapshot.snapshot_id, "tens-insight reader 1") as one:
            assert _count(one) == 10
        with join_snapshot(snapshot.snapshot_id, "tens-insight reader 2") as two:
            assert _count(two) == 10
        assert _count(snapshot.connection) == 10


def test_now_is_the_servers_in_utc(database: str) -> None:
    with exported_snapshot() as snapshot:
        assert snapshot.now.tzinfo is timezone.utc
        assert abs(snapshot.now - datetime.now(timezone.utc)) < timedelta(minutes=5)


def test_readers_cannot_write(numbers: None) -> None:
    with exported_snapshot() as snapshot:
        with (
            pytest.raises(DatabaseUnreachable, match="read-only"),
            join_snapshot(snapshot.snapshot_id, "tens-insight reader") as reader,
        ):
            reader.cursor().execute("DELETE FROM numbers")
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            snapshot.connection.cursor().execute("DELETE FROM numbers")


def test_the_exporter_may_idle_for_long(database: str) -> None:
    with exported_snapshot() as snapshot, snapshot.connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("0",)


def test_a_dead_snapshot_is_named(database: str) -> None:
    with exported_snapshot() as snapshot:
        pass
    with (
        pytest.raises(DatabaseUnreachable, match=f"{snapshot.snapshot_id}.* is gone"),
        join_snapshot(snapshot.snapshot_id, "tens-insight reader"),
    ):
        pytest.fail("there is nothing to join")


def test_a_snapshot_of_another_database_is_refused(
    database: str, postgres_server, monkeypatch
) -> None:
    other = postgres_server.create_database()
    try:
        with exported_snapshot() as snapshot:
            monkeypatch.setenv("DATABASE_URL", postgres_server.url(other))
            with (
                pytest.raises(DatabaseUnreachable, match="another database"),
                join_snapshot(snapshot.snapshot_id, "tens-insight reader"),
            ):
                pytest.fail("there is nothing to join")
    finally:
        postgres_server.drop_database(other)


def test_a_readers_missing_table_is_explained(database: str) -> None:
    with (
        exported_snapshot() as snapshot,
        pytest.raises(ContractBroken, match="feedback_enriched"),
        join_snapshot(snapshot.snapshot_id, "tens-insight reader") as reader,
    ):
        reader.cursor().execute("SELECT FROM feedback_enriched")


def test_connections_are_closed(database: str) -> None:
    with exported_snapshot() as snapshot:
        with join_snapshot(snapshot.snapshot_id, "tens-insight reader") as reader:
            assert not reader.closed
        assert reader.closed
    assert snapshot.connection.closed
