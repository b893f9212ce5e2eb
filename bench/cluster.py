"""Whether a cluster publishes what one process does: `make flink`, `make spark`, `make portable`.

    python -m bench.cluster --engine flink --flink FOLDER --job-server JAR
    python -m bench.cluster --engine portable --kills 10

Makes a server and the demo's world twice, the second a copy of the first. Trains and scores on one
with the local runner, on the other on a cluster that `tens-insight cluster start` starts: with
several buckets of accounts, so that there is something to divide. Compares scores (to 1e-6),
categories, counts of examples and product areas (exactly) and the decision of the gate; counts the
worker processes of each stage that is ours, and on Flink says what each task of each stage got and
gave; prints time and memory. With --kills it then scores again and again, and kills a TaskManager
(with the engine portable a worker) at a random moment: each such run must publish the same scores
once, or end with a documented code and publish nothing. Ends with 1 where something differs.
"""

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2 import sql

from bench.scratch_server import scratch_server
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.runners import flink
from pipeline.runners.local_cluster import running_cluster

TOLERANCE: Final = 1e-6
PROGRAM: Final = str(Path(sys.executable).with_name("tens-insight"))
UNEXPECTED: Final = 1
_SCORES: Final = (
    "SELECT account_id, churn_probability, risk_category FROM account_risk_scores ORDER BY 1"
)
_AREAS: Final = (
    "SELECT product_area, segment, priority_score, feedback_count, avg_sentiment_score, "
    "negative_count, critical_count FROM product_area_impact ORDER BY 1, 2"
)
_PUBLICATIONS: Final = (
    "SELECT count(*) FROM tens_insight.publications WHERE target_table LIKE '%account_risk_scores'"
)
_VERSIONS: Final = "SELECT account_id, xmin::text FROM account_risk_scores ORDER BY 1"
"""Which transaction wrote each row."""
_WORKED: Final = re.compile(r"(was written|was scored) by process (\d+) of (\S+)\.")
_STAGES: Final = {"was written": "WriteBuckets", "was scored": "ScoreShards"}


@dataclass(frozen=True)
class Ran:
    """How a run ended.

    Attributes:
        code: Its exit code.
        summary: What it printed as JSON; empty where it printed none.
        wall: Seconds.
        said: What it wrote to standard error.
    """

    code: int
    summary: Mapping[str, Any]
    wall: float
    said: str


