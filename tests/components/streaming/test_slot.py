"""The stream by logical decoding, on a server that has it switched on."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace

import psycopg2
import pytest

from components.errors import ContractBroken, DatabaseUnreachable
from components.postgres.connection import connect
from components.postgres.migrate import migrate
from components.postgres.queries import queries
from components.postgres.rows import records
from components.streaming.position import remove_positions
from components.streaming.slot import SlotSource
from components.streaming.step import Step, Stream
from pipeline.alerts.conditions import stream_behind
from pipeline.alerts.facts import StreamState
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.settings import load_settings
from pipeline.stream.loop import Loop
from tests.components.conftest import FeedbackTables
from tests.components.streaming.streamed import (
    now,
    opened,
    run,
    stream,
    table,
    write,
    wrong_scores,
)
from tests.server_folder import make_server_folder

ACCOUNTS = [f"ACC-{n}" for n in range(8)]
PUBLISH = (
    "CREATE PUBLICATION tens_insight FOR TABLE feedback_enriched (id, account_id, created_at) "
    "WITH (publish = 'insert, update, truncate')"
)


@pytest.fixture(scope="module")
def logical_server() -> Iterator[EmbeddedPostgres]:
    folder = make_server_folder("logical")
    settings = {
        "wal_level": "logical",
        "max_wal_senders": "4",
        "synchronous_commit": "on",  # what is not in the log yet is not told
        "max_slot_wal_keep_size": "64MB",
        "max_wal_size": "64MB",
    }
    server = EmbeddedPostgres(folder, durable=False, settings=settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def world(
    logical_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FeedbackTables]:
    """Eight accounts that a run has scored, and a publication for the slot."""
    admin = logical_server.url("postgres")
    execute(admin, "DROP DATABASE IF EXISTS streamed WITH (FORCE)")
    execute(admin, "CREATE DATABASE streamed TEMPLATE template0")
    url = logical_server.url("streamed")
    monkeypatch.setenv("DATABASE_URL", url)
    with closing(connect("tens-insight test")) as connection:
        migrate(connection)
    made = FeedbackTables(url)
    for days in (1, 3, 20):
        write(made, *ACCOUNTS, ago=days)
    made.execute("CREATE INDEX ON feedback_enriched (created_at DESC)")
    made.execute(PUBLISH)
    run(made)
    yield made
    execute(
        admin,
        "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE active",
    )
    execute(admin, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def execute(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


def slot_stream(**changes: object) -> Stream:
    return stream(source=SlotSource("tens_insight", "tens_insight"), **changes)  # type: ignore[arg-type]


def settled(one: Stream) -> list[Step]:
    steps = [one.step()]
    while steps[-1].sweeping:
        steps.append(one.step())
    return steps


def found(one: Stream) -> Step:
    """Does steps until one finds something: what was told may be on its way."""
    deadline = time.monotonic() + 20
    while not (step := one.step()).wrote:
        assert time.monotonic() < deadline, "nothing is found"
    return step


def alerted(world: FeedbackTables) -> str:
    """Returns the sentence of the alert of the stream, by what the server says; empty if none."""
    with closing(psycopg2.connect(world.url)) as connection, connection.cursor() as cursor:
        cursor.execute(queries("pipeline.alerts")["streams"], {"slot": "tens_insight"})
        streams = records(cursor, StreamState)
    of_database = SimpleNamespace(streams=streams, stream_refused=None)
    known = SimpleNamespace(now=now(world), database=of_database)
    return " ".join(one.sentence for one in stream_behind(known, load_settings()))  # type: ignore[arg-type]


def test_rows_are_told_as_they_commit(world: FeedbackTables) -> None:
    with opened(slot_stream()) as one:
        steps = settled(one)
        assert sum(step.due for step in steps) == 8
        before = now(world)
        write(world, "ACC-1", "ACC-5", "new", ago=40)
        write(world, "ACC-2")
        wrote = {"ACC-1", "ACC-2", "ACC-5"}
        while not wrote <= {name for name, (_, at) in table(world).items() if at > before}:
            one.step()
    assert not wrong_scores(world)


def test_a_look_waits_for_what_the_server_still_has_to_tell(
    world: FeedbackTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine, and where more was written than a socket holds."""
    monkeypatch.setattr("components.streaming.slot._SILENCE_S", 20.0)
    with opened(slot_stream()) as one:
        settled(one)
        one.step()
        ((sender,),) = world.execute("SELECT active_pid FROM pg_replication_slots")
        os.kill(sender, signal.SIGSTOP)
        write(world, "ACC-1")
        write(world, "ACC-7")
        world.execute("SELECT pg_switch_wal()")  # the server of the tests commits to memory alone
        threading.Timer(0.3, os.kill, (sender, signal.SIGCONT)).start()
        assert one.step().wrote == 2
        begun = time.monotonic()
        assert one.step().wrote == 0
        assert time.monotonic() - begun < 20, "it waits, though nothing is left to be told"
    assert not wrong_scores(world)


