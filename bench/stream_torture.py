"""Kills `tens-insight stream` at random moments, and compares the table with a full rescoring.

    python -m bench.stream_torture [--kills 100] [--source scan] [--source slot] [--source kafka]

A writer adds feedback without a pause, in transactions of different length and order; a run
publishes all accounts now and then; the process that streams is ended with kill -9 at random
moments and started again. At the end it does what is left. Then every score must be, to the last
bit, that of a full rescoring at its moment, no account may have written after that, and each
publication must hold what its line says. Nothing is trained: the model's answer is a hash of the
example, so that any event too many or too few shows. Ends with exit code 1 unless all of it holds.

For Kafka each row is told by a message, before its commit or after it, and some messages are no
rows; with Apache Kafka (TEST_KAFKA_JARS) the broker is killed and started again at times too.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import kafka
import psycopg2
from psycopg2.extras import execute_values

from bench.kafka_broker import Broker, as_message, make_broker, make_topic
from bench.stream_ground import MODEL, said, scored_at, wrong
from bench.torture_ground import Child
from components.account_scorer.config import AccountScorerConfig
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.postgres.connection import connect
from components.postgres.migrate import migrate
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish import publish
from components.streaming.champion import StreamChampion
from components.streaming.config import StreamConfig
from components.streaming.kafka import KafkaSource
from components.streaming.scan import ScanSource
from components.streaming.slot import SlotSource
from components.streaming.step import Source, Stream, StreamSettings
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.stream.loop import Loop
from serving_model.served.risk_bands import RiskBands

SOURCES: Final = ("scan", "slot", "kafka")
_NO_ROWS: Final = (b"no JSON", b"{}", None)
ACCOUNTS: Final = 400
_READING: Final = FeedbackExampleGenConfig(lookback_days=30, horizon_days=10, max_events=50)
_SCORING: Final = AccountScorerConfig(
    max_count_change=99.0, max_mean_shift=1.0, max_category_shift=1.0, max_moved_share=1.0
)
_STREAMING: Final = StreamConfig(
    stream_accounts=50, stream_late_minutes=0.2, stream_scan_minutes=0.05, stream_pause_seconds=0.1
)
_LONGEST_LIFE_S: Final = 1.5
_SERVER: Final = {
    "wal_level": "logical",
    "max_wal_senders": "4",
    "max_slot_wal_keep_size": "1GB",
}
TABLE: Final = """
CREATE TABLE feedback_enriched (
    id text PRIMARY KEY, created_at timestamptz NOT NULL, source text NOT NULL,
    product_area text NOT NULL, sentiment text NOT NULL, priority int NOT NULL,
    topic text NOT NULL, region text NOT NULL, customer_tier text NOT NULL, account_id varchar,
    summary text NOT NULL);
CREATE INDEX ON feedback_enriched (account_id);
CREATE INDEX ON feedback_enriched (created_at DESC);
CREATE PUBLICATION tens_insight FOR TABLE feedback_enriched (id, account_id, created_at)
    WITH (publish = 'insert, update, truncate');
"""
_COLUMNS: Final = (
    *("id", "created_at", "source", "product_area", "sentiment", "priority"),
    *("topic", "region", "customer_tier", "account_id", "summary"),
)
_SHOWN: Final = "SELECT account_id, churn_probability, predicted_at FROM account_risk_scores"
_UNSCORED: Final = """
SELECT account_id FROM feedback_enriched LEFT JOIN account_risk_scores USING (account_id)
GROUP BY account_id HAVING max(created_at) >= coalesce(max(predicted_at), '-infinity')"""
_BROKEN_LINES: Final = """
SELECT line.publication_id
FROM tens_insight.publications AS line
WHERE rows_written <> (SELECT count(*) FROM tens_insight.account_risk_score_history AS row
                       WHERE row.publication_id = line.publication_id)
   OR kind = 'incremental' AND abs((increment ->> 'probability')::float8 - (
          SELECT sum(churn_probability) FROM tens_insight.account_risk_score_history AS row
          WHERE row.publication_id = line.publication_id)) > 1e-6"""


@dataclass
class Outcome:
    """What came of one source.

    Attributes:
        kills: Processes that were killed while they worked.
        rows: Rows of feedback that were written meanwhile.
        runs: Publications of all accounts meanwhile.
        wrong: Scores that are not those of a full rescoring.
        lost: Accounts with feedback of the moment of their score or a later one.
        broken: Publications that do not hold what their line says.
    """

    kills: int = 0
    rows: int = 0
    runs: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong, lost or doubled."""
        return not (self.wrong or self.lost or self.broken)


