"""How long a daily score takes, against the floor of the same database, model and examples.

    python -m bench.daily_score --accounts 10000 100000

Makes an embedded server, a champion trained on a simulated world of 3,000 accounts, and a database
of 20 rows for each account; all of it is kept in --folder and found again the next time. Then, for
each size and repeat, one after the other:

- the floor, in one process, before each setting of the reasons: COPY out of the rows as CSV, the
  champion's bare inference on the examples in memory, COPY into a staging table and one upsert with
  history;
- `tens-insight run score` without reasons, with those of the tenth most at risk, and with those of
  all accounts; without reasons and with all of them also without the nodes Monitor and
  OutcomeRecorder, which look back at what was published.

Prints medians: the time of each run after loading TFX and its ratio to the floor, the same of
processor seconds, which hold on a busy machine too and count the database's, the peak memory of all
its processes, by how much the two nodes lengthen the run, and by which power of the number of
accounts the time grows. Ends with 1 if one of these ratios of time at 100,000 accounts or more is
above its bar.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.scratch_server import scratch_server
from components.postgres.connection import connect
from components.postgres.migrate import migrate
from pipeline.demo import world_model
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.logs import silence_libraries

if TYPE_CHECKING:
    from bench.daily_floor import Cost, Floor
    from bench.server_clock import ServerClock

BARS = {"none": 2.0, "top": 3.0, "all": 3.0}
"""The highest ratio, by the setting REASONS."""
COMPARED = ("none", "all")
"""Runs that are also made without Monitor and OutcomeRecorder."""
LOOKING_BACK_BAR = 0.1
"""By which share of the rest Monitor and OutcomeRecorder may lengthen a run."""
HELD_FROM = 100_000
WITHOUT = "bench.score_without_monitoring"
NAMES = {"none": "without reasons", "top": "reasons of 10 %", "all": "with reasons"}
CHAMPION_WORLD = "champion"
DATA = "postgres/data"
"""Of the server, within its folder."""
SETTINGS = {
    # What is measured is no real deployment: its rows need not look like what was learnt from.
    "TENS_INSIGHT_DATA_CHECKS": json.dumps(
        dict.fromkeys(("truth", "freshness", "identity", "drift", "skew", "volume"), "warn")
    ),
    "TENS_INSIGHT_MAX_MEAN_SHIFT": "1",
    "TENS_INSIGHT_MAX_CATEGORY_SHIFT": "1",
    "TENS_INSIGHT_MAX_MOVED_SHARE": "1",
}
_NODE = re.compile(r"^  (\S.*?)\s+([0-9.]+) s$", re.M)


@dataclass(frozen=True)
class Run:
    """One run of `tens-insight run score`.

    Attributes:
        wall: Seconds of the whole process.
        nodes: Seconds of its parts, by name.
        cpu: Seconds of user and system, the database's too, without those of loading TFX.
        peak_mib: Highest memory of these, MiB; pages that they share count once.
        failure: How it ended and what it said, empty where it ended well.
    """

    wall: float
    nodes: dict[str, float]
    cpu: float
    peak_mib: float
    failure: str = ""

    @property
    def after_loading(self) -> float:
        """Seconds of all nodes."""
        before = ("Loading TFX", "Checking the database")
        return sum(seconds for name, seconds in self.nodes.items() if name not in before)


class Runs(NamedTuple):
    """Runs by the setting REASONS: whole ones, and those without Monitor and OutcomeRecorder."""

    whole: dict[str, list[Run]]
    without_looking_back: dict[str, list[Run]]


def main() -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    options = parse()
    os.environ["TENS_INSIGHT_STATE_DIR"] = str(options.folder / "state")
    with scratch_server(options.folder) as server:
        prepare_champion(server)
        measured = {accounts: measure(server, accounts, options) for accounts in options.accounts}
    return report(measured)


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=3)
    folder = Path(tempfile.gettempdir()) / "tens-insight-daily-score"
    parser.add_argument("--folder", type=Path, default=folder)
    return parser.parse_args()


def prepare_champion(server: EmbeddedPostgres) -> None:
    """Trains a champion, unless there is one."""
    server.create_database(CHAMPION_WORLD)
    os.environ["DATABASE_URL"] = server.url(CHAMPION_WORLD)
    if (Path(os.environ["TENS_INSIGHT_STATE_DIR"]) / "metadata.sqlite").exists():
        return
    print("Training a champion ...", flush=True)
    for command in (["simulate", "--replace"], ["run", "train"]):
        subprocess.run(tens_insight(*command), check=True, stdout=subprocess.DEVNULL)


def tens_insight(*arguments: str) -> list[str]:
    """Returns the command line of the program in this environment."""
    return [str(Path(sys.executable).parent / "tens-insight"), *arguments]


def measure(
    server: EmbeddedPostgres, accounts: int, options: argparse.Namespace
) -> tuple[list["Floor"], Runs]:
    """Measures one size; the first publication, into empty tables, does not count."""
    # Only now: TensorFlow reads what it may say when it is first imported.
    from bench.daily_floor import measure_floor
    from bench.server_clock import ServerClock
    from components.model_gate.evaluation_set import read_serialized
    from serving_model.served.predict import ModelScorer

    prepare_rows(server, "daily", accounts)
    clock = ServerClock(options.folder / DATA)
    loading = loading_seconds()
    score("none", clock, loading)
    model, examples = newest_artifacts()
    scorer, serialized = ModelScorer(model), read_serialized(f"{examples}/Split-score")
    measure_floor(scorer, model, serialized, clock)
    floors: list[Floor] = []
    runs = Runs({share: [] for share in BARS}, {share: [] for share in COMPARED})
    for _ in range(options.repeats):
        for share in BARS:
            floors.append(measure_floor(scorer, model, serialized, clock))
            if share in COMPARED:
                runs.without_looking_back[share].append(score(share, clock, loading, whole=False))
            runs.whole[share].append(score(share, clock, loading))
    return floors, runs


def prepare_rows(server: EmbeddedPostgres, kind: str, accounts: int) -> None:
    """Makes the database of one size by a kind's `<kind>_world.sql`, or finds it.

    DATABASE_URL names it afterwards.
    """
    name = f"{kind}_{accounts}"
    server.create_database(name)
    os.environ["DATABASE_URL"] = server.url(name)
    statements = (resources.files("bench") / f"{kind}_world.sql").read_text("utf-8")
    with closing(connect("tens-insight bench")) as connection:
        migrate(connection)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('account_churn') IS NOT NULL")
            if cursor.fetchone() != (True,):
                print(f"Making {20 * accounts:,} rows ...", flush=True)
                cursor.execute("SET statement_timeout = 0; DROP TABLE IF EXISTS feedback_enriched")
                cursor.execute(statements, words(accounts))
            cursor.execute("VACUUM ANALYZE feedback_enriched")


def words(accounts: int) -> dict[str, object]:
    """Returns the parameters of a world's statements: its size, and the simulated worlds' words."""
    topics = [
        (area, topic)
        for area, own in zip(world_model.AREAS, world_model.TOPICS, strict=True)
        for topic in own
    ]
    return {
        "accounts": accounts,
        "sources": list(world_model.SOURCES),
        "areas": [area for area, _ in topics],
        "topics": [topic for _, topic in topics],
        "regions": list(world_model.REGIONS),
        "tiers": list(world_model.TIERS),
    }


def newest_artifacts() -> tuple[str, str]:
    """Returns the folders of the champion and of the Examples that were scored last."""
    from components.registry.artifact_names import saved_model_path
    from components.registry.input_properties import ExamplesProperties
    from components.registry.model_properties import ModelProperties
    from pipeline.registry.registry import Registry
    from pipeline.settings import load_settings

    registry = Registry(load_settings().metadata_path)
    runs = registry.runs()
    trained = next(run for run in runs if run.pipeline == "tens-insight-train")
    model = registry.artifacts_of(trained).newest(ModelProperties)
    examples = registry.artifacts_of(runs[0]).newest(ExamplesProperties)
    assert model is not None
    assert examples is not None
    return saved_model_path(model.uri), examples.uri


def loading_seconds() -> float:
    """Returns the processor seconds of a process that does nothing but load TFX."""
    code = "from pipeline import local_runner, scoring"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime


def score(reasons: str, clock: "ServerClock", loading: float, *, whole: bool = True) -> Run:
    """Runs `tens-insight run score`.

    Args:
        reasons: Of all accounts, of the top tenth, or none.
        clock: Of the server.
        loading: Processor seconds that do not count.
        whole: Whether Monitor and OutcomeRecorder are part of it.
    """
    environment = {**os.environ, **SETTINGS, "TENS_INSIGHT_REASONS": reasons}
    command = tens_insight("run", "score") if whole else [sys.executable, "-m", WITHOUT]
    run = run_measured([*command, "--adopt"], environment, clock)
    if run.failure:
        raise SystemExit(run.failure)
    return replace(run, cpu=run.cpu - loading)


def run_measured(command: list[str], environment: Mapping[str, str], clock: "ServerClock") -> Run:
    """Runs a command; the processor seconds are those of loading TFX, too."""
    start, before = time.perf_counter(), clock.seconds()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        peak = _Peak(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        peak.stop()
        said.seek(0)
        text = said.read()
    code = os.waitstatus_to_exitcode(status)
    failure = f"{' '.join(command)} ended with {code}:\n{text}" if code else ""
    nodes = {name: float(seconds) for name, seconds in _NODE.findall(text)}
    cpu = usage.ru_utime + usage.ru_stime + clock.seconds() - before
    return Run(wall, nodes, cpu, peak.mib, failure)


class _Peak:
    """Looks five times a second at the memory of a process and of all that it started.

    Attributes:
        mib: The highest that was seen, MiB.
    """

    def __init__(self, pid: int) -> None:
        self.mib = 0.0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, args=(pid,))
        self._watch.start()

    def stop(self) -> None:
        """Ends the watch."""
        self._ended.set()
        self._watch.join()

    def _look(self, pid: int) -> None:
        while not self._ended.wait(0.2):
            self.mib = max(self.mib, sum(map(_proportional_mib, _with_children(pid))))


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            found += [
                int(child) for task in tasks for child in (task / "children").read_text().split()
            ]
        except OSError:
            continue  # it has ended
    return found


def _proportional_mib(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^Pss:\s+(\d+)", text, re.M)
    return int(found[1]) / 1024 if found else 0.0


def report(measured: dict[int, tuple[list["Floor"], Runs]]) -> int:
    """Prints what was measured; returns the exit code."""
    from bench.daily_floor import Cost

    missed = 0
    for accounts, (floors, runs) in measured.items():
        parts = [
            statistics.median(one.wall for one in column) for column in zip(*floors, strict=True)
        ]
        walls = [one.total.wall for one in floors]
        floor = Cost(
            statistics.median(walls),
            statistics.median(one.total.cpu for one in floors),
        )
        print(
            f"\n{accounts:,} accounts, {20 * accounts:,} rows: floor {floor.wall:.2f} s "
            f"({min(walls):.2f} to {max(walls):.2f}; "
            f"COPY out {parts[0]:.2f}, inference {parts[1]:.2f}, upsert {parts[2]:.2f}), "
            f"{floor.cpu:.2f} s of CPU"
        )
        for share, bar in BARS.items():
            held = accounts >= HELD_FROM
            missed += _print_runs(NAMES[share], runs.whole[share], floor, bar, held=held)
            if share in COMPARED:
                missed += _print_looking_back(
                    runs.whole[share], runs.without_looking_back[share], held=held
                )
    sizes = sorted(measured)
    for share, name in NAMES.items():
        for small, large in pairwise(sizes):
            seconds = [
                statistics.median(run.after_loading for run in measured[size][1].whole[share])
                for size in (small, large)
            ]
            power = math.log(seconds[1] / seconds[0]) / math.log(large / small)
            print(f"time exponent from {small:,} to {large:,} accounts, {name}: {power:.2f}")
    return int(missed > 0)


def _print_runs(name: str, runs: list[Run], floor: "Cost", bar: float, *, held: bool) -> bool:
    after = statistics.median(run.after_loading for run in runs)
    ratio = after / floor.wall
    cpu = statistics.median(run.cpu for run in runs)
    verdict = "" if not held else f", at most {bar:.1f}: {'held' if ratio <= bar else 'MISSED'}"
    print(
        f"  {name:16} {after:7.1f} s after loading, {ratio:.2f} times the floor{verdict}; "
        f"whole process {statistics.median(run.wall for run in runs):.1f} s, "
        f"{cpu:.1f} s of CPU after loading, {cpu / floor.cpu:.2f} times the floor's, "
        f"peak {max(run.peak_mib for run in runs):,.0f} MiB"
    )
    for node in runs[0].nodes:
        seconds = statistics.median(run.nodes.get(node, 0.0) for run in runs)
        if seconds >= 0.05:
            print(f"    {node:24}{seconds:7.2f} s")
    return held and ratio > bar


def _print_looking_back(whole: list[Run], without: list[Run], *, held: bool) -> bool:
    after, cpu = (
        [statistics.median(getattr(run, name) for run in runs) for runs in (whole, without)]
        for name in ("after_loading", "cpu")
    )
    longer = after[0] / after[1] - 1
    bar = LOOKING_BACK_BAR
    verdict = "" if not held else f", at most {bar:.0%}: {'held' if longer <= bar else 'MISSED'}"
    print(
        f"    {after[1]:.1f} s and {cpu[1]:.1f} s of CPU without Monitor and OutcomeRecorder, "
        f"which add {longer:.1%}{verdict}, and {cpu[0] / cpu[1] - 1:.1%} of CPU"
    )
    return held and longer > bar


if __name__ == "__main__":
    sys.exit(main())
