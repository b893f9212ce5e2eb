"""How large the tables of monitoring become in a year of daily runs, and how fast they answer.

Usage: python -m bench.monitor_size [--runs 365]

Writes a year of rows as the runs of a simulated year have them into an embedded server, and prints
the size of both tables and the time of `tens-insight monitor` and of one step of Monitor in the
database. What is measured does not depend on the number of accounts.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from bench.false_alarms import FIRST_REPORTED, kind_of
from bench.monitored_world import simulated_runs
from bench.monitored_year import BEGIN, properties_of, run_measures
from components.monitor import watch as step
from components.monitor.config import MonitorConfig
from components.monitor.monitored_run import MonitoredRun
from components.monitor.profile import profile_of
from components.postgres.connection import connect
from components.postgres.migrate import migrate
from components.postgres.names import table_identifier
from components.postgres.rows import value
from components.postgres.tables import DRIFT_METRICS, PROFILE_METRICS
from components.registry.model_properties import ModelProperties
from components.registry.published_properties import PublishedScoresProperties
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

_PUBLISH = (
    "INSERT INTO tens_insight.publications (attempt, target_table, as_of, model_version, "
    "label_source, rows_written, rows_removed, category_shares, run_id, published_at, "
    "published_by) "
    "VALUES (gen_random_uuid(), 'account_risk_scores', %s, 'm', 'account_churn', 1, 0, '{}', "
    "'run', %s, 'bench') RETURNING publication_id"
)


def write_year(runs: int) -> float:
    """Runs Monitor's step on each run of a simulated year; returns the seconds of the last one."""
    kind = replace(kind_of(FIRST_REPORTED), days=runs, accounts=2_000)
    every = simulated_runs(kind, FIRST_REPORTED)
    trained = next(every)
    profile = profile_of(trained.observed, trained.scored.log_odds)
    seconds = 0.0
    for one in every:
        as_of = BEGIN + timedelta(days=one.day)
        with closing(connect("tens-insight bench")) as connection, connection.cursor() as cursor:
            cursor.execute(_PUBLISH, (as_of, as_of))
            number = int(value(cursor))
            connection.commit()
        run = MonitoredRun(
            run_id=f"2025-01-01T00:00:00.{number:06}",
            data=properties_of(one, as_of),
            examples="",
            checks=(),
            published=PublishedScoresProperties(
                as_of=as_of.isoformat(),
                model_version="m",
                published_at=as_of.isoformat(),
                publication_id=number,
                published_count=1,
                removed_count=0,
                risk_bands="",
                risk_bands_mode="probability",
            ),
            scores="",
            champion=ModelProperties(model_version="m"),
            model="",
            costs=one.costs,
            config=MonitorConfig(),
        )
        measures = list(run_measures(one, profile, kind))
        step.measure_data = lambda _, found=measures: iter(found)  # type: ignore[misc]
        began = time.monotonic()
        step.watch(run)
        seconds = time.monotonic() - began
    return seconds


def print_sizes(connection: Connection) -> None:
    """Prints rows and bytes of both tables."""
    for table in (PROFILE_METRICS.table, DRIFT_METRICS.table):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size(%s)", (table,))
            size = value(cursor)
            name = table_identifier(table)
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(name))
            print(f"{table}: {value(cursor)} rows, {size / 2**20:.0f} MiB with its indexes")


def main() -> int:
    """Runs the benchmark; returns the exit code."""
    parser: Any = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=365)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            server.create_database("monitor")
            os.environ["DATABASE_URL"] = server.url("monitor")
            with closing(connect("tens-insight bench")) as connection:
                migrate(connection)
            seconds = write_year(given.runs)
            with closing(connect("tens-insight bench")) as connection:
                print_sizes(connection)
            print(f"the last run's step in the database: {seconds:.2f} s")
            command = [str(Path(sys.executable).with_name("tens-insight")), "monitor"]
            for _ in range(3):
                before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                print(f"tens-insight monitor: {cpu:.2f} s of CPU, {time.monotonic() - began:.2f} s")
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
