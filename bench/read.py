"""How fast feedback is read and grouped, against psql's bare COPY, and Examples are built.

Usage: python -m bench.read [--rows 2000000] [--repeats 5]

Makes an embedded server and the rows in a temporary folder, finds them again the next
time, and prints medians of several runs: bare COPY of the same columns and
rows to nowhere, reading and grouping, their ratio; then the time of building and of
writing the Examples of twelve training cutoffs, one to evaluate and one to score, and
the peak memory. Ends with 1 if the ratio is above the limit.
"""

import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from importlib import resources
from pathlib import Path

import tensorflow as tf
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from bench.scratch_server import scratch_server
from components.feedback_example_gen.bucket_writer import GZIP
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.cutoffs import SPLITS, plan_cutoffs
from components.feedback_example_gen.examples import (
    ExampleRules,
    record_batches,
    take_examples,
)
from components.feedback_example_gen.lifetime import LifetimeRows
from components.feedback_example_gen.reading.feedback_reader import (
    Churn,
    ChurnSource,
    Feedback,
    read_churn,
    read_feedback,
)
from components.postgres.connection import connect
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

WINDOWS = FeedbackExampleGenConfig(
    lookback_days=180, horizon_days=60, cutoff_interval_days=14, max_training_cutoffs=12
)
RULES = ExampleRules(lookback_days=180, horizon_days=60, max_events=500)
CHURN = ChurnSource("account_churn", "account_id", "churned_at")
DAYS = 540
BARE = (
    "COPY (SELECT account_id, created_at, id, priority, sentiment, product_area, source, topic, "
    "customer_tier, region FROM feedback_enriched WHERE account_id <> '' AND created_at < '{}') "
    "TO STDOUT (FORMAT csv)"
)


@dataclass
class Seconds:
    """Wall time of each stage from columns to files, and how much came of it."""

    population: float = 0.0
    columns: float = 0.0
    encoding: float = 0.0
    writing: float = 0.0
    examples: int = 0
    size: int = 0

    @property
    def total(self) -> float:
        """All stages."""
        return self.population + self.columns + self.encoding + self.writing


def prepare(server: EmbeddedPostgres, rows: int, accounts: int) -> str:
    """Makes the rows, or finds them; returns the database's URL and names it to connect."""
    name = f"read_{rows}_{accounts}"
    server.create_database(name)
    os.environ["DATABASE_URL"] = server.url(name)
    statements = (resources.files("bench") / "feedback.sql").read_text("utf-8")
    with closing(connect("tens-insight bench")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('account_churn') IS NOT NULL")
            if cursor.fetchone() != (True,):
                print("Making the rows ...", flush=True)
                cursor.execute("DROP TABLE IF EXISTS feedback_enriched")
                cursor.execute(statements, {"rows": rows, "accounts": accounts})
            cursor.execute("VACUUM ANALYZE feedback_enriched")
    return server.url(name)


def bare_copy(psql: str, url: str, as_of: datetime) -> float:
    """Returns the seconds that psql needs to copy the rows to nowhere."""
    start = time.perf_counter()
    command = [psql, "--no-psqlrc", "--quiet", f"--command={BARE.format(as_of)}", url]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def grouped(connection: Connection, as_of: datetime) -> tuple[float, Feedback]:
    """Returns the seconds that reading and grouping take, and what was read."""
    start = time.perf_counter()
    feedback = read_feedback(connection, as_of)
    return time.perf_counter() - start, feedback


def write_examples(feedback: Feedback, churn: Churn, as_of: datetime, folder: str) -> Seconds:
    """Builds and writes the examples of all cutoffs, and times each stage."""
    plan = plan_cutoffs(as_of, as_of - timedelta(days=DAYS), WINDOWS, SPLITS)
    encoder, spent = RecordBatchToExamplesEncoder(), Seconds()
    start = time.perf_counter()
    lifetime = LifetimeRows.of(feedback)
    spent.columns += time.perf_counter() - start
    with tf.io.TFRecordWriter(os.path.join(folder, "examples.gz"), GZIP) as writer:
        for split, cutoff in plan:
            start = time.perf_counter()
            examples = take_examples(
                feedback, churn, cutoff, RULES, plan.known_until(split, cutoff)
            )
            spent.population += time.perf_counter() - start
            spent.examples += len(examples.account)
            batches = record_batches(feedback, examples, lifetime)
            while True:
                start = time.perf_counter()
                batch = next(batches, None)
                built = time.perf_counter()
                spent.columns += built - start
                if batch is None:
                    break
                serialized = encoder.encode(batch)
                encoded = time.perf_counter()
                for example in serialized:
                    writer.write(example)
                spent.encoding += encoded - built
                spent.writing += time.perf_counter() - encoded
    spent.size = os.path.getsize(os.path.join(folder, "examples.gz"))
    return spent


def report_examples(spent: Seconds) -> None:
    """Prints where the time of the Examples goes."""
    print(f"{spent.examples} examples, {spent.size / 1e6:.0f} MB in gzipped TFRecords:")
    for name in ("population", "columns", "encoding", "writing", "total"):
        seconds = getattr(spent, name)
        each = seconds / spent.examples * 100_000
        print(f"  {name:12}{seconds:8.2f} s {each:8.2f} s per 100,000 examples")


def peak_megabytes() -> float:
    """Returns the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def arguments_of_the_run() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--max-ratio", type=float, default=3.0)
    default_folder = Path(tempfile.gettempdir()) / "tens-insight-bench"
    parser.add_argument("--folder", type=Path, default=default_folder)
    return parser.parse_args()


def measure(psql: str, url: str, repeats: int) -> float:
    """Measures and prints; returns the ratio of reading to bare COPY."""
    as_of = datetime.now(timezone.utc)
    imported = peak_megabytes()
    bare, ours = [], []
    with closing(connect("tens-insight bench")) as connection:
        for _ in range(repeats):
            bare.append(bare_copy(psql, url, as_of))
            seconds, feedback = grouped(connection, as_of)
            ours.append(seconds)
        read = peak_megabytes()
        churn = read_churn(connection, CHURN, as_of, feedback.account_ids)
    ratio = statistics.median(ours) / statistics.median(bare)
    rows = len(feedback.created_us)
    print(f"{rows} rows of {len(feedback.account_ids)} accounts, medians of {repeats} runs:")
    for name, times in (("bare COPY", bare), ("read and grouped", ours)):
        taken = statistics.median(times)
        print(f"  {name:18}{taken:8.2f} s {rows / taken / 1000:8.0f} krow/s")
    print(f"  ratio {ratio:.2f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report_examples(write_examples(feedback, churn, as_of, folder))
    print(
        f"peak memory: {imported:.0f} MB with all imports, {read:.0f} MB after reading, "
        f"{peak_megabytes():.0f} MB after writing"
    )
    return ratio


def main() -> None:
    """Starts the server, measures, stops it."""
    arguments = arguments_of_the_run()
    with scratch_server(arguments.folder) as server:
        url = prepare(server, arguments.rows, arguments.accounts)
        ratio = measure(shlex.split(server.psql_command())[0], url, arguments.repeats)
    sys.exit(ratio > arguments.max_ratio)


if __name__ == "__main__":
    main()
