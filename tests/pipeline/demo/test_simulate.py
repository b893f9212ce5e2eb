"""What a simulation writes, what it refuses, and what a killed one leaves."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.errors import ContractBroken
from pipeline.demo.simulate import SimulatedWorld, last_midnight, simulate

END = datetime(2026, 6, 1, tzinfo=timezone.utc)


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with contextlib.closing(psycopg2.connect(database)) as opened:
        yield opened


def write(connection: Connection, **changed: object) -> SimulatedWorld:
    arguments = {"accounts": 120, "days": 100, "seed": 5, "scenario": "strong", "end": END}
    return simulate(connection, **{**arguments, **changed})  # type: ignore[arg-type]


def ask(connection: Connection, query: str) -> tuple:
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def contents(connection: Connection) -> tuple:
    return ask(
        connection,
        "SELECT (SELECT md5(string_agg(f::text, '|' ORDER BY id)) FROM feedback_enriched f),"
        " (SELECT md5(string_agg(c::text, '|' ORDER BY account_id)) FROM account_churn c)",
    )


def test_counts_and_dates_are_those_in_the_tables(connection: Connection) -> None:
    told = []
    world = write(connection, progress=lambda *numbers: told.append(numbers))
    rows, accounts, first, last, future = ask(
        connection,
        "SELECT count(*), count(DISTINCT account_id), min(created_at), max(created_at),"
        f" count(*) FILTER (WHERE created_at >= '{END}') FROM feedback_enriched",
    )
    assert (rows, future) == (world.rows, 0)
    assert 60 < accounts <= world.accounts == 120
    assert world.ended_at == END
    assert world.started_at == END - timedelta(weeks=15)
    assert world.started_at <= first < last < END
    churned, latest = ask(connection, "SELECT count(*), max(churned_at) FROM account_churn")
    assert churned == world.churned > 0
    assert latest < END
    assert told == [(120, 120)]
    record = "SELECT seed, scenario, accounts, days, started_at, ended_at, rows FROM "
    assert ask(connection, record + "tens_insight.simulated_worlds") == (
        *(5, "strong", 120, 100),
        *(world.started_at, END, rows),
    )


def test_accounts_write_nothing_once_they_left(connection: Connection) -> None:
    write(connection)
    later = (
        "SELECT count(*) FROM feedback_enriched JOIN account_churn USING (account_id)"
        " WHERE created_at >= churned_at"
    )
    assert ask(connection, later) == (0,)


def test_the_same_arguments_write_the_same_rows(connection: Connection) -> None:
    write(connection)
    first = contents(connection)
    write(connection, seed=6, replace=True)
    assert contents(connection) != first
    write(connection, replace=True)
    assert contents(connection) == first
    assert ask(connection, "SELECT count(*) FROM tens_insight.simulated_worlds") == (1,)


def test_the_goinsight_shape_is_recorded_and_may_be_replaced(connection: Connection) -> None:
    world = write(connection, accounts=400, shape="goinsight")
    assert ask(connection, "SELECT scenario, rows FROM tens_insight.simulated_worlds") == (
        "strong, goinsight",
        world.rows,
    )
    unfit = (
        "SELECT count(*) FROM feedback_enriched WHERE account_id = '' OR summary = '' OR"
        " btrim(product_area) = '' OR sentiment NOT IN ('positive', 'neutral', 'negative')"
    )
    assert ask(connection, unfit) == (0,)
    strangers = (
        "SELECT count(*) FROM account_churn c WHERE account_id ~ '[^ACac0-9-]' AND EXISTS"
        " (SELECT FROM feedback_enriched f WHERE f.account_id = c.account_id)"
    )
    assert ask(connection, strangers) > (0,)
    first = contents(connection)
    write(connection, accounts=400, shape="goinsight", replace=True)
    assert contents(connection) == first
    write(connection, replace=True)
    assert ask(connection, "SELECT scenario FROM tens_insight.simulated_worlds") == ("strong",)


def test_end_defaults_to_last_midnight(connection: Connection) -> None:
    before = last_midnight()
    assert write(connection, end=None).ended_at in (before, last_midnight())


def test_goinsights_indexes_are_there(connection: Connection) -> None:
    write(connection)
    indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = 'feedback_enriched'"
    assert ask(connection, indexes) == (8,)


def test_only_the_indexes_that_are_made_again_are_dropped(connection: Connection) -> None:
    write(connection)
    ask(
        connection,
        "DROP INDEX idx_feedback_region, idx_feedback_priority;"
        " CREATE INDEX idx_feedback_region ON feedback_enriched (region, topic);"
        " CREATE INDEX idx_feedback_priority ON feedback_enriched (priority) WHERE priority > 3;"
        " CREATE INDEX idx_feedback_topic ON feedback_enriched (topic); SELECT 1",
    )
    definitions = (
        "SELECT array_agg(indexdef ORDER BY indexname) FROM pg_indexes"
        " WHERE tablename IN ('feedback_enriched', 'account_churn')"
    )
    kept = (
        "SELECT 'idx_feedback_region'::regclass::oid, 'idx_feedback_priority'::regclass::oid,"
        " 'idx_feedback_topic'::regclass::oid, 'feedback_enriched_pkey'::regclass::oid"
    )
    renewed = "SELECT 'idx_feedback_created_at'::regclass::oid"
    before = [ask(connection, query) for query in (definitions, kept, renewed)]
    write(connection, replace=True)
    after = [ask(connection, query) for query in (definitions, kept, renewed)]
    assert after[:2] == before[:2]
    assert after[2] != before[2]


def test_foreign_feedback_is_neither_mixed_nor_deleted(connection: Connection) -> None:
    write(connection)
    add_foreign_row(connection)
    before = contents(connection)
    for allowed in ({}, {"replace": True}):
        with pytest.raises(ContractBroken, match="feedback_enriched .* no simulation wrote"):
            write(connection, **allowed)
        assert contents(connection) == before
    world = write(connection, delete_foreign=True)
    assert ask(connection, "SELECT count(*) FROM feedback_enriched") == (world.rows,)


def test_feedback_without_a_record_of_a_simulation_is_foreign(connection: Connection) -> None:
    write(connection)
    ask(connection, "DELETE FROM tens_insight.simulated_worlds RETURNING 1")
    with pytest.raises(ContractBroken, match="no simulation wrote"):
        write(connection, replace=True)


def test_foreign_churn_is_not_deleted(connection: Connection) -> None:
    write(connection)
    ask(connection, "INSERT INTO account_churn VALUES ('ACC-000001', '2020-01-01') RETURNING 1")
    with pytest.raises(ContractBroken, match=r"^account_churn "):
        write(connection, replace=True)


def test_a_simulated_world_is_replaced_only_when_told(connection: Connection) -> None:
    write(connection)
    before = contents(connection)
    with pytest.raises(ContractBroken, match="already holds a simulated world"):
        write(connection, seed=9)
    assert contents(connection) == before


def test_old_table_without_account_id_is_named(connection: Connection) -> None:
    ask(connection, "CREATE TABLE feedback_enriched (id text PRIMARY KEY); SELECT 1")
    with pytest.raises(ContractBroken, match="account_id|created_at"):
        write(connection)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scenario": "calm"}, "base, strong, null, harsh, regime"),
        ({"shape": "round"}, "'round'; there are plain, goinsight"),
        ({"accounts": 0}, "accounts is 0; expected 1 or more"),
        ({"days": 0}, "days is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"end": datetime(2026, 6, 1)}, "no time zone"),
    ],
)
def test_wrong_arguments_are_named(
    connection: Connection, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        write(connection, **wrong)
    assert ask(connection, "SELECT to_regclass('feedback_enriched')") == (None,)


def test_killed_simulation_leaves_what_was_there(connection: Connection, database: str) -> None:
    write(connection)
    before = contents(connection)
    code = (
        "import os, psycopg2; from pipeline.demo.simulate import simulate; "
        "simulate(psycopg2.connect(os.environ['DATABASE_URL']), accounts=200000, days=200, seed=1,"
        " scenario='base', replace=True, progress=lambda *_: print('writing', flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": database},
    ) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == b"writing\n"
        command.send_signal(signal.SIGKILL)
    until = time.monotonic() + 30
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    while ask(connection, others) != (1,) and time.monotonic() < until:
        time.sleep(0.05)
    assert contents(connection) == before


def add_foreign_row(connection: Connection) -> None:
    ask(
        connection,
        "INSERT INTO feedback_enriched VALUES ('real-1', now(), 'email', 'billing', 'neutral',"
        " 3, 'refund', 'EU', 'pro', 'ACC-ACME-001', 'text') RETURNING 1",
    )
