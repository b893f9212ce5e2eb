"""What account events cost: recording those of a publication, and listing them.

    python -m bench.account_events --folder FOLDER [--accounts 100000]

A server of its own is made in FOLDER and stopped again. Daily publications whose scores move a
little each day, and a few accounts much; some accounts fall silent. CPU is that of this process
and of the server's processes for it, without parallel workers.
"""

import argparse
import os
from contextlib import closing
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import psycopg2

from bench.outcomes import _command, _execute, _postmaster, _print
from components.account_events.config import AccountEventsConfig
from components.account_events.record import record_events
from components.postgres.migrate import migrate
from pipeline.local_database.embedded_postgres import EmbeddedPostgres

BEGIN = datetime(2026, 6, 1, tzinfo=timezone.utc)
DAYS = 12
LOG = """
INSERT INTO tens_insight.publications
    (attempt, target_table, as_of, model_version, label_source, rows_written, rows_removed,
     removes_others, category_shares, run_id, published_by)
VALUES (gen_random_uuid(), 'account_risk_scores', %(as_of)s, %(model)s, 'none', 0, 0, true, '{}',
        'run', 'bench')"""
SCORES = """
INSERT INTO tens_insight.account_risk_score_history
SELECT %(number)s, 'ACC-' || lpad(n::text, 7, '0'), risk, 100 * (1 - risk),
       CASE WHEN risk < .25 THEN 'low' WHEN risk < .5 THEN 'medium' WHEN risk < .75 THEN 'high'
            ELSE 'critical' END,
       %(as_of)s, %(model)s
FROM generate_series(0, %(accounts)s - 1) AS n
CROSS JOIN LATERAL (
    SELECT least(.99, (.9 * (n::bigint * 48271 %% 65537) / 65537) ^ 3
                      + .002 * ((n + %(day)s * 7919::bigint) %% 10)
                      + CASE WHEN (n + %(day)s * 104729::bigint) %% 2000 = 0 THEN .4 ELSE 0 END)
               AS risk) AS score;
INSERT INTO tens_insight.account_contributions
SELECT %(number)s, 'ACC-' || lpad(n::text, 7, '0'), -2.5,
       '{.1, .2, .3}', '{.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1}',
       (ARRAY['pro', 'free', 'enterprise'])[1 + n %% 3], 'EU',
       CASE WHEN n %% 100 < 15 OR n %% 1000 = 20 + %(day)s THEN 'silent' ELSE 'active' END
FROM generate_series(0, %(accounts)s - 1) AS n;
INSERT INTO tens_insight.contribution_layouts
VALUES (%(number)s, '{30,60,90}', 60, '{}', 1, 0);
ANALYZE tens_insight.account_risk_score_history, tens_insight.account_contributions"""


def main() -> None:
    """Makes the days, measures and prints."""
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
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection:
        migrate(connection)
    config = AccountEventsConfig()
    for day in range(DAYS):
        new_model = day == DAYS - 1
        number, values = day + 1, {"as_of": BEGIN + timedelta(days=day), "day": day}
        values |= {"number": number, "accounts": accounts, "model": f"m-{new_model:d}"}
        _execute(LOG, values)
        _execute(SCORES, values)
        record = partial(record_events, number, config, patience_s=0)
        said = ", first" if not day else ", another model" if new_model else ""
        _print(f"day {day}{said}", record, postmaster)
    _print("the same day again", record, postmaster)
    _print("tens-insight events", lambda: _command("events"), postmaster)
    _print("tens-insight events --all", lambda: _command("events", "--all"), postmaster)
    _say_sizes()


def _say_sizes() -> None:
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT kind, coalesce(left_out, 'told'), count(*) FROM tens_insight.account_events "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )
        for kind, left_out, count in cursor.fetchall():
            print(f"{kind:<18} {left_out:<16} {count:>7}")
        cursor.execute("SELECT pg_total_relation_size('tens_insight.account_event_log')")
        (size,) = cursor.fetchone() or (0,)
        print(f"account_event_log {size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
