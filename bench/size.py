"""What a training and a daily score of many accounts take: time, processor seconds, memory.

    python -m bench.size --accounts 100000 1000000

Makes an embedded server and a world of 20 rows for each account, a quarter of which churned, in
--folder, and finds them again the next time. For each size a state directory of its own: `run
train`, then `run score` with the champion that it left. Prints for each run the wall and processor
seconds (the database's too, without those of loading TFX), the peak of the memory of all processes
without the database's (pages that they share count once), the seconds of each node and the peak of
its process; then by which power of the number of accounts time grows. Ends with 1 if a run failed,
took more than 2.5 GB, or a score's processor seconds grow by more than the power of 1.05.
"""

import argparse
import math
import os
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from bench import daily_score
from bench.daily_score import Run
from bench.scratch_server import scratch_server
from components.postgres.connection import connect
from pipeline.logs import silence_libraries

COMMANDS: Final = ("train", "score")
MOST_MIB: Final = 2.5e9 / 2**20
MOST_EXPONENT: Final = 1.05
"""Of a daily score's processor seconds in the number of accounts."""


def main() -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    options = parse()
    measured: dict[int, dict[str, Run]] = {}
    with scratch_server(options.folder) as server:
        for accounts in options.accounts:
            daily_score.prepare_rows(server, "size", accounts)
            if not options.worlds_only:
                measured[accounts] = measure(accounts, options.folder)
    return report(measured)


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--worlds-only", action="store_true", help="make the worlds, measure none")
    folder = Path(tempfile.gettempdir()) / "tens-insight-size"
    parser.add_argument("--folder", type=Path, default=folder)
    return parser.parse_args()


def measure(accounts: int, folder: Path) -> dict[str, Run]:
    """Trains and scores, and prints what each took; what ended well, by the name of the command."""
    from bench.server_clock import ServerClock

    os.environ["TENS_INSIGHT_STATE_DIR"] = str(folder / f"state_{accounts}")
    clock, loading = ServerClock(folder / daily_score.DATA), daily_score.loading_seconds()
    print(f"\n{accounts:,} accounts, {count_rows():,} rows", flush=True)
    runs = {}
    for command in COMMANDS:
        run = daily_score.run_measured(daily_score.tens_insight("run", command), os.environ, clock)
        run = replace(run, cpu=run.cpu - loading)
        print(
            f"run {command}: {run.wall:.0f} s, {run.cpu:.0f} s of CPU, "
            f"peak {run.peak_mib:,.0f} MiB: {verdict(run.peak_mib, MOST_MIB)}",
            flush=True,
        )
        peaks = node_peaks(command)
        for node, seconds in run.nodes.items():
            peak = f"{peaks[node]:9,.0f} MiB" if node in peaks else ""
            print(f"  {node:24}{seconds:7.1f} s{peak}", flush=True)
        if run.failure:
            print(run.failure, flush=True)
            break
        runs[command] = run
    return runs


def count_rows() -> int:
    """Returns the rows of feedback that there are."""
    with closing(connect("tens-insight bench")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM feedback_enriched")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def node_peaks(command: str) -> dict[str, float]:
    """Returns the peak memory of the newest run's process at each of its nodes, MiB."""
    from components.registry.node_costs import read_costs
    from pipeline.registry.registry import Registry
    from pipeline.settings import load_settings

    settings, pipeline = load_settings(), f"tens-insight-{command}"
    run = next(run for run in Registry(settings.metadata_path).runs() if run.pipeline == pipeline)
    costs = read_costs(f"{settings.pipeline_root}/{pipeline}", run.run_id)
    return {cost.name: cost.peak_mib for cost in costs if cost.peak_mib is not None}


def report(measured: dict[int, dict[str, Run]]) -> int:
    """Prints how time grows; returns the exit code."""
    missed = any(len(runs) < len(COMMANDS) for runs in measured.values())
    missed |= any(run.peak_mib > MOST_MIB for runs in measured.values() for run in runs.values())
    print()
    for command in COMMANDS:
        for small, large in pairwise(
            size for size in sorted(measured) if command in measured[size]
        ):
            runs = [measured[size][command] for size in (small, large)]
            growth = math.log(large / small)
            cpu = math.log(runs[1].cpu / runs[0].cpu) / growth
            wall = math.log(runs[1].after_loading / runs[0].after_loading) / growth
            held = f": {verdict(cpu, MOST_EXPONENT)}" if command == "score" else ""
            print(
                f"time exponent from {small:,} to {large:,} accounts, run {command}: "
                f"{cpu:.2f} by CPU{held}, {wall:.2f} by wall, both after loading"
            )
            missed |= command == "score" and cpu > MOST_EXPONENT
    return int(missed)


def verdict(value: float, most: float) -> str:
    """Says whether a bar was held."""
    return "held" if value <= most else f"MISSED, at most {most:,.4g}"


if __name__ == "__main__":
    sys.exit(main())
