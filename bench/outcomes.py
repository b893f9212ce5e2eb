"""What outcomes cost: a run's recording, the command, and the tables after a year of daily runs.

    python -m bench.outcomes --folder FOLDER [--accounts 100000]

A server of its own is made in FOLDER and stopped again. Publications of all days of a year are in
the log; scores are kept of those whose windows are measured, which is what the cost depends on.
CPU is that of this process and of the server's processes for it, without parallel workers.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2

from components.feedback_example_gen.churn_rhythm import KnownChurn
from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.outcome_recorder.record import Run, record_outcomes
from components.outcome_recorder.windows import Truth
from components.postgres.migrate import migrate
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

NOW = datetime(2026, 10, 30, tzinfo=timezone.utc)
"""60 days before, it was a Monday: the performance of that publication is measured."""
HORIZONS = (30, 60, 90)
DAYS = 365
CHURNED_A_DAY = 0.0013
"""Share of the accounts: 8 % in 60 days."""
ROWS_OF_AN_ACCOUNT = 20
MADE = ("outcome_windows", "account_departures", "missing_accounts", "model_performance",
        "missed_churn")  # fmt: skip
FEEDBACK = """
CREATE TABLE feedback_enriched (
    id text, created_at timestamptz, source text, product_area text, sentiment text, priority int,
    topic text, region text, customer_tier text, account_id varchar, summary text);
INSERT INTO feedback_enriched
SELECT n::text, %(now)s - (n::bigint * 7919 %% (540 * 86400)) * interval '1 second',
       'email', 'billing',
       (ARRAY['negative', 'neutral', 'positive'])[1 + n %% 3], 1 + n %% 5, 't', 'EU', 'pro',
       'ACC-' || lpad((n %% %(accounts)s)::text, 7, '0'), ''
FROM generate_series(1, %(rows)s) AS n;
CREATE INDEX ON feedback_enriched (account_id);
CREATE TABLE account_churn AS
SELECT 'ACC-' || lpad((n * 7 %% %(accounts)s)::text, 7, '0') AS account_id,
       %(now)s - (n::bigint * 104729 %% (%(days)s * 86400)) * interval '1 second' AS churned_at
FROM generate_series(1, %(churned)s) AS n;
ANALYZE"""
LOG = """
INSERT INTO tens_insight.publications
    (attempt, target_table, as_of, model_version, label_source, rows_written, rows_removed,
     removes_others, category_shares, run_id, published_by, horizon_days, horizons, dropped_up_to)
SELECT gen_random_uuid(), 'account_risk_scores', %(now)s - back * interval '1 day', 'model-1',
       'account_churn', %(accounts)s, 0, true, '{}', 'run', 'bench', 60,
       CASE WHEN %(now)s - back * interval '1 day' = ANY(%(moments)s)
            THEN '{30, 60, 90}'::integer[] ELSE '{}' END, NULL
FROM generate_series(%(days)s, 0, -1) AS back
ORDER BY back DESC"""
SCORES = """
INSERT INTO tens_insight.account_risk_score_history
SELECT publication_id, 'ACC-' || lpad(n::text, 7, '0'), risk, 100 * (1 - risk),
       CASE WHEN risk < .25 THEN 'low' WHEN risk < .5 THEN 'medium' ELSE 'high' END,
       as_of, model_version
FROM tens_insight.publications,
     LATERAL (SELECT n, (.6 * (n::bigint * 48271 %% 65537) / 65537) ^ 2 AS risk
              FROM generate_series(0, %(accounts)s - 1) AS n) AS score
WHERE as_of = ANY(%(moments)s)"""
ONE_SOURCE = """
UPDATE tens_insight.publications SET label_source = %(source)s;
TRUNCATE tens_insight.outcome_windows"""
A_YEAR = """
INSERT INTO tens_insight.outcome_windows
SELECT publication_id, days, label_source, as_of + days * interval '1 day', as_of, now(), 'run',
       NULL, rows_written, 100, rows_written - 100, 0
FROM tens_insight.publications, unnest('{30, 60, 90}'::integer[]) AS days
ON CONFLICT DO NOTHING;
INSERT INTO tens_insight.model_performance
SELECT publication_id, days, of_kind, slice, of_value, band, metric, .5, .4, .6, model_version,
       as_of
