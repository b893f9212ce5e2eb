"""Whatever ends a publication, the table holds the old rows or the new ones, never a mixture."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from components.errors import DatabaseUnreachable, PublicationRefused
from components.postgres import connection as connections
from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.publication import Publication, Published
from components.publishing.publish import publish
from components.publishing.undo import Undone, undo
from tests.components.publishing.policies import publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
POLICY = publish_policy(max_count_change=0.5, max_mean_shift=0.5)
ROWS = 2_000
PATIENCE_S = 30.0


def scores(version: int) -> Iterator[tuple[object, ...]]:
    probability = version / 100
    moment = AS_OF + timedelta(days=version)
    for number in range(ROWS):
        account_id = f"ACC-{number}"
        yield (account_id, probability, 100 * (1 - probability), "low", moment, f"model-{version}")


def details(version: int) -> Iterator[tuple[object, ...]]:
    for row in scores(version):
        horizons = f'{{"60": {row[1]}}}'
        reasons = (f'[{{"text": "reason-{version}"}}]', "[]")
        yield (row[0], horizons, 9.0, 1.0, "active", -1.0, 0.0, *reasons, None, None)


def publish_version(version: int, rows: Any = None, detail_rows: Any = None) -> Published:
    return publish(
        ACCOUNT_RISK_SCORES,
        rows or (lambda: scores(version)),
        details=Details(detail_rows or (lambda: details(version)), horizon_days=60),
        publication=Publication(
            as_of=AS_OF + timedelta(days=version),
            model_version=f"model-{version}",
            label_source="inactivity",
            run_id=f"run-{version}",
            expected_rows=ROWS,
        ),
        policy=POLICY,
    )


def query(statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(connect("tens-insight test")) as reader, reader, reader.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def undo_newest() -> Undone:
    return undo(ACCOUNT_RISK_SCORES, reason="The test wants it.")


def history() -> list[tuple[str, int]]:
    """Returns how many rows of which model the history holds."""
    return query(
        "SELECT model_version, count(*) FROM tens_insight.account_risk_score_history "
        "GROUP BY 1 ORDER BY 1"
    )


def versions() -> list[tuple[str, int]]:
    """Returns how many rows of which model the table holds."""
    return query(
        "SELECT model_version, count(*) FROM public.account_risk_scores GROUP BY 1 ORDER BY 1"
    )


def detailed() -> list[tuple[str, int]]:
    """Returns how many rows of which model the details show, by what their reasons say."""
    return query(
        "SELECT replace(reasons -> 0 ->> 'text', 'reason', 'model'), count(*) "
        "FROM tens_insight.account_risk_details GROUP BY 1 ORDER BY 1"
    )


def publishers(state: str = "%") -> list[int]:
    """Returns the backends of publishers, by what they wait for."""
    rows = query(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name IN ('tens-insight publish', 'tens-insight undo') "
        "AND coalesce(wait_event_type, '') LIKE %s",
        state,
    )
    return [row[0] for row in rows]


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture
def published(migrated_database: str) -> None:
    publish_version(1)


SUBPROCESS = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("faults", sys.argv[1])
faults = importlib.util.module_from_spec(spec)
spec.loader.exec_module(faults)

def rows():
    for number, row in enumerate(faults.scores(2)):
        if sys.argv[2] == "copy" and number == faults.ROWS * 4 // 5:
            print("here", flush=True)
            time.sleep(600)
        yield row

def detail_rows():
    for number, row in enumerate(faults.details(2)):
        if sys.argv[2] == "details" and number == faults.ROWS * 4 // 5:
            print("here", flush=True)
            time.sleep(600)
        yield row

if sys.argv[2] == "undo":
    faults.undo_newest()
else:
    faults.publish_version(2, rows, detail_rows)
"""