@dataclass(frozen=True)
class Place:
    """A database with a state directory, and the settings of its runs."""

    url: str
    state: Path
    settings: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """Of its commands."""
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("PG", "TENS_INSIGHT_", "DATABASE_URL"))
        }
        named = {"DATABASE_URL": self.url, "TENS_INSIGHT_STATE_DIR": str(self.state)}
        return kept | named | dict(self.settings)

    def run(self, *arguments: str, patience_s: float = 1800) -> Ran:
        """Runs a command of ours; one that takes too long is killed and ends with -9."""
        began = time.monotonic()
        process = subprocess.Popen(
            [PROGRAM, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, said = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, said = process.communicate()
        lines = out.splitlines()
        summary = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
        return Ran(process.returncode, summary, time.monotonic() - began, said)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Returns rows of the database."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def main() -> int:
    """Runs the comparison; returns the exit code."""
    options = parse()
    shutil.rmtree(options.folder, ignore_errors=True)
    with scratch_server(options.folder) as server:
        return compare(server, options)


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=["flink", "spark", "portable"], default="flink")
    parser.add_argument("--flink", default=os.environ.get("FLINK_HOME", ""))
    parser.add_argument("--job-server", default="", help="Beam's job server; else Beam fetches it")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--hosts", action="store_true", help="a network namespace for each")
    parser.add_argument("--accounts", type=int, default=3_000)
    parser.add_argument("--days", type=int, default=540)
    parser.add_argument("--rows-per-bucket", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument(
        "--slots", type=int, default=2, help="of a TaskManager, in runs with a kill"
    )
    parser.add_argument("--longest-delay", type=float, default=30, help="of a kill, seconds")
    parser.add_argument("--seed", type=int, default=1)
    folder = Path(tempfile.gettempdir()) / "tens-insight-cluster"
    parser.add_argument("--folder", type=Path, default=folder)
    return parser.parse_args()


def compare(server: EmbeddedPostgres, options: argparse.Namespace) -> int:
    """Makes both places, runs both, and says what differs."""
    now = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    common = {
        "TENS_INSIGHT_AS_OF": now.isoformat(),
        "TENS_INSIGHT_ROWS_PER_BUCKET": str(options.rows_per_bucket),
    }
    server.create_database("one")
    one = Place(server.url("one"), options.folder / "state-one", common)
    for command in (("db", "init"), ("simulate", *_world(options))):
        made = one.run(*command)
        if made.code:
            print(f"{' '.join(command)} ended with {made.code}: {made.said}")
            return 1
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            names = sql.Identifier("many"), sql.Identifier("one")
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    local = {command: one.run("run", command, "--json") for command in ("train", "score")}
    _print("local", local)
    if options.job_server:
        common["TENS_INSIGHT_BEAM_JOB_SERVER_JAR"] = str(Path(options.job_server).absolute())
    many = Place(server.url("many"), options.folder / "state-many", common)
    with cluster_of(many, options) as (place, used):
        doctor = place.run("cluster", "doctor")
        if doctor.code:
            print(f"tens-insight cluster doctor ended with {doctor.code}: {doctor.said}")
            return 1
        there = {command: place.run("run", command, "--json") for command in ("train", "score")}
        _print(options.engine, there)
        print(f"largest memory and processor seconds of each: {shown(used)}")
        stages = worker_processes(many.state)
        if options.engine == "flink":
            print_tasks(place.settings["TENS_INSIGHT_BEAM_ENDPOINT"])
    for stage, processes in stages.items():
        print(f"{stage}: {len(processes)} worker processes by the logs")
    print(f"all jobs: {len(workers_seen(used))} worker processes")
    problems = list(differences(one, many, local, there))
    problems += few_workers(stages, used, options, len(there))
    for problem in problems:
        print(f"DIFFERENT: {problem}")
    if not problems:
        print(f"equal: scores to {TOLERANCE}, counts, areas, categories, decision of the gate")
    if options.kills and not problems:
        problems += kill_again_and_again(many, options)
    return 1 if problems else 0


def _world(options: argparse.Namespace) -> tuple[str, ...]:
    return ("--accounts", str(options.accounts), "--days", str(options.days))


@dataclass(frozen=True)
class Used:
    """What a process had used when it was last looked at.

    Attributes:
        peak_kib: Its largest memory.
        cpu: Seconds of user and system; of what it started they are not.
    """

    peak_kib: int
    cpu: float


@contextmanager
def cluster_of(
    place: Place, options: argparse.Namespace, slots: int = 1
) -> Iterator[tuple[Place, dict[str, Used]]]:
    """Starts a cluster; the place with the settings that name it, and what its parts use.

    There are as many tasks as TaskManagers: with more than one slot each, the rest can take over
    those of one that is lost.
    """
    command = ["cluster", "start", "--engine", options.engine, "--workers", str(options.workers)]
    command += ["--slots", str(slots)]
    if options.flink:
        command += ["--flink", options.flink]
    if options.hosts:
        command.append("--hosts")
    started = place.run(*command, "--json")
    if started.code:
        print(started.said)
        raise SystemExit(started.code)
    named = {
        f"TENS_INSIGHT_{name.upper()}": value for name, value in started.summary["settings"].items()
    }
    named["TENS_INSIGHT_BEAM_PARALLELISM"] = str(options.workers)
    used: dict[str, Used] = {}
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(place.state / "cluster", used, ended))
    watcher.start()
    try:
        yield Place(place.url, place.state, {**place.settings, **named}), used
    finally:
        ended.set()
        watcher.join()
        place.run("cluster", "stop")


def _watch(folder: Path, used: dict[str, Used], ended: threading.Event) -> None:
    """Notes what each part of a cluster and each worker uses."""
    while not ended.wait(0.5):
        found = {one.name: one.pid for one in running_cluster(folder)[0]}
        found |= {f"worker {pid}": pid for pid in workers(folder)}
        for name, pid in found.items():
            with contextlib.suppress(OSError, TypeError):  # it has ended
                status = Path(f"/proc/{pid}/status").read_text()
                peak = re.search(r"VmHWM:\s+(\d+) kB", status)
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                used[name] = Used(int(peak[1]), cpu)  # type: ignore[index]


def workers(folder: Path) -> list[int]:
    """Returns the workers of the cluster of a folder: the children of its pools."""
    pools = {one.pid for one in running_cluster(folder)[0] if one.name.startswith("worker pool")}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent in pools:
            found.append(int(process.name))
    return found


def worker_processes(state: Path) -> dict[str, set[tuple[str, str]]]:
    """Returns which processes computed each stage of ours, by the logs."""
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in _STAGES.values()}
    for log in [*state.glob("cluster/*.log"), *state.glob("logs/*")]:
        for what, process, host in _WORKED.findall(log.read_text(errors="replace")):
            found[_STAGES[what]].add((host, process))
    return found


