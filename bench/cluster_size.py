"""What a daily score of many accounts takes on Flink, with one slot and with two, beside locally.

    python -m bench.cluster_size --flink FOLDER --job-server JAR --accounts 1000000

Takes server, world and champion of `bench.size` in --folder, and makes those that are not there.
Scores with the local runner, then for each number of --slots on a cluster of as many TaskManagers
of one slot each, and with --train trains there too: all for the moment of the newest publication,
so that scores must be equal. Prints wall and processor seconds (the database's with those of the
run and what it starts, those of the cluster beside them), the seconds of each node, and the largest
memory of the run and of every part of the cluster. Ends with 1 where a run fails or a score differs
by more than 1e-6.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from bench import daily_score
from bench.cluster import (
    Place,
    Used,
    cluster_of,
    print_tasks,
    score_differences,
    shown,
    worker_processes,
)
from bench.scratch_server import scratch_server
from bench.server_clock import ServerClock
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.logs import silence_libraries

_SCORES: Final = (
    "SELECT account_id, churn_probability, risk_category FROM account_risk_scores ORDER BY 1"
)
_NEWEST: Final = "SELECT max(as_of) FROM tens_insight.publications"


def main() -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    options = parse()
    with scratch_server(options.folder) as server:
        return measure(server, options)


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flink", default=os.environ.get("FLINK_HOME", ""))
    parser.add_argument("--job-server", default="", help="Beam's job server; else Beam fetches it")
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--slots", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--without-local", action="store_true", help="compare with what is there")
    parser.add_argument("--train", action="store_true", help="train on the most slots at the end")
    folder = Path(tempfile.gettempdir()) / "tens-insight-size"
    parser.add_argument("--folder", type=Path, default=folder)
    return parser.parse_args()


def measure(server: EmbeddedPostgres, options: argparse.Namespace) -> int:
    """Scores here and there, and says what differs; returns the exit code."""
    daily_score.prepare_rows(server, "size", options.accounts)
    clock = ServerClock(options.folder / daily_score.DATA)
    settings = {}
    if options.job_server:
        settings["TENS_INSIGHT_BEAM_JOB_SERVER_JAR"] = str(Path(options.job_server).absolute())
    state = options.folder / f"state_{options.accounts}"
    place = Place(os.environ["DATABASE_URL"], state, settings)
    if not (state / "metadata.sqlite").exists():
        print_run("local: run train", place, ("run", "train"), clock)
    (as_of,) = place.query(_NEWEST)[0]
    place = Place(place.url, state, {**settings, "TENS_INSIGHT_AS_OF": as_of.isoformat()})
    if not options.without_local:
        print_run("local: run score", place, ("run", "score"), clock)
    expected, problems = place.query(_SCORES), []
    for slots in options.slots:
        problems += score_there(place, slots, "score", options, clock, expected)
    if options.train:
        problems += score_there(place, max(options.slots), "train", options, clock, expected)
    for problem in problems:
        print(f"DIFFERENT: {problem}")
    return int(bool(problems))


def score_there(
    place: Place,
    slots: int,
    command: str,
    options: argparse.Namespace,
    clock: ServerClock,
    expected: list[tuple[Any, ...]],
) -> list[str]:
    """Runs a command on a cluster of so many slots; returns what differs."""
    cluster = argparse.Namespace(engine="flink", flink=options.flink, workers=slots, hosts=False)
    for log in (place.state / "logs").glob("*"):  # of earlier runs, which had workers too
        log.unlink()
    with cluster_of(place, cluster) as (there, used):
        print_run(f"{slots} slots: run {command}", there, ("run", command), clock, used)
        print_tasks(there.settings["TENS_INSIGHT_BEAM_ENDPOINT"])
        for stage, processes in worker_processes(place.state).items():
            print(f"  {stage}: {len(processes)} worker processes", flush=True)
    return [f"{slots} slots: {one}" for one in score_differences(expected, place.query(_SCORES))]


def print_run(
    name: str,
    place: Place,
    command: tuple[str, ...],
    clock: ServerClock,
    used: dict[str, Used] | None = None,
) -> None:
    """Runs a command of ours and prints what it took."""
    run = daily_score.run_measured(daily_score.tens_insight(*command), place.environment, clock)
    print(
        f"{name}: {run.wall:.0f} s, {run.cpu:.0f} s of CPU with the database's, load "
        f"{os.getloadavg()[1]:.1f}, {shutil.disk_usage(place.state).free / 2**30:.0f} GiB free, "
        f"peak of the run and what it starts {run.peak_mib:,.0f} MiB",
        flush=True,
    )
    if used:
        there = sum(one.cpu for one in used.values())
        print(f"  cluster, {there:.0f} s of CPU: {shown(used)}", flush=True)
    for node, seconds in run.nodes.items():
        print(f"  {node:24}{seconds:7.1f} s", flush=True)
    if run.failure:
        raise SystemExit(run.failure)


if __name__ == "__main__":
    sys.exit(main())
