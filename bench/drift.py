"""What the drift comparators measure in worlds that changed and in worlds that did not.

Usage: python -m bench.drift [--accounts 1000 4000] [--seeds 1 2] [--worlds base strong harsh ...]
       python -m bench.drift --accounts 4000 --sample 20000

Simulates each world in an embedded server, changes it where its name says so, takes the
examples of a training run, and prints for each feature the value that TFDV measures
between each pair of splits, beside its threshold; values over it are marked. Worlds that
did not change should have none. With --sample it tells as well which of them lie on the other side
of the threshold where so many examples of a split are looked at, as StatisticsGen does, and how
many worlds have values over it with all examples alone or with the sample alone. It ends with 1 if
any value changes sides.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from tensorflow_data_validation.statistics.stats_impl import generate_statistics_in_memory

from bench.read import CHURN, RULES, WINDOWS
from components.data_checker.drift import Measurement, measure
from components.data_checker.pairs import PAIRS
from components.data_checker.statistics import Statistics
from components.feedback_example_gen.cutoffs import SPLITS, plan_cutoffs
from components.feedback_example_gen.examples import record_batches, take_examples
from components.feedback_example_gen.reading.feedback_reader import read_churn, read_feedback
from components.postgres.connection import connect
from pipeline.demo.simulate import simulate
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from transforms.schema import load_schema

DAYS: Final = 546
END: Final = datetime(2026, 6, 1, tzinfo=timezone.utc)
CHANGED_AT: Final = END - timedelta(days=120)
CHANGES: Final = {
    "region vanished": "DELETE FROM feedback_enriched WHERE region = 'EU' AND created_at >= %s",
    "tier vanished": "DELETE FROM feedback_enriched WHERE customer_tier = 'pro' "
    "AND created_at >= %s",
    "area doubled": "INSERT INTO feedback_enriched SELECT 'again-' || id, created_at, source, "
    "product_area, sentiment, priority, topic, region, customer_tier, account_id, summary "
    "FROM feedback_enriched WHERE product_area = 'performance' AND created_at >= %s",
    "neutral read as negative": "UPDATE feedback_enriched SET sentiment = 'negative' "
    "WHERE sentiment = 'neutral' AND hashtext(id) %% 3 = 0 AND created_at >= %s",
    "priority raised": "UPDATE feedback_enriched SET priority = priority + 1 "
    "WHERE priority < 5 AND hashtext(id) %% 2 = 0 AND created_at >= %s",
    "source renamed": "UPDATE feedback_enriched SET source = 'mail' WHERE source = 'email' "
    "AND created_at >= %s",
}
"""Statements that change the base world from a moment on, which is their parameter."""


def make_world(connection: Connection, world: str, accounts: int, seed: int) -> None:
    """Simulates a scenario, or the base scenario with a change, in place of what was there."""
    scenario = "base" if world in CHANGES else world
    simulate(
        connection,
        accounts=accounts,
        days=DAYS,
        seed=seed,
        scenario=scenario,
        end=END,
        replace=True,
        delete_foreign=True,
    )
    if world in CHANGES:
        with connection, connection.cursor() as cursor:
            cursor.execute(CHANGES[world], (CHANGED_AT,))


def split_examples(connection: Connection) -> dict[str, pa.RecordBatch]:
    """Returns the examples of each split."""
    feedback = read_feedback(connection, END)
    churn = read_churn(connection, CHURN, END, feedback.account_ids)
    batches: dict[str, list[pa.RecordBatch]] = {split: [] for split in SPLITS}
    plan = plan_cutoffs(END, END - timedelta(days=DAYS), WINDOWS, SPLITS)
    for split, cutoff in plan:
        examples = take_examples(feedback, churn, cutoff, RULES, plan.known_until(split, cutoff))
        batches[split] += record_batches(feedback, examples)
    connection.rollback()
    return {
        split: pa.Table.from_batches(own).combine_chunks().to_batches()[0]
        for split, own in batches.items()
    }


def split_statistics(
    examples: dict[str, pa.RecordBatch], most: int | None = None
) -> dict[str, Statistics]:
    """Returns TFDV's statistics of each split, as StatisticsGen makes them.

    Args:
        examples: By split.
        most: Of a larger split about so many are looked at, if it is given.
    """
    random = np.random.default_rng(0)
    found = {}
    for split, own in examples.items():
        kept = random.random(own.num_rows) < (most or own.num_rows) / own.num_rows
        found[split] = generate_statistics_in_memory(own.filter(pa.array(kept)))
    return found


def measured(statistics: dict[str, Statistics]) -> Iterator[tuple[str, Measurement]]:
    """Yields each pair of splits with each measurement between them."""
    schema = load_schema()
    for pair in PAIRS:
        for one in measure(pair, statistics[pair.base], statistics[pair.split], schema):
            yield pair.name, one


def alarms(statistics: dict[str, Statistics]) -> int:
    """Returns how many values lie over their thresholds."""
    return sum(one.value > one.threshold for _, one in measured(statistics))


def report(world: str, accounts: int, seed: int, statistics: dict[str, Statistics]) -> int:
    """Prints a world's values; returns how many lie over their thresholds."""
    rows: dict[str, list[str]] = {}
    for _, one in measured(statistics):
        rows.setdefault(f"{one.feature} (> {one.threshold:g})", []).append(
            f"{one.value:.3f}{'!' if one.value > one.threshold else ' '}"
        )
    sizes = ", ".join(f"{name} {own.datasets[0].num_examples}" for name, own in statistics.items())
    over = alarms(statistics)
    print(f"{world}, {accounts} accounts, seed {seed} ({sizes}): {over} over the threshold")
    print(f"  {'':36}{'   '.join(pair.name for pair in PAIRS)}")
    for name, values in rows.items():
        print(f"  {name:36}{'   '.join(f'{value:>18}' for value in values)}", flush=True)
    return over