def few_workers(
    stages: Mapping[str, set[tuple[str, str]]],
    used: Mapping[str, Used],
    options: argparse.Namespace,
    runs: int,
) -> list[str]:
    """Says which stages had fewer workers than there are: each job has workers of its own.

    On Spark what they log is in the output of the job server, which Beam's client drops: there all
    workers are counted, those of the doctor's job too.
    """
    if options.engine == "spark":
        counted = {"all": (len(workers_seen(used)), len(stages) * runs + 1)}
    else:
        counted = {stage: (len(processes), runs) for stage, processes in stages.items()}
    return [
        f"{stage}: {found} worker processes in {jobs} jobs"
        for stage, (found, jobs) in counted.items()
        if found < options.workers * jobs
    ]


def workers_seen(used: Mapping[str, Used]) -> list[str]:
    """Returns the names of the workers among the parts of a cluster."""
    return [name for name in used if name.removeprefix("worker ").isdigit()]


def print_tasks(endpoint: str) -> None:
    """Prints what the tasks of a Flink's jobs got and gave, where there was something to divide."""
    for job in reversed(flink.ask(endpoint, "/jobs/overview")["jobs"]):
        print(f"job {job['name']}: {job['state']}, {job['duration'] / 1000:.1f} s")
        for stage in flink.ask(endpoint, f"/jobs/{job['jid']}")["vertices"]:
            tasks = flink.ask(endpoint, f"/jobs/{job['jid']}/vertices/{stage['id']}")["subtasks"]
            counts = [
                (one["metrics"]["read-records"], one["metrics"]["write-records"]) for one in tasks
            ]
            if sum(read for read, _ in counts) > len(tasks):
                told = ", ".join(f"{read} in {written} out" for read, written in counts)
                print(f"  {told}: {stage['name'][:120]}")


def differences(
    one: Place, many: Place, local: Mapping[str, Ran], there: Mapping[str, Ran]
) -> Iterator[str]:
    """Yields what differs between two places."""
    for command, ran in [*local.items(), *there.items()]:
        if ran.code:
            yield f"run {command} ended with {ran.code}: {ran.said[-2000:]}"
    if any(ran.code for ran in [*local.values(), *there.values()]):
        return
    yield from score_differences(one.query(_SCORES), many.query(_SCORES))
    if one.query(_AREAS) != many.query(_AREAS):
        yield "product areas"
    for command in local:
        ours, theirs = local[command].summary, there[command].summary
        counts = [one["data"] for one in (ours, theirs)]
        names = sorted({*counts[0], *counts[1]})
        apart = [name for name in names if counts[0].get(name) != counts[1].get(name)]
        if apart:
            yield f"what was read in run {command}: {', '.join(apart)}"
    verdicts = [_verdict(ran["train"].summary["gate"]) for ran in (local, there)]
    if verdicts[0] != verdicts[1]:
        yield f"the decision of the gate: {verdicts[0]} and {verdicts[1]}"


