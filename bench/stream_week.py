"""What a stream costs that stood still for a week, and how long it takes to catch up.

    python -m bench.stream_week [--rows 700000] [--source slot] [--source kafka]

A week is not waited for: as many rows are written as a week of 100,000 a day brings, each committed
by itself, with dates of the last seven days, while nobody streams. Then `stream --once` does what
is left. Printed are the log that the server keeps for the slot meanwhile, how much of it was not
read at the end, how long catching up takes, and whether each score is that of a full rescoring at
its moment and no feedback is left without one. The model is that of bench/stream_torture.py, a hash
of the example.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg2

from bench.kafka_broker import Broker, make_broker
from bench.stream_torture import (
    ACCOUNTS,
    TABLE,
    Outcome,
    Teller,
    compare,
    insert_rows,
    publish_all,
    stream_until_killed,
)
from components.postgres.connection import connect
from components.postgres.migrate import migrate
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

SOURCES: Final = ("slot", "kafka")
_AT_ONCE: Final = 10_000
_SERVER: Final = {
    "wal_level": "logical",
    "max_wal_senders": "4",
    "max_slot_wal_keep_size": "4GB",
}
_COMMIT_EACH: Final = """
DO $$
DECLARE one feedback_enriched;
BEGIN
    FOR one IN SELECT * FROM staged LOOP
        INSERT INTO feedback_enriched SELECT one.*;
        COMMIT;
    END LOOP;
END $$"""
_KEPT: Final = (
    "SELECT coalesce(max(pg_current_wal_lsn() - restart_lsn), 0) FROM pg_replication_slots"
)
_UNREAD: Final = (
    "SELECT coalesce(max(pg_current_wal_lsn() - confirmed_flush_lsn), 0) FROM pg_replication_slots"
)


def measure(source: str, rows: int, folder: Path) -> dict[str, Any]:
    """Lets one source stand still, and catch up; returns the figures."""
    server = EmbeddedPostgres(folder / source, settings=_SERVER)
    broker = make_broker() if source == "kafka" else None
    os.environ["DATABASE_URL"] = url = server.start()
    try:
        if broker is not None:
            broker.start()
        return _on_server(source, rows, url, broker, random.Random(1))  # noqa: S311 -- chooses rows
    finally:
        if broker is not None:
            broker.remove()
        server.stop()


def _on_server(
    source: str, rows: int, url: str, broker: Broker | None, dice: random.Random
) -> dict[str, Any]:
    with closing(connect("tens-insight bench")) as own:
        migrate(own)
    teller = Teller(broker)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        accounts = [f"ACC-{number}" for number in range(ACCOUNTS)]
        insert_rows(cursor, accounts, lambda: dice.uniform(8, 20), dice)
        connection.commit()
        publish_all(url)
        stream_until_killed(source, broker, once=True)
        connection.autocommit = True
        cursor.execute("CREATE TEMPORARY TABLE staged (LIKE feedback_enriched)")
        cursor.execute("SET synchronous_commit = off")
        for start in range(0, rows, _AT_ONCE):
            # As they came: from seven days ago until now.
            age = 7 * (1 - start / rows)
            names = dice.choices(accounts, k=min(_AT_ONCE, rows - start))
            written = insert_rows(
                cursor, names, lambda age=age: age * dice.random(), dice, table="staged"
            )
            cursor.execute(_COMMIT_EACH)
            cursor.execute("TRUNCATE staged")
            teller.tell(written, dice)
        teller.flush()
        kept = _mb(cursor, _KEPT)
        begun = time.monotonic()
        stream_until_killed(source, broker, once=True)
        seconds, unread = time.monotonic() - begun, _mb(cursor, _UNREAD)
    outcome = Outcome()
    compare(outcome, url)
    return {
        "kept_mb": kept,
        "unread_mb": unread,
        "seconds": round(seconds, 1),
        "wrong": len(outcome.wrong),
        "lost": len(outcome.lost),
    }


def _mb(cursor: Any, query: str) -> float:
    cursor.execute(query)
    ((size,),) = cursor.fetchall()
    return round(float(size) / 2**20, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each source; ends with 1 unless nothing is wrong or lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream_week", description=__doc__)
    parser.add_argument("--rows", type=int, default=700_000)
    parser.add_argument("--source", action="append", choices=SOURCES)
    options = parser.parse_args(arguments)
    sound = True
    for source in options.source or SOURCES:
        folder = Path(tempfile.mkdtemp(prefix="stream-week-"))
        folder.chmod(0o711)  # as root the server runs as nobody, who must pass to its own folder
        try:
            found = measure(source, options.rows, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{source}: {options.rows} rows, {found}", flush=True)
        sound &= not (found["wrong"] or found["lost"])
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