def report_sampled(whole: dict[str, Statistics], sampled: dict[str, Statistics]) -> int:
    """Prints how a sample moves the values; returns how many cross their thresholds."""
    crossed, largest = 0, 0.0
    for (pair, one), (_, other) in zip(measured(whole), measured(sampled), strict=True):
        largest = max(largest, abs(other.value - one.value) / one.threshold)
        if (one.value > one.threshold) != (other.value > one.threshold):
            crossed += 1
            print(f"  sampled: {one.feature}, {pair}: {one.value:.3f} became {other.value:.3f}")
    sizes = ", ".join(f"{name} {own.datasets[0].num_examples}" for name, own in sampled.items())
    print(
        f"  sampled ({sizes}): {crossed} on the other side, the largest move is "
        f"{largest:.2f} of its threshold",
        flush=True,
    )
    return crossed


def main() -> int:
    """Makes the worlds one after the other, and measures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, nargs="+", default=[1_000, 4_000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    names = ["base", "strong", "null", "regime", "harsh", *CHANGES]
    parser.add_argument("--worlds", nargs="+", default=names, choices=names)
    parser.add_argument("--sample", type=int, help="also look at about so many of each split")
    arguments = parser.parse_args()
    worlds = warned = crossed = otherwise = 0
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            server.create_database("drift")
            os.environ["DATABASE_URL"] = server.url("drift")
            with closing(connect("tens-insight bench")) as connection:
                for world in arguments.worlds:
                    for accounts in arguments.accounts:
                        for seed in arguments.seeds:
                            make_world(connection, world, accounts, seed)
                            examples = split_examples(connection)
                            whole = split_statistics(examples)
                            warns = report(world, accounts, seed, whole) > 0
                            worlds, warned = worlds + 1, warned + warns
                            if arguments.sample:
                                sampled = split_statistics(examples, arguments.sample)
                                crossed += report_sampled(whole, sampled)
                                otherwise += warns != (alarms(sampled) > 0)
        finally:
            server.stop()
    print(f"{worlds} worlds, of which {warned} have values over the threshold")
    if arguments.sample:
        print(f"sampled: {crossed} values on the other side, {otherwise} worlds told otherwise")
    return int(crossed > 0)


if __name__ == "__main__":
    sys.exit(main())