def score_differences(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> Iterator[str]:
    """Yields what differs between two tables of scores."""
    if [row[0] for row in ours] != [row[0] for row in theirs]:
        yield f"which accounts have a score: {len(ours)} and {len(theirs)}"
        return
    apart = max((abs(a[1] - b[1]) for a, b in zip(ours, theirs, strict=True)), default=0.0)
    print(f"largest difference of {len(ours)} probabilities: {apart:.3g}")
    if apart > TOLERANCE:
        yield f"probabilities, by {apart:.3g}"
    if [row[2] for row in ours] != [row[2] for row in theirs]:
        yield "risk categories"


def _verdict(gate: Mapping[str, Any]) -> Any:
    """Returns the decision and that of each check, without the figures."""
    checks = [(one["name"], one["slice"], one["verdict"]) for one in gate["checks"]]
    return gate["blessed"], checks


def kill_again_and_again(many: Place, options: argparse.Namespace) -> list[str]:
    """Scores on a cluster, a part of which is killed at a random moment; returns problems."""
    draws, expected, problems = random.Random(options.seed), many.query(_SCORES), []  # noqa: S311
    outcomes: dict[str, int] = {}
    for number in range(options.kills):
        with cluster_of(many, options, slots=options.slots) as (place, _):
            before, published = many.query(_VERSIONS), many.query(_PUBLICATIONS)[0][0]
            delay = draws.uniform(0, options.longest_delay)
            killed: list[int] = []
            ended = threading.Event()
            arguments = (many.state / "cluster", options.engine, delay, draws, ended, killed)
            killer = threading.Thread(target=_kill, args=arguments)
            killer.start()
            ran = place.run("run", "score", "--json", patience_s=900)
            ended.set()
            killer.join()
        named = f"kill {number}, {delay:.1f} s after a worker came"
        added = many.query(_PUBLICATIONS)[0][0] - published
        if ran.code == 0:
            wrong = list(score_differences(expected, many.query(_SCORES)))
            problems += [f"{named}: published wrong {one}" for one in wrong]
            problems += [f"{named}: {added} publications"] if added != 1 else []
        else:
            same = many.query(_VERSIONS) == before and added == 0
            problems += [] if same else [f"{named}: half published, exit code {ran.code}"]
        if ran.code in (UNEXPECTED, -signal.SIGKILL):
            problems.append(f"{named}: ended with {ran.code}: {ran.said[-1500:]}")
        outcome = f"exit code {ran.code}{'' if killed else ', nothing was there to kill'}"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        print(f"{named}: {outcome}, {ran.wall:.0f} s", flush=True)
    print(f"{options.kills} kills: {outcomes}, {len(problems)} problems")
    for problem in problems:
        print(problem)
    return problems


def _kill(
    folder: Path,
    engine: str,
    delay: float,
    draws: random.Random,
    ended: threading.Event,
    killed: list[int],
) -> None:
    """Kills a part of the cluster some seconds after a worker has come, and notes it."""
    while not workers(folder) and not ended.wait(0.05):
        pass
    ended.wait(delay)
    while not killed and not ended.wait(0.05):
        if engine == "flink":
            parts = running_cluster(folder)[0]
            found = [one.pid for one in parts if one.name.startswith("TaskManager")]
        else:
            found = workers(folder)
        if found:
            one = draws.choice(found)
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
                killed.append(one)


def _print(name: str, runs: Mapping[str, Ran]) -> None:
    for command, ran in runs.items():
        print(f"{name}: run {command} ended with {ran.code}, {ran.wall:.1f} s", flush=True)


def shown(used: Mapping[str, Used]) -> str:
    """Returns the largest memory and the processor seconds of each part of a cluster."""
    return ", ".join(
        f"{name} {one.peak_kib / 1024:.0f} MiB {one.cpu:.0f} s"
        for name, one in sorted(used.items())
    )


if __name__ == "__main__":
    sys.exit(main())