class Teller:
    """Sends messages to a topic, from an own client once a broker is named."""

    def __init__(self, broker: Broker | None):
        """Connects."""
        self._producer = None
        if broker is not None:
            make_topic(broker.bootstrap, _STREAMING.stream_topic)
            self._producer = kafka.KafkaProducer(
                bootstrap_servers=broker.bootstrap, delivery_timeout_ms=120_000
            )

    def tell(self, rows: Sequence[dict[str, Any]], dice: random.Random) -> None:
        """Sends a message of each row, to partitions in no order."""
        if self._producer is None:
            return
        bodies: list[bytes | None] = [as_message(one) for one in rows]
        if dice.random() < 0.05:
            bodies.append(dice.choice(_NO_ROWS))
        for body in bodies:
            self._producer.send(
                _STREAMING.stream_topic, body, key=b"k", partition=dice.randrange(3)
            )

    def flush(self) -> None:
        """Waits until the broker has all of them."""
        if self._producer is not None:
            self._producer.flush()
            self._producer.close()


class Writer(threading.Thread):
    """Adds feedback until it is stopped."""

    def __init__(self, url: str, seed: int, teller: Teller):
        """Begins nothing yet."""
        super().__init__()
        self.url, self.rows, self.teller = url, 0, teller
        self.ending = threading.Event()
        self._dice = random.Random(seed)  # noqa: S311 -- it chooses rows

    def run(self) -> None:
        """Writes, at times in two transactions of which the later one ends first."""
        with closing(psycopg2.connect(self.url)) as one, closing(psycopg2.connect(self.url)) as two:
            while not self.ending.is_set():
                late = self._insert(one)
                if self._dice.random() < 0.5:
                    time.sleep(self._dice.uniform(0, 0.2))
                    rows = self._insert(two)
                    two.commit()
                    self.teller.tell(rows, self._dice)
                is_told_before = self._dice.random() < 0.5
                if is_told_before:
                    self.teller.tell(late, self._dice)
                    time.sleep(self._dice.uniform(0, 0.1))
                one.commit()
                if not is_told_before:
                    self.teller.tell(late, self._dice)
                time.sleep(self._dice.uniform(0, 0.05))
        self.teller.flush()

    def _insert(self, connection: Any) -> list[dict[str, Any]]:
        accounts = [f"ACC-{self._dice.randrange(ACCOUNTS)}" for _ in range(3)]
        with connection.cursor() as cursor:
            rows = insert_rows(cursor, accounts, self._age, self._dice)
        self.rows += len(accounts)
        return rows

    def _age(self) -> float:
        """Days before now: mostly none, at times a late row, or one of the future."""
        kind = self._dice.random()
        if kind < 0.1:
            return self._dice.uniform(1, 40)
        return self._dice.uniform(-2, 1) / 86_400


