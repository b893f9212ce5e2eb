"""How often the gate blesses worlds with a signal, and worlds without one.

Each world is simulated into a scratch database on an embedded server and goes through the
real components, in one process, so that imports are paid for once:

    python -m bench.gate_worlds

Of recency and the cold-start rule it says how many challengers rank worse by more than the gate
allows against a baseline, and how many do not rank better beyond chance. Exits with 1 if more than
one null world in 20 was blessed, or fewer than 19 strong ones in 20.
"""

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psycopg2

from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.logs import log_to_file, silence_libraries

END = datetime(2026, 6, 1, tzinfo=timezone.utc)
SCENARIOS = ("null", "base", "strong")
NODES = (
    "ImportSchemaGen",
    "FeedbackExampleGen",
    "FormerChampion",
    "Transform",
    "ModelTrainer",
    "Evaluator",
    "ModelGate",
)
"""What a decision needs; statistics and publishing are left out."""
BESIDE = ("recency", "cold_start_rule")
MOST_NULL = 0.05
FEWEST_STRONG = 0.95
MOST_WORSE = 0.02
"""By how much AUC may be below that of a baseline: the default of MAX_WORSENING."""


@dataclass(frozen=True)
class World:
    """One world to judge."""

    scenario: str
    seed: int
    accounts: int
    days: int
    folder: str

    @property
    def name(self) -> str:
        """The name of its database and its folder."""
        return f"{self.scenario}_{self.seed}"


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    options = parse(arguments)
    with contextlib.ExitStack() as stack:
        folder = options.keep or stack.enter_context(tempfile.TemporaryDirectory())
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder).chmod(0o711)  # as root the server runs as nobody, who must pass
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        stack.callback(server.stop)
        worlds = [
            World(scenario, seed, options.accounts, options.days, str(folder))
            for seed in range(1, options.seeds + 1)
            for scenario in options.scenarios
        ]
        # Processes of their own: what TensorFlow holds of a world goes with them.
        pool = stack.enter_context(
            multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=10)
        )
        blessed: Counter[str] = Counter()
        ranked: Counter[tuple[str, str, str]] = Counter()
        for world, decision, seconds in pool.imap_unordered(judge, worlds):
            blessed[world.scenario] += decision["blessed"]
            for other, (value, low, high) in decision["beside"].items():
                ranked[world.scenario, other, "worse"] += value < -MOST_WORSE
                ranked[world.scenario, other, "not better"] += low <= 0
                print(f"  beside {other}: {value:+.4f} [{low:+.4f}, {high:+.4f}]")
            print(line(world, decision, seconds), flush=True)
    print(*ranking_lines(ranked, options), sep="\n")
    return report(blessed, options)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="Worlds of each scenario.")
    parser.add_argument("--accounts", type=int, default=6_000, help="That ever sign up.")
    parser.add_argument("--days", type=int, default=480, help="Length of the record.")
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS)
    parser.add_argument("--jobs", type=int, default=1, help="Worlds at the same time.")
    parser.add_argument("--keep", metavar="FOLDER", help="Keep artifacts and database here.")
    return parser.parse_args(arguments)


def judge(world: World) -> tuple[World, dict[str, Any], float]:
    """Simulates a world and takes it through the components; returns the decision."""
    began = time.monotonic()
    server = EmbeddedPostgres(Path(world.folder), durable=False)
    server.create_database(world.name)
    os.environ["DATABASE_URL"] = server.url(world.name)
    simulate_into(server.url(world.name), world)
    folder = Path(world.folder) / world.name
    silence_libraries()
    log_to_file(folder / "log")
    decision = run_components(folder)
    return world, decision, time.monotonic() - began


def simulate_into(url: str, world: World) -> None:
    """Writes the world into its database."""
    from pipeline.demo.simulate import simulate

    with contextlib.closing(psycopg2.connect(url)) as connection:
        simulate(
            connection,
            accounts=world.accounts,
            days=world.days,
            seed=world.seed,
            scenario=world.scenario,
            end=END,
        )


