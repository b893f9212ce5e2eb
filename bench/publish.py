"""How fast scores are published, against a bare COPY of the same rows.

Run with DATABASE_URL naming an empty scratch database:

    python bench/publish.py --rows 100000

Prints seconds for a bare COPY into a table without keys or indexes, for a first
publication, for republications over the full table, and for republications with the details
of every account, and their ratio to COPY.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from functools import partial
from io import BytesIO

from components.postgres.connection import connect, describe
from components.postgres.copying import copy_in
from components.postgres.migrate import migrate
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.config import ScorePublishingConfig
from components.publishing.copy_rows import RowStream
from components.publishing.details import Details
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish import publish
from serving_model.served.risk_bands import CONTRACT_BANDS

REASONS = 6
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
POLICY = PublishPolicy(ScorePublishingConfig(max_mean_shift=0.1, max_moved_share=0.99))


def score_rows(count: int, day: int) -> Iterator[tuple[object, ...]]:
    """Yields `count` rows, whose probabilities differ from day to day."""
    for number in range(count):
        probability = ((number * 7919 + day * 104_729) % 1_000_003) / 1_000_003
        category = ("low", "medium", "high", "critical")[min(int(probability * 4), 3)]
        yield (
            f"ACC-{number:08d}",
            probability,
            100 * (1 - probability),
            category,
            START + timedelta(days=day),
            f"bench-{day}",
        )


def detail_rows(count: int, day: int) -> list[tuple[object, ...]]:
    """Returns the details of `score_rows`, six reasons each."""
    reasons = [
        {
            "group": f"group {number}",
            "direction": "raises" if number < REASONS / 2 else "lowers",
            "log_odds": 0.123456 * (number + 1),
            "text": f"{number} negative billing tickets in the last 14 days; usual is one a month",
        }
        for number in range(REASONS)
    ]
    text = json.dumps(reasons)
    others = json.dumps([{"group": f"group {number}", "log_odds": 0.0123} for number in range(7)])
    return [
        (row[0], json.dumps({"30": 0.01, "60": row[1], "90": 1.0}), 321.5, 12.25, "active",
         -3.2, 0.1, text, others, "pro", "EU")
        for row in score_rows(count, day)
    ]  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    """Returns the wall time of some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bare_copy(count: int) -> float:
    """Times COPY of encoded rows into a table without keys or indexes."""
    text = BytesIO(b"".join(iter(RowStream(ACCOUNT_RISK_SCORES, score_rows(count, 0)).read, b"")))
    with closing(connect("tens-insight bench")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE public.bench_bare AS SELECT * FROM public.account_risk_scores LIMIT 0"
        )
        connection.commit()
        try:
            cursor.execute("TRUNCATE public.bench_bare")
            taken = seconds(lambda: copy_in(cursor, "COPY public.bench_bare FROM STDIN", text))
        finally:
            connection.rollback()
            cursor.execute("DROP TABLE public.bench_bare")
            connection.commit()
    return taken


def publish_day(count: int, day: int, details: list[tuple[object, ...]] | None = None) -> None:
    """Publishes one day's rows, with details if there are some."""
    publication = Publication(
        as_of=START + timedelta(days=day),
        model_version=f"bench-{day}",
        label_source="bench",
        run_id=f"bench-{day}",
        expected_rows=count,
        bands=CONTRACT_BANDS.against(0.05),
    )
    publish(
        ACCOUNT_RISK_SCORES,
        lambda: score_rows(count, day),
        publication=publication,
        policy=POLICY,
        details=Details(lambda: details, horizon_days=60) if details else None,
    )


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    count, repeats = arguments.rows, arguments.repeats
    with closing(connect("tens-insight bench")) as connection:
        print(f"{describe(connection)}, {count} rows")
        migrate(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM public.account_risk_scores)")
            if (cursor.fetchone() or (True,))[0]:
                raise SystemExit("public.account_risk_scores holds rows: use a scratch database.")
    copy = statistics.median(bare_copy(count) for _ in range(repeats))
    generated = seconds(lambda: sum(1 for _ in score_rows(count, 0)))
    first = seconds(lambda: publish_day(count, 0))
    over = statistics.median(
        seconds(partial(publish_day, count, day)) for day in range(1, repeats + 1)
    )
    days = range(repeats + 1, 2 * repeats + 1)
    details = {day: detail_rows(count, day) for day in days}
    detailed = statistics.median(
        seconds(partial(publish_day, count, day, details[day])) for day in days
    )
    for name, taken in (
        ("bare COPY", copy),
        ("making the rows in Python", generated),
        ("first publication", first),
        ("publication over a full table", over),
        ("publication with details", detailed),
    ):
        print(f"{name:32}{taken:8.2f} s {count / taken / 1000:9.0f} krow/s {taken / copy:7.1f} x")


if __name__ == "__main__":
    main()
