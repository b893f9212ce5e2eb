"""How long the demo takes, node by node, beside its bars and beside TFX's own penguin template.

    python -m bench.first_run
    python -m bench.first_run --clone     # also the first run in a fresh clone

Runs `tens-insight demo run`, all that `make run` does once packages are there, and the penguin
template of the same environment with all its components, by turns, each on what its first run
left. Prints the medians of walls and of processor seconds, those of the demo with its database
server's; the seconds of each node; and how many times the template's wall the demo takes. With
--clone, `make run` in a clone of this repository's HEAD in a new folder comes first: packages are
taken from the package cache where it holds them. Ends with 1 if a bar is missed.

All files go to a temporary folder, which is removed at the end.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.penguin_template import make_template, template_environment
from bench.server_clock import ServerClock

SECOND_RUN_BAR: Final = 40.0
FRESH_CLONE_BAR: Final = 75.0
RATIO_BAR: Final = 1.0
NODE: Final = re.compile(r"^  (\S.*?)\s+([0-9.]+) s$", re.M)
REPOSITORY: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """One run of a command.

    Attributes:
        wall: Seconds.
        cpu: Seconds of user and system of its process and of those that it waited for.
        nodes: Seconds of its parts, by name; empty where it does not tell.
    """

    wall: float
    cpu: float
    nodes: dict[str, float]


def main() -> int:
    """Runs the benchmark; returns the exit code."""
    options = parse()
    folder = Path(tempfile.mkdtemp(prefix="tens-insight-first-run-"))
    folder.chmod(0o711)  # as root the server runs as nobody, who must pass to its own folder
    try:
        return measure(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clone", action="store_true", help="a fresh clone's first run, too")
    return parser.parse_args()


def measure(folder: Path, options: argparse.Namespace) -> int:
    """Measures all in a folder, prints it, and returns the exit code."""
    print(f"TFX {version('tfx')}, TensorFlow {version('tensorflow')}, {os.cpu_count()} cores")
    held = [first_in_clone(folder / "clone")] if options.clone else []
    template = make_template(folder, template_environment(own_environment(folder)))
    try:
        firsts = demo(folder), penguin(template, folder)
        print_run("first run of the demo", firsts[0])
        print_run("first run of the template", firsts[1])
        pairs = [(demo(folder), penguin(template, folder)) for _ in range(options.repeats)]
    finally:
        stop = [program("tens-insight"), "demo", "stop"]
        subprocess.run(stop, env=own_environment(folder), stdout=subprocess.DEVNULL, check=False)
    return int(not all([*held, *report(pairs)]))


def own_environment(folder: Path) -> dict[str, str]:
    """Returns the variables of the demo: those of this process but for settings and databases."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TENS_INSIGHT_", "PG")) and not name.endswith("DATABASE_URL")
    }
    return {**kept, "TENS_INSIGHT_STATE_DIR": str(folder / "state")}


def program(name: str) -> str:
    """Returns the path of a program of this environment."""
    return str(Path(sys.executable).parent / name)


def demo(folder: Path) -> Run:
    """Runs the demo on what is there; counts the time of its server, too."""
    data = folder / "state" / "postgres" / "data"
    before = ServerClock(data).seconds() if (data / "postmaster.pid").exists() else 0.0
    run = timed([program("tens-insight"), "demo", "run"], folder, own_environment(folder))
    return Run(run.wall, run.cpu + ServerClock(data).seconds() - before, run.nodes)


def penguin(template: Path, folder: Path) -> Run:
    """Runs the template on what is there."""
    environment = template_environment(own_environment(folder))
    run = timed([sys.executable, "local_runner.py"], template, environment)
    pushed = list(template.glob("tfx_pipeline_output/penguin/serving_model/*"))
    if not pushed:
        raise SystemExit("The template pushed no model: it did not do all its work.")
    return run


def first_in_clone(clone: Path) -> bool:
    """Runs `make run` in a fresh clone, and returns whether it held its bar."""
    git, make = (shutil.which(name) or name for name in ("git", "make"))
    subprocess.run([git, "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
    environment = own_environment(clone)
    # As for anybody who has cloned: the clone's own folder, and no environment that is active.
    for name in ("TENS_INSIGHT_STATE_DIR", "VIRTUAL_ENV", "PYTHONPATH"):
        environment.pop(name, None)
    try:
        run = timed([make, "run"], clone, environment)
        print_run("make run in a fresh clone", run)
        print_nodes([run])
    finally:
        stop = [make, "stop"]
        subprocess.run(stop, cwd=clone, env=environment, capture_output=True, check=False)
    return judge("fresh clone", run.wall, FRESH_CLONE_BAR, "s")


def timed(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Run:
    """Runs a command.

    Raises:
        SystemExit: It failed; shows the end of what it said.
    """
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if status:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{text[-4000:]}")
    nodes = {name: float(seconds) for name, seconds in NODE.findall(text)}
    return Run(wall, usage.ru_utime + usage.ru_stime, nodes)


def report(pairs: Sequence[tuple[Run, Run]]) -> list[bool]:
    """Prints the runs that came by turns; returns which bars were held."""
    demos, templates = [ours for ours, _ in pairs], [theirs for _, theirs in pairs]
    print(f"\nEach on what was there, medians of {len(pairs)}, by turns:")
    print_run("demo", middle(demos))
    print_nodes(demos)
    print_run("penguin template", middle(templates))
    ratio = statistics.median(ours.wall / theirs.wall for ours, theirs in pairs)
    cpu = statistics.median(ours.cpu / theirs.cpu for ours, theirs in pairs)
    print(f"  of processor seconds, the demo takes {cpu:.2f} times the template's")
    return [
        judge("second run", middle(demos).wall, SECOND_RUN_BAR, "s"),
        judge("demo's wall / template's, of each pair", ratio, RATIO_BAR, "times"),
    ]


def middle(runs: Sequence[Run]) -> Run:
    """Returns medians."""
    wall, cpu = (statistics.median(getattr(run, name) for run in runs) for name in ("wall", "cpu"))
    return Run(wall, cpu, {})


def print_run(name: str, run: Run) -> None:
    """Prints wall and processor seconds."""
    print(f"  {name:28} {run.wall:6.1f} s, {run.cpu:6.1f} s of CPU", flush=True)


def print_nodes(runs: Sequence[Run]) -> None:
    """Prints the median of each part that takes a tenth of a second or more."""
    for node in runs[0].nodes:
        seconds = statistics.median(run.nodes.get(node, 0.0) for run in runs)
        if seconds >= 0.1:
            print(f"    {node:26} {seconds:6.1f} s")


def judge(name: str, value: float, bar: float, unit: str) -> bool:
    """Prints a value beside its bar; returns whether it was held."""
    held = value <= bar
    print(f"  {name}: {value:.2f} {unit}, at most {bar:g}: {'held' if held else 'MISSED'}")
    return held


if __name__ == "__main__":
    sys.exit(main())
