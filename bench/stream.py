"""How long it takes from the commit of a row of feedback to its published score.

    python -m bench.stream [--source scan] [--source slot] [--source kafka]
        [--rate 100] [--seconds 120]

Makes the demo (3,000 simulated accounts, a trained model), and streams with its model in a process
of its own, while a writer commits so many rows a second, each in a transaction of its own, and a
reader looks every 50 ms which scores are new. All of it shares the machine. A row counts as
published when the reader first sees a score of its account of a moment after the commit: what the
reader's own pause adds is in the figures. For Kafka the writer sends a message after each commit,
to Tansu, or to Apache Kafka where TEST_KAFKA_JARS names its jars. --state names a folder that a
former `demo run` made.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import kafka
import numpy as np
import psycopg2

from bench.kafka_broker import make_broker, make_topic
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

SOURCES: Final = ("scan", "slot", "kafka")
_SERVER: Final = {
    "wal_level": "logical",
    "max_wal_senders": "4",
    "max_slot_wal_keep_size": "4GB",
    "track_commit_timestamp": "on",
}
_PREPARE: Final = """
CREATE INDEX IF NOT EXISTS feedback_created ON feedback_enriched (created_at DESC);
CREATE INDEX IF NOT EXISTS feedback_account ON feedback_enriched (account_id);
DROP PUBLICATION IF EXISTS tens_insight;
CREATE PUBLICATION tens_insight FOR TABLE feedback_enriched (id, account_id, created_at)
    WITH (publish = 'insert, update, truncate');
"""
_COPY: Final = """
INSERT INTO feedback_enriched
SELECT (jsonb_populate_record(
            NULL::feedback_enriched,
            to_jsonb(one) || jsonb_build_object('id', %s::text, 'created_at', clock_timestamp()))).*
FROM feedback_enriched AS one WHERE account_id = %s LIMIT 1
RETURNING row_to_json(feedback_enriched)::text"""
_TOPIC: Final = "feedback_enriched"
_UNPUBLISHED: Final = """
SELECT count(*)
FROM feedback_enriched JOIN account_risk_scores USING (account_id)
WHERE pg_xact_commit_timestamp(feedback_enriched.xmin) >= predicted_at"""
"""Rows that were committed after the moment of their account's score."""
_LOOK_S: Final = 0.05
_LAX: Final = {
    "TENS_INSIGHT_MAX_MEAN_SHIFT": "1",
    "TENS_INSIGHT_MAX_CATEGORY_SHIFT": "1",
    "TENS_INSIGHT_MAX_MOVED_SHARE": "1",
}