FROM tens_insight.publications, unnest('{30, 60, 90}'::integer[]) AS days,
     unnest(ARRAY['realised', 'partial', 'estimated']) AS of_kind,
     (VALUES ('overall', ''), ('customer_tier', 'pro'), ('customer_tier', 'free'),
             ('customer_tier', 'enterprise'), ('region', 'EU'), ('region', 'NA'),
             ('region', 'APAC'), ('silence_state', 'new'), ('silence_state', 'active'),
             ('silence_state', 'quiet'),
             ('silence_state', 'silent')) AS of (slice, of_value),
     unnest(ARRAY['', 'low', 'medium', 'high', 'critical']) AS band,
     unnest(ARRAY['a', 'b', 'c', 'd', 'e', 'f', 'g']) AS metric
WHERE publication_id %% 7 = 0
ON CONFLICT DO NOTHING;
INSERT INTO tens_insight.missed_churn
SELECT account_id, churned_at, 1, 60, churned_at - interval '30 days', 'model-1', .1, 'pro', 'EU',
       'active', '{"pace": 0.1, "tone": -0.2, "topics": 0.3, "urgency": 0.1, "tenure": 0.1,
       "channels": 0.1, "recency": 0.2, "positive_feedback": -0.1}', 3, 1, 1, 1, 1
FROM account_churn
ON CONFLICT DO NOTHING"""


def main() -> None:
    """Makes the year, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--accounts", type=int, default=100_000)
    arguments = parser.parse_args()
    server = EmbeddedPostgres(
        arguments.folder, durable=False, settings={"max_parallel_workers_per_gather": "0"}
    )
    os.environ["DATABASE_URL"] = server.start()
    try:
        _measure(arguments.accounts, _postmaster(arguments.folder))
    finally:
        server.stop()


def _measure(accounts: int, postmaster: int) -> None:
    moments = [NOW - timedelta(days=days) for days in (*HORIZONS, 0)]
    values = {
        "now": NOW, "accounts": accounts, "rows": ROWS_OF_AN_ACCOUNT * accounts, "days": DAYS,
        "churned": round(accounts * CHURNED_A_DAY * DAYS), "moments": moments,
    }  # fmt: skip
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection:
        migrate(connection)
        connection.rollback()
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in (FEEDBACK, LOG, SCORES):
                cursor.execute(statement, values)
            cursor.execute("ANALYZE")
            cursor.execute("SELECT max(publication_id) FROM tens_insight.publications")
            (newest,) = cursor.fetchone() or (0,)
    before = NOW - timedelta(days=1)
    for source in ("account_churn", "inactivity"):
        _execute(ONE_SOURCE, values | {"source": source})
        _print(
            f"{source}, first run",
            partial(record_outcomes, _run(before, source, newest)),
            postmaster,
        )
        for name in ("a day", "the same day again"):
            _print(
                f"{source}, {name}", partial(record_outcomes, _run(NOW, source, newest)), postmaster
            )
    _execute(A_YEAR, values)
    _execute("ANALYZE", values)
    _print("tens-insight outcomes", lambda: _command("outcomes"), postmaster)
    _print("tens-insight outcomes --missed", lambda: _command("outcomes", "--missed"), postmaster)
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection,
        connection.cursor() as cursor,
    ):
        for table in MADE:
            size = "SELECT pg_total_relation_size('{0}'), count(*) FROM {0}"
            cursor.execute(size.format(f"tens_insight.{table}"))
            found, rows = cursor.fetchone() or (0, 0)
            print(f"{table:<22} {rows:>9} rows {found / 2**20:8.1f} MiB")


def _run(as_of: datetime, source: str, newest: int) -> Run:
    churn = ChurnSource("account_churn", "account_id", "churned_at")
    return Run("run", newest, Truth(as_of, source, KnownChurn()), churn)


def _execute(statement: str, values: dict[str, Any]) -> None:
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)


def _command(*words: str) -> None:
    program = [sys.executable, "-m", "pipeline.cli", *words]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)


def _print(name: str, work: Callable[[], object], postmaster: int) -> None:
    before, start = _cpu(postmaster), time.perf_counter()
    work()
    wall = time.perf_counter() - start
    time.sleep(0.2)  # until the postmaster has counted the process that ended
    print(f"{name:<40} {_cpu(postmaster) - before:6.2f} s of CPU {wall:6.2f} s of wall", flush=True)


def _cpu(postmaster: int) -> float:
    """Seconds of this process, its children, and the server's processes that ended."""
    fields = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    server = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return server + sum(one.ru_utime + one.ru_stime for one in own)


def _postmaster(folder: Path) -> int:
    (file,) = folder.rglob("postmaster.pid")
    return int(file.read_text().splitlines()[0])


if __name__ == "__main__":
    main()
