"""How long the branch of the product areas takes, against its bare SQL aggregate in psql.

Usage: python -m bench.areas [--rows 2000000] [--repeats 5]

Makes an embedded server and the rows as bench/read.py does, and finds them again the next
time. Prints medians of several runs, taken in turn: the aggregate of
the query product_area_counts run by psql, and the whole branch: the same query inside a run's
snapshot, the artifact of counts, the rule, and the publication. Ends with 1 if the
ratio of the two is above the limit.
"""

import argparse
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tfx.types import Channel

from bench.read import prepare
from bench.scratch_server import scratch_server
from components.feedback_example_gen.counted_areas import write_counted_areas
from components.feedback_example_gen.reading.area_counts import AreaWindow, read_area_counts
from components.feedback_example_gen.reading.database_snapshot import exported_snapshot
from components.postgres.connection import connect
from components.postgres.migrate import migrate
from components.postgres.queries import queries
from components.product_area_scorer.component import ProductAreaScorer
from components.registry.artifacts import AreaCounts, PublishedAreas
from pipeline.nodes import publish_areas
from pipeline.settings import Settings, load_settings
from transforms.product_area_impact import RECENT_DAYS, TOP_PRIORITY


def bare_aggregate(psql: str, url: str, as_of: datetime, settings: Settings) -> float:
    """Returns the seconds that psql needs for the aggregate of the same window."""
    moments = {"as_of": as_of, "since": as_of - timedelta(days=settings.reading.area_window_days)}
    moments["recent_since"] = as_of - timedelta(days=RECENT_DAYS)
    priorities = {
        "critical_priority": settings.reading.critical_priority,
        "top_priority": TOP_PRIORITY,
    }
    literals = {name: f"'{moment.isoformat()}'::timestamptz" for name, moment in moments.items()}
    query = queries("components.feedback_example_gen.reading")["product_area_counts"]
    statement = query.format(chosen="TRUE") % {**literals, **priorities}
    start = time.perf_counter()
    command = [psql, "--no-psqlrc", "--quiet", f"--command={statement}", url]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def branch(as_of: datetime, settings: Settings, folder: Path) -> float:
    """Returns the seconds from the run's snapshot to the committed publication."""
    counts, areas = AreaCounts(), PublishedAreas()
    counts.uri, areas.uri = str(folder / "counts"), str(folder / "areas")
    node = publish_areas(settings, Channel(type=AreaCounts))
    window = AreaWindow(settings.reading.area_window_days, settings.reading.critical_priority)
    start = time.perf_counter()
    with exported_snapshot() as snapshot:
        write_counted_areas(counts, read_area_counts(snapshot.connection, as_of, window))
    executor = ProductAreaScorer.EXECUTOR_SPEC.executor_class()
    executor.Do({"area_counts": [counts]}, {"areas": [areas]}, dict(node.exec_properties))
    return time.perf_counter() - start


def measure(psql: str, url: str, repeats: int) -> float:
    """Measures and prints; returns the ratio of the branch to the bare aggregate."""
    settings = load_settings()
    bare, ours = [], []
    with closing(connect("tens-insight bench")) as connection:
        migrate(connection)
    as_of = datetime.now(timezone.utc).replace(microsecond=0)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            bare.append(bare_aggregate(psql, url, as_of, settings))
            ours.append(branch(as_of, settings, Path(folder)))
    ratio = statistics.median(ours) / statistics.median(bare)
    for name, times in (("bare aggregate", bare), ("area branch", ours)):
        taken = statistics.median(times)
        print(f"  {name:16}{taken:8.3f} s   ({min(times):.3f} to {max(times):.3f})")
    print(f"  ratio {ratio:.2f}", flush=True)
    return ratio


def arguments_of_the_run() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--max-ratio", type=float, default=2.0)
    default_folder = Path(tempfile.gettempdir()) / "tens-insight-bench"
    parser.add_argument("--folder", type=Path, default=default_folder)
    return parser.parse_args()


def main() -> None:
    """Starts the server, measures, stops it."""
    arguments = arguments_of_the_run()
    with scratch_server(arguments.folder) as server:
        url = prepare(server, arguments.rows, arguments.accounts)
        print(f"{arguments.rows} rows, medians of {arguments.repeats} runs:")
        ratio = measure(shlex.split(server.psql_command())[0], url, arguments.repeats)
    sys.exit(ratio > arguments.max_ratio)


if __name__ == "__main__":
    main()