def insert_rows(
    cursor: Any,
    accounts: Sequence[str],
    age: Any,
    dice: random.Random,
    table: str = "feedback_enriched",
) -> list[dict[str, Any]]:
    """Adds a row of each account, of so many days ago; returns them."""
    now = datetime.now(timezone.utc)
    rows = [
        (
            f"FB-{dice.getrandbits(96):x}",
            now - timedelta(days=age()),
            dice.choice(["email", "chat"]),
            dice.choice(["billing", "ui_ux"]),
            dice.choice(["negative", "neutral", "positive"]),
            dice.randint(1, 5),
            f"topic-{dice.randint(1, 5)}",
            dice.choice(["NA", "EU"]),
            dice.choice(["free", "pro"]),
            account,
            "",
        )
        for account in accounts
    ]
    execute_values(cursor, f"INSERT INTO {table} VALUES %s", rows)  # noqa: S608 -- ours
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def publish_all(url: str) -> None:
    """Publishes all accounts, as a run does."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), array_agg(DISTINCT account_id) FROM feedback_enriched"
        )
        ((as_of, accounts),) = cursor.fetchall()
    scores = scored_at(accounts, as_of, _READING)
    bands, names = RiskBands(), list(scores)
    categories = bands.categories(list(scores.values()), names)
    rows = [
        (name, scores[name], 100 * (1 - scores[name]), str(category), as_of, MODEL)
        for name, category in zip(names, categories, strict=True)
    ]
    publish(
        ACCOUNT_RISK_SCORES,
        lambda: rows,
        publication=Publication(as_of, MODEL, "inactivity", f"run-{as_of}", len(rows)),
        policy=PublishPolicy(_SCORING),
    )


def champion() -> StreamChampion:
    """Returns a model whose answer is a hash of the example."""
    return StreamChampion(MODEL, "inactivity", 10, (10,), None, RiskBands(), said)


def source_of(name: str, broker: Broker | None) -> Source:
    """Returns a source by its name."""
    if broker is not None:
        return KafkaSource(_STREAMING, [broker.bootstrap])
    return SlotSource("torture", "tens_insight") if name == "slot" else ScanSource(_STREAMING)


def stream_until_killed(source: str, broker: Broker | None, *, once: bool = False) -> None:
    """What the process does that is killed."""
    settings = StreamSettings(_READING, _SCORING, _STREAMING)
    stream = Stream(settings, source_of(source, broker), champion)
    # The server may not know yet that the former process is gone.
    Loop(stream, pause_s=0.05, patience_s=60, tell=print).run(once=once)


def torture(
    source: str, kills: int, server: EmbeddedPostgres, folder: Path, seed: int = 20261130
) -> Outcome:
    """Kills the process of one source so often, in a database of its own, and compares."""
    server.create_database(source)
    os.environ["DATABASE_URL"] = url = server.url(source)
    broker = make_broker() if source == "kafka" else None
    try:
        if broker is not None:
            broker.start()
        dice = random.Random(seed)  # noqa: S311 -- it chooses moments
        return _on_server(source, kills, folder, url, broker, dice)
    finally:
        if broker is not None:
            broker.remove()


def _on_server(
    source: str, kills: int, folder: Path, url: str, broker: Broker | None, dice: random.Random
) -> Outcome:
    with closing(connect("tens-insight torture")) as own:
        migrate(own)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        accounts = [f"ACC-{number}" for number in range(ACCOUNTS)]
        insert_rows(cursor, accounts, lambda: dice.uniform(1, 20), dice)
    publish_all(url)
    writer, outcome = Writer(url, dice.randrange(2**32), Teller(broker)), Outcome()
    writer.start()
    try:
        while outcome.kills < kills:
            child = Child(lambda: stream_until_killed(source, broker), url, folder / "child.txt")
            time.sleep(dice.uniform(0, _LONGEST_LIFE_S))
            if not child.kill():
                said_last = child.said.read_text(errors="replace").strip().splitlines()
                raise RuntimeError(f"the stream ended by itself: {said_last[-1:]}")
            outcome.kills += 1
            if dice.random() < 0.1:
                publish_all(url)
                outcome.runs += 1
            if broker is not None and broker.is_durable and dice.random() < 0.05:
                broker.stop()
                broker.start()
    finally:
        writer.ending.set()
        writer.join()
    # By then rows of the next seconds have come due, and a scan is.
    for pause_s in (4.0, _STREAMING.stream_scan_minutes * 60):
        time.sleep(pause_s)
        last = Child(
            lambda: stream_until_killed(source, broker, once=True), url, folder / "child.txt"
        )
        if last.wait():
            raise RuntimeError(f"the last steps failed: {last.said.read_text()[-500:]}")
    outcome.rows = writer.rows
    compare(outcome, url)
    return outcome


def compare(outcome: Outcome, url: str) -> None:
    """Notes what is wrong, lost or broken in what is published."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_SHOWN)
        shown = {name: (p, moment) for name, p, moment in cursor.fetchall()}
        cursor.execute(_UNSCORED)
        outcome.lost = [account for (account,) in cursor.fetchall()]
        cursor.execute(_BROKEN_LINES)
        outcome.broken = [number for (number,) in cursor.fetchall()]
    outcome.wrong = wrong(shown, _READING)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each source; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream_torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--source", action="append", choices=SOURCES)
    options = parser.parse_args(arguments)
    print(
        f"{'source':8}{'killed':>8}{'rows':>8}{'runs':>6}{'wrong':>7}{'lost':>6}{'broken':>8}{'s':>7}"
    )
    folder = Path(tempfile.mkdtemp(prefix="stream-torture-"))
    folder.chmod(0o711)  # as root the server runs as nobody, who must pass to its own folder
    server = EmbeddedPostgres(folder / "server", settings=_SERVER)
    sound = True
    try:
        server.start()
        for source in dict.fromkeys(options.source or SOURCES):
            begun = time.monotonic()
            one = torture(source, options.kills, server, folder)
            seconds = time.monotonic() - begun
            print(
                f"{source:8}{one.kills:8}{one.rows:8}{one.runs:6}{len(one.wrong):7}"
                f"{len(one.lost):6}{len(one.broken):8}{seconds:7.0f}",
                flush=True,
            )
            for sentence in [*one.wrong, *one.lost][:5]:
                print(f"  {sentence}")
            sound &= one.sound
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("Nothing was wrong, lost or doubled." if sound else "NOT SOUND.")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