@pytest.fixture
def publisher() -> Iterator[Any]:
    """Starts a publisher of version 2 in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(stop_at: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", SUBPROCESS, __file__, stop_at],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def _die(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not publishers())


@pytest.mark.parametrize("what", ["copy", "details"])
def test_killed_in_mid_copy_the_old_rows_stay(published: None, publisher: Any, what: str) -> None:
    process = publisher(what)
    assert process.stdout.readline() == "here\n"
    assert len(publishers()) == 1
    _die(process)
    assert versions() == history() == detailed() == [("model-1", ROWS)]
    publish_version(3)
    assert versions() == detailed() == [("model-3", ROWS)]


def test_killed_after_the_upsert_the_old_rows_stay(published: None, publisher: Any) -> None:
    # The log is written after the table: holding it stops the publisher between the two.
    with closing(connect("tens-insight test")) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE tens_insight.publications IN SHARE MODE")
        process = publisher("log")
        wait_until(lambda: publishers("Lock"))
        assert versions() == [("model-1", ROWS)]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: not publishers())
    assert versions() == history() == [("model-1", ROWS)]
    publish_version(3)
    assert versions() == [("model-3", ROWS)]
    assert history() == [("model-1", ROWS), ("model-3", ROWS)]


def _stopped_at(table: str, publisher: Any, what: str) -> None:
    """Kills a process that waits to write to a table which this test holds."""
    with closing(connect("tens-insight test")) as blocker, blocker.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
        process = publisher(what)
        wait_until(lambda: publishers("Lock"))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: not publishers())


@pytest.mark.parametrize("table", ["account_risk_score_history", "account_risk_detail_history"])
def test_killed_before_the_history_is_written_nothing_is_there(
    published: None, publisher: Any, table: str
) -> None:
    _stopped_at(f"tens_insight.{table}", publisher, "history")
    assert versions() == history() == detailed() == [("model-1", ROWS)]
    assert query("SELECT count(*) FROM tens_insight.publications") == [(1,)]
    publish_version(3)
    undo_newest()
    assert versions() == detailed() == [("model-1", ROWS)]


@pytest.mark.parametrize("table", ["public.account_risk_scores", "tens_insight.publications"])
def test_killed_in_mid_undo_the_newest_rows_stay(
    published: None, publisher: Any, table: str
) -> None:
    publish_version(3)
    _stopped_at(table, publisher, "undo")
    assert versions() == detailed() == [("model-3", ROWS)]
    assert query("SELECT count(undone_at) FROM tens_insight.publications") == [(0,)]
    undo_newest()
    assert versions() == detailed() == [("model-1", ROWS)]


def test_an_undo_whose_backend_ends_is_not_tried_again(published: None) -> None:
    publish_version(2)
    publish_version(3)
    errors: list[Exception] = []

    def undoing() -> None:
        try:
            undo_newest()
        except Exception as error:
            errors.append(error)

    with closing(connect("tens-insight test")) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE tens_insight.publications IN SHARE MODE")
        thread = threading.Thread(target=undoing)
        thread.start()
        wait_until(lambda: publishers("Lock"))
        query("SELECT pg_terminate_backend(%s)", publishers("Lock")[0])
        thread.join()
    assert "publications list" in str(errors[0])
    assert versions() == [("model-3", ROWS)]


def _killing(version: int, times: int, calls: Iterator[int]) -> Any:
    """Returns a source of rows during which the server ends its reader.

    Args:
        version: Of the rows.
        times: How often; later the reader gets all rows.
        calls: Counts how often the rows were asked for.
    """

    def rows() -> Iterator[tuple[object, ...]]:
        killing = next(calls) < times
        for number, row in enumerate(scores(version)):
            if killing and number == ROWS // 2:
                assert publishers()
                query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() "
                    "AND application_name = 'tens-insight publish'"
                )
                wait_until(lambda: not publishers())
            yield row

    return rows


def test_a_backend_ended_in_mid_copy_is_tried_again(published: None) -> None:
    calls = count()
    assert publish_version(2, _killing(2, 2, calls)).written == ROWS
    assert next(calls) == 3
    assert versions() == [("model-2", ROWS)]
    assert query("SELECT count(*) FROM tens_insight.publications") == [(2,)]


def test_a_backend_ended_every_time_is_a_clear_error(published: None) -> None:
    with pytest.raises(DatabaseUnreachable, match="broken off by the server"):
        publish_version(2, _killing(2, 4, count()))
    assert versions() == [("model-1", ROWS)]


def test_a_backend_ended_in_the_details_is_tried_again(published: None) -> None:
    calls = count()

    def dying() -> Iterator[tuple[object, ...]]:
        first = next(calls) == 0
        for number, row in enumerate(details(2)):
            if first and number == ROWS // 2:
                query("SELECT pg_terminate_backend(%s)", publishers()[0])
                wait_until(lambda: not publishers())
            yield row

    assert publish_version(2, detail_rows=dying).written == ROWS
    assert next(calls) == 2
    assert versions() == detailed() == [("model-2", ROWS)]


def test_the_second_of_two_publishers_waits(published: None) -> None:
    reached, go_on = threading.Event(), threading.Event()
    results: dict[int, Published] = {}

    def slow() -> Iterator[tuple[object, ...]]:
        reached.set()
        assert go_on.wait(PATIENCE_S)
        yield from scores(2)

    first = threading.Thread(target=lambda: results.update({2: publish_version(2, slow)}))
    second = threading.Thread(target=lambda: results.update({3: publish_version(3)}))
    first.start()
    assert reached.wait(PATIENCE_S)
    second.start()
    wait_until(lambda: publishers("Lock"))
    assert versions() == [("model-1", ROWS)]
    go_on.set()
    first.join()
    second.join()
    assert {version: result.written for version, result in results.items()} == {2: ROWS, 3: ROWS}
    assert versions() == [("model-3", ROWS)]


def test_a_publisher_that_waits_too_long_says_so(published: None, monkeypatch) -> None:
    monkeypatch.setattr(connections, "LOCK_TIMEOUT_S", 1)

    def rows() -> Iterator[tuple[object, ...]]:
        with pytest.raises(PublicationRefused, match="Another publication to account_risk_scores"):
            publish_version(3)
        yield from scores(2)

    publish_version(2, rows)
    assert versions() == [("model-2", ROWS)]


def test_an_undo_waits_for_the_publication_that_runs_and_undoes_that(published: None) -> None:
    undone: list[Undone] = []
    undoing = threading.Thread(target=lambda: undone.append(undo_newest()))

    def slow() -> Iterator[tuple[object, ...]]:
        undoing.start()
        wait_until(lambda: publishers("Lock"))
        yield from scores(2)

    published_now = publish_version(2, slow)
    undoing.join()
    assert undone[0].entry.publication_id == published_now.publication_id
    assert versions() == [("model-1", ROWS)]


def test_of_two_processes_with_one_waiting_the_older_as_of_ends_with_a_message(
    published: None, publisher: Any
) -> None:
    process = None

    def rows() -> Iterator[tuple[object, ...]]:
        nonlocal process
        process = publisher("wait")  # publishes version 2 in a process of its own
        wait_until(lambda: publishers("Lock"))
        yield from scores(3)

    publish_version(3, rows)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "an older run never replaces a newer one" in said
    assert versions() == [("model-3", ROWS)]


def test_the_older_of_two_publishers_loses(published: None) -> None:
    publish_version(3)
    with pytest.raises(PublicationRefused, match="an older run never replaces a newer one"):
        publish_version(2)
    assert versions() == [("model-3", ROWS)]


def test_readers_see_whole_versions_only(published: None) -> None:
    seen: set[tuple[tuple[str, int], ...]] = set()
    stop = threading.Event()

    def read() -> None:
        with closing(connect("tens-insight test")) as reader, reader.cursor() as cursor:
            reader.autocommit = True
            while not stop.is_set():
                # One statement is one snapshot: every row of it with the reason of its model.
                cursor.execute(
                    "SELECT model_version, count(*) FROM public.account_risk_scores AS score "
                    "JOIN tens_insight.account_risk_details AS detail "
                    "USING (account_id, model_version) "
                    "WHERE reasons -> 0 ->> 'text' = replace(model_version, 'model', 'reason') "
                    "GROUP BY 1"
                )
                seen.add(tuple(cursor.fetchall()))

    reading = threading.Thread(target=read)
    reading.start()
    try:
        for version in range(2, 6):
            publish_version(version)
    finally:
        stop.set()
        reading.join()
    assert seen <= {((f"model-{version}", ROWS),) for version in range(1, 6)}
    assert len(seen) > 1