def test_what_was_told_and_not_committed_is_told_again(world: FeedbackTables) -> None:
    with opened(slot_stream()) as one:
        settled(one)
        write(world, "ACC-3")

        def killed() -> None:
            raise KeyboardInterrupt

        one.before_commit = killed
        with pytest.raises(KeyboardInterrupt):
            found(one)
    before = now(world)
    with opened(slot_stream()) as other:
        assert found(other).wrote == 1
    assert {name for name, (_, at) in table(world).items() if at > before} == {"ACC-3"}
    with opened(slot_stream()) as other:
        assert [other.step().wrote for _ in range(20)] == [0] * 20
    assert not wrong_scores(world)


def test_long_transactions_are_told_whole_and_late(world: FeedbackTables) -> None:
    with opened(slot_stream()) as one, closing(psycopg2.connect(world.url)) as slow:
        settled(one)
        with slow.cursor() as cursor:
            cursor.execute("SAVEPOINT inner_one")
            row = world.row(account_id="ACC-3", created_at=now(world))
            cursor.execute(
                f"INSERT INTO feedback_enriched ({', '.join(row)}) "
                f"VALUES ({', '.join(['%s'] * len(row))})",
                list(row.values()),
            )
            write(world, "ACC-4")
            assert found(one).wrote == 1
            before = now(world)
        slow.commit()
        assert found(one).wrote == 1
        assert {name for name, (_, at) in table(world).items() if at > before} == {"ACC-3"}
    assert not wrong_scores(world)


def test_feedback_of_the_future_counts_when_its_moment_has_come(world: FeedbackTables) -> None:
    with opened(slot_stream()) as one:
        settled(one)
        moment = now(world) + timedelta(seconds=1.5)
        world.add([{"account_id": "ACC-7", "created_at": moment}])
        assert found(one).as_of < moment
        assert found(one).as_of > moment
        assert [one.step().wrote for _ in range(5)] == [0] * 5
    assert not wrong_scores(world)


def test_feedback_of_the_future_that_was_there_before_the_slot_counts(
    world: FeedbackTables,
) -> None:
    moment = now(world) + timedelta(seconds=2)
    world.add([{"account_id": "ACC-7", "created_at": moment}])
    with opened(slot_stream()) as one:
        assert settled(one)[-1].as_of < moment
        assert found(one).as_of > moment
    assert table(world)["ACC-7"][1] > moment


def test_a_slot_that_was_dropped_is_found_and_all_are_scored_again(world: FeedbackTables) -> None:
    with opened(slot_stream()) as one:
        settled(one)
    write(world, "ACC-6")
    before = now(world)
    execute(world.url, "SELECT pg_drop_replication_slot('tens_insight')")
    with opened(slot_stream()) as one:
        steps = settled(one)
        assert "no replication slot tens_insight any more" in steps[0].lost
        assert {name for name, (_, at) in table(world).items() if at > before} == set(ACCOUNTS)
        write(world, "ACC-7")
        assert found(one).wrote == 1
    assert not wrong_scores(world)


def test_once_waits_for_what_the_server_has_to_tell(world: FeedbackTables) -> None:
    loop = Loop(slot_stream(), pause_s=1, patience_s=1, tell=print)
    loop.run(once=True)
    for account in ACCOUNTS[:4]:
        write(world, account)
    world.execute("CREATE TABLE loud AS SELECT generate_series(1, 100000)")
    assert Loop(slot_stream(), pause_s=1, patience_s=1, tell=print).run(once=True).wrote == 4
    assert not wrong_scores(world)