@dataclass
class Written:
    """Rows that were committed and are not published yet: account and moment of the commit."""

    waiting: dict[str, list[datetime]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    latencies: list[float] = field(default_factory=list)
    rows: int = 0

    def committed(self, account: str, moment: datetime) -> None:
        """Notes a row."""
        with self.lock:
            self.waiting.setdefault(account, []).append(moment)
            self.rows += 1

    def seen(self, account: str, predicted_at: datetime, now: datetime) -> None:
        """Notes that a score is there."""
        with self.lock:
            left = []
            for moment in self.waiting.pop(account, []):
                if predicted_at >= moment:
                    self.latencies.append((now - moment).total_seconds())
                else:
                    left.append(moment)
            if left:
                self.waiting[account] = left


def run(arguments: Sequence[str], environment: dict[str, str]) -> None:
    """Runs a command of ours."""
    subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def write(
    url: str,
    accounts: Sequence[str],
    rate: float,
    ending: threading.Event,
    written: Written,
    tell: Callable[[str], object],
) -> None:
    """Commits rows at a rate until the end, and tells each of them."""
    dice = random.Random(1)  # noqa: S311 -- it chooses accounts
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            due = time.monotonic()
            while not ending.is_set():
                account = dice.choice(accounts)
                cursor.execute(_COPY, (f"S-{uuid.uuid4()}", account))
                written.committed(account, datetime.now(timezone.utc))
                ((row,),) = cursor.fetchall()
                tell(row)
                due += 1 / rate
                time.sleep(max(0.0, due - time.monotonic()))


def look(url: str, ending: threading.Event, written: Written) -> None:
    """Looks for new scores until the end."""
    newest = datetime.now(timezone.utc)
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not ending.is_set():
                cursor.execute(
                    "SELECT account_id, predicted_at FROM account_risk_scores "
                    "WHERE predicted_at > %s",
                    (newest,),
                )
                rows, now = cursor.fetchall(), datetime.now(timezone.utc)
                for account, predicted_at in rows:
                    written.seen(account, predicted_at, now)
                    newest = max(newest, predicted_at)
                time.sleep(_LOOK_S)


def measure(
    source: str, url: str, environment: dict[str, str], rate: float, seconds: float
) -> dict[str, object]:
    """Streams from one source, and returns the figures."""
    if source != "kafka":
        return _measure(source, url, environment, rate, seconds, tell=lambda row: None)
    broker = make_broker()
    bootstrap = broker.start()
    try:
        make_topic(bootstrap, _TOPIC)
        producer = kafka.KafkaProducer(bootstrap_servers=bootstrap)
        numbers = itertools.count()

        def tell(row: str) -> None:
            producer.send(_TOPIC, row.encode(), partition=next(numbers) % 3)

        found = _measure(
            source, url, environment | {"KAFKA_BOOTSTRAP": bootstrap}, rate, seconds, tell=tell
        )
        producer.close()
    finally:
        broker.remove()
    return {**found, "broker": type(broker).__name__}


def _measure(
    source: str,
    url: str,
    environment: dict[str, str],
    rate: float,
    seconds: float,
    tell: Callable[[str], object],
) -> dict[str, object]:
    mine = environment | {"TENS_INSIGHT_STREAM_SOURCE": source}
    run(["stream", "--once"], mine)  # the first time all are scored
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT account_id FROM account_risk_scores ORDER BY 1")
        accounts = [account for (account,) in cursor.fetchall()]
    streaming = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "stream"],
        env=mine,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert streaming.stdout is not None
    streaming.stdout.readline()  # it has loaded the model
    time.sleep(3)
    before = _cpu_seconds(streaming.pid)
    written, ending, looking = Written(), threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=write, args=(url, accounts, rate, ending, written, tell)),
        threading.Thread(target=look, args=(url, looking, written)),
    ]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    ending.set()
    threads[0].join()
    deadline = time.monotonic() + 60
    # The writer notes a commit a moment later than it is, so the database is asked: a row whose
    # score came in that moment is not missing.
    while unpublished_rows(url) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)  # the reader sees the last ones
    unpublished = unpublished_rows(url)
    looking.set()
    threads[1].join()
    cpu, memory = _cpu_seconds(streaming.pid) - before, _peak_mb(streaming.pid)
    streaming.send_signal(signal.SIGTERM)
    said = streaming.stdout.read().strip().splitlines()[-1:]
    code = streaming.wait(60)
    p50, p95, p99 = np.percentile(written.latencies, [50, 95, 99])
    return {
        "source": source,
        "rows": written.rows,
        "rate": round(written.rows / seconds, 1),
        "accounts": len(accounts),
        "p50_s": round(float(p50), 2),
        "p95_s": round(float(p95), 2),
        "p99_s": round(float(p99), 2),
        "max_s": round(max(written.latencies), 2),
        "unpublished": unpublished,
        "stream_cpu_s": round(cpu, 1),
        "stream_memory_mb": round(memory),
        "exit_code": code,
        "said": said,
    }


def unpublished_rows(url: str) -> int:
    """Returns how many rows of the writer are in no score."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_UNPUBLISHED)
        ((count,),) = cursor.fetchall()
        return int(count)


def _prepare(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_PREPARE)


def _cpu_seconds(pid: int) -> float:
    """Returns the processor seconds that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    """Returns the most memory that a process held, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line of JSON for each source."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream", description=__doc__)
    parser.add_argument("--source", action="append", choices=SOURCES)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--state", type=Path, help="that `demo run` made; kept, and changed")
    options = parser.parse_args(arguments)
    folder = options.state or Path(tempfile.mkdtemp(prefix="bench-stream-"))
    folder.chmod(0o711)  # as root the server runs as nobody, who must pass to its own folder
    environment = {**os.environ, "TENS_INSIGHT_STATE_DIR": str(folder), **_LAX}
    try:
        if options.state is None:
            run(["demo", "run"], environment)
        run(["demo", "stop"], environment)
        server = EmbeddedPostgres(folder, settings=_SERVER)
        environment["DATABASE_URL"] = url = server.start()
        try:
            _prepare(url)
            for source in options.source or SOURCES:
                figures = measure(source, url, environment, options.rate, options.seconds)
                print(json.dumps(figures), flush=True)
        finally:
            server.stop()
    finally:
        if options.state is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