def run_components(folder: Path) -> dict[str, Any]:
    """Runs the training pipeline up to its gate; returns decision.json."""
    from tfx.dsl.compiler.compiler import Compiler
    from tfx.orchestration import metadata

    from pipeline.runs.branch_runner import BranchRunner
    from pipeline.settings import load_settings
    from pipeline.training import create_pipeline

    settings = load_settings(
        state_dir=folder, as_of=END, cutoff_interval_days=28, max_training_cutoffs=6
    )
    definition = create_pipeline(settings)
    definition.metadata_connection_config = metadata.sqlite_metadata_connection_config(
        str(settings.metadata_path)
    )
    compiled = Compiler().compile(definition)
    wanted = [node for node in compiled.nodes if node.pipeline_node.node_info.id in NODES]
    del compiled.nodes[:]
    compiled.nodes.extend(wanted)
    BranchRunner().run_with_ir(compiled)
    (file,) = folder.rglob("ModelGate/blessing/*/decision.json")
    decision: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return decision | {"beside": beside(file.parent)}


def beside(blessing: Path) -> dict[str, tuple[float, float, float]]:
    """Returns AUC less that of each of BESIDE, with the paired 95 % interval."""
    from components.model_gate.predictions import read_predictions
    from serving_model.evaluation.metrics import auc
    from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap

    found = read_predictions(str(blessing))
    models = {name: found.models[name] for name in ("challenger", *BESIDE)}
    areas = {name: one["auc"] for name, one in paired_bootstrap(found.labels, models).items()}
    own = auc(found.labels, models["challenger"])
    return {
        name: (
            own - auc(found.labels, models[name]),
            *(interval(areas["challenger"] - areas[name]) or (float("nan"), float("nan"))),
        )
        for name in BESIDE
    }


def ranking_lines(
    ranked: Counter[tuple[str, str, str]], options: argparse.Namespace
) -> Iterator[str]:
    """Yields what a check against each of BESIDE would refuse."""
    for scenario, other in itertools.product(options.scenarios, BESIDE):
        worse, level = (ranked[scenario, other, name] for name in ("worse", "not better"))
        yield (
            f"{scenario} beside {other}: {worse} of {options.seeds} worse by more than "
            f"{MOST_WORSE:g}, {level} not better beyond chance"
        )


def line(world: World, decision: dict[str, Any], seconds: float) -> str:
    """Returns what is printed of a world."""
    own, constant = decision["metrics"]["challenger"], decision["metrics"]["constant"]
    regression = decision["metrics"]["logistic_regression"]
    rule = decision["metrics"]["cold_start_rule"]
    failed = [
        check["name"] + ("" if check["slice"] == "overall" else f" of {check['slice']}")
        for check in decision["checks"]
        if check["verdict"] == "failed"
    ]
    return (
        f"{world.scenario:<7} {world.seed:>3}  {decision['eval']['accounts']} accounts, "
        f"{decision['eval']['churned']} churned  AUC {own['auc']:.3f} "
        f"(regression {regression['auc']:.3f}, "
        f"rule {rule['auc']:.3f})  "
        f"log-loss gain {constant['log_loss'] - own['log_loss']:+.4f}  "
        f"ECE {own['calibration_error']:.4f}  {seconds:4.0f} s  "
        f"{'BLESSED' if decision['blessed'] else 'refused: ' + ', '.join(failed)}"
    )


def report(blessed: Counter[str], options: argparse.Namespace) -> int:
    """Prints the totals; returns the exit code."""
    for scenario in options.scenarios:
        print(f"{scenario}: {blessed[scenario]} of {options.seeds} blessed")
    missed = []
    if "null" in options.scenarios and blessed["null"] > MOST_NULL * options.seeds:
        missed.append(f"more than {MOST_NULL:.0%} of the null worlds were blessed")
    if "strong" in options.scenarios and blessed["strong"] < FEWEST_STRONG * options.seeds:
        missed.append(f"fewer than {FEWEST_STRONG:.0%} of the strong worlds were blessed")
    for sentence in missed:
        print(sentence)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
