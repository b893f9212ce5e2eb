"""What a training and a daily score of many accounts take: time, processor seconds, memory.

    python -m bench.size --accounts 100000 1000000

Makes an embedded server and a world of 20 rows for each account, a quarter of which churned, in
--folder, and finds them again the next time. For each size a state directory of its own: `run
train`, then `run score`. Prints wall, processor seconds (the database's too), the peak of the
memory of all processes without the database's (pages that they share count once), and the seconds
of each node.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench import daily_score
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.logs import silence_libraries


def main() -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    options = parse()
    options.folder.mkdir(parents=True, exist_ok=True)
    options.folder.chmod(0o711)  # as root the server runs as nobody, who must pass
    server = EmbeddedPostgres(options.folder, durable=False)
    server.start()
    try:
        for accounts in options.accounts:
            daily_score.prepare_rows(server, "size", accounts)
            if not options.worlds_only:
                measure(accounts, options.folder)
    finally:
        server.stop()
    return 0


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--worlds-only", action="store_true", help="make the worlds, measure none")
    folder = Path(tempfile.gettempdir()) / "tens-insight-size"
    parser.add_argument("--folder", type=Path, default=folder)
    return parser.parse_args()


def measure(accounts: int, folder: Path) -> None:
    """Trains and scores, and prints what each took."""
    from bench.server_clock import ServerClock

    os.environ["TENS_INSIGHT_STATE_DIR"] = str(folder / f"state_{accounts}")
    clock = ServerClock(folder / daily_score.DATA)
    for command in ("train", "score"):
        run = daily_score.run_measured(["run", command], os.environ, clock)
        print(
            f"\n{accounts:,} accounts, run {command}: {run.wall:.0f} s, {run.cpu:.0f} s of CPU, "
            f"peak {run.peak_mib:,.0f} MiB",
            flush=True,
        )
        for node, seconds in run.nodes.items():
            print(f"  {node:24}{seconds:7.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