def test_a_stream_that_was_stopped_costs_a_bounded_log_and_catches_up(
    world: FeedbackTables,
) -> None:
    with opened(slot_stream()) as one:
        settled(one)
    write(world, "ACC-6")
    world.execute("CREATE TABLE loud (words text)")
    told = [alerted(world)]
    for _ in range(9):
        world.execute("INSERT INTO loud SELECT repeat('x', 1000) FROM generate_series(1, 16000)")
        execute(world.url, "CHECKPOINT")
        told.append(alerted(world))
    ((kept, status),) = world.execute(
        "SELECT pg_current_wal_lsn() - restart_lsn, wal_status FROM pg_replication_slots"
    )
    assert status == "lost"
    assert kept is None
    # It is told from half of the bound on, before the log is dropped.
    assert told[0] == ""
    first = next(one for one in told if one)
    assert "MB of its log for the replication slot tens_insight" in first
    assert "dropped the log" in told[-1]
    with opened(slot_stream()) as one:
        steps = settled(one)
    assert "max_slot_wal_keep_size" in steps[0].lost
    assert not wrong_scores(world)


def test_the_log_is_let_go_while_others_write(world: FeedbackTables) -> None:
    world.execute("CREATE TABLE loud (words text)")
    with opened(slot_stream()) as one:
        settled(one)
        ((before,),) = world.execute("SELECT confirmed_flush_lsn FROM pg_replication_slots")
        world.execute("INSERT INTO loud SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
        for _ in range(30):
            one.step()
        write(world, "ACC-1")
        found(one)
        for _ in range(200):
            ((after,),) = world.execute(
                f"SELECT confirmed_flush_lsn - '{before}' FROM pg_replication_slots"
            )
            if after > 1_000_000:
                break
            time.sleep(0.02)
    assert after > 1_000_000


def test_a_truncated_table_makes_everyone_due(world: FeedbackTables) -> None:
    with opened(slot_stream()) as one:
        settled(one)
        world.execute("TRUNCATE feedback_enriched")
        write(world, "ACC-1")
        for _ in range(200):
            step = one.step()
            if step.lost:
                break
        assert "truncated" in step.lost
        settled(one)
    assert not [one for one in wrong_scores(world) if one.startswith("ACC-1 ")]


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ("DROP PUBLICATION tens_insight", "CREATE PUBLICATION tens_insight FOR TABLE"),
        (
            "DROP PUBLICATION tens_insight; CREATE PUBLICATION tens_insight "
            "FOR TABLE feedback_enriched",
            "sends the text of the feedback",
        ),
        (
            "DROP PUBLICATION tens_insight; CREATE PUBLICATION tens_insight "
            "FOR TABLE feedback_enriched (id)",
            "leaves a column, inserts or updates out",
        ),
        (
            "CREATE ROLE other LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA tens_insight TO other; "
            "GRANT USAGE ON SCHEMA tens_insight TO other; SET SESSION AUTHORIZATION other",
            "ALTER ROLE other REPLICATION",
        ),
    ],
)
def test_what_a_slot_needs_is_said(
    world: FeedbackTables, monkeypatch: pytest.MonkeyPatch, harm: str, sentence: str
) -> None:
    world.execute(harm)
    if "other" in harm:
        monkeypatch.setenv("DATABASE_URL", world.url.replace("postgres&", "other&"))
        monkeypatch.setenv("DATABASE_URL", f"{world.url}&user=other")
    with pytest.raises(ContractBroken) as caught:
        slot_stream().open()
    assert sentence in str(caught.value)


def test_a_server_without_logical_decoding_is_refused(feedback: FeedbackTables) -> None:
    with pytest.raises(ContractBroken) as caught:
        slot_stream().open()
    for said in (
        "wal_level is minimal",
        "max_slot_wal_keep_size",
        "max_wal_senders = 10",
        "CREATE PUBLICATION",
    ):
        assert said in str(caught.value)
    assert ";;" not in str(caught.value)


def test_streaming_is_ended_for_good(world: FeedbackTables) -> None:
    with opened(slot_stream()) as one:
        settled(one)
    # The server may need a moment to know that the reader is gone.
    deadline = time.monotonic() + 20
    while world.execute("SELECT FROM pg_replication_slots WHERE active"):
        assert time.monotonic() < deadline, "the slot stays in use"
        time.sleep(0.02)
    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        assert remove_positions(cursor, "tens_insight") == (1, 1)
        assert remove_positions(cursor, "tens_insight") == (0, 0)
        connection.commit()
    assert world.execute("SELECT count(*) FROM pg_replication_slots") == [(0,)]


def test_a_slot_in_use_is_waited_for(world: FeedbackTables) -> None:
    with opened(slot_stream()) as one:
        settled(one)
        one.step()
        other = SlotSource("tens_insight", "tens_insight")
        other.open()
        with pytest.raises(DatabaseUnreachable, match="in use by another process"):
            other._start(0)
        other.close()
