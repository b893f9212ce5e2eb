"""What a model in shadow adds to scoring, beside what the champion takes, in pairs.

    python -m bench.shadow --state STATE_DIRECTORY [--pairs 7] [--models 1] [--shards 1]

The champion of the state directory scores the examples of its newest run, once alone and once
with copies of it in shadow, in turns; reasons are computed for the champion alone, as in a run.
CPU of this process, user and system, of loaded models; loading one is measured by itself.
"""

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from components.account_scorer.beside import NOTHING, Beside, Shadow
from components.account_scorer.inference import score_file
from components.registry.artifact_names import saved_model_path
from components.registry.input_properties import ExamplesProperties
from components.registry.rule import FORMER_CHAMPION
from pipeline.registry.registry import Registry
from serving_model.served.predict import ModelScorer

MOST = 0.3
"""Share of the champion's inference that one model in shadow may cost."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and prints a line for each pair and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--models", type=int, default=1)
    parser.add_argument("--shards", type=int, default=1, help="of the examples, each whole")
    given = parser.parse_args(arguments)
    registry = Registry(given.state / "metadata.sqlite")
    champion = registry.champion()
    if champion is None:
        print(f"{given.state} has no champion.", file=sys.stderr)
        return 1
    folder = saved_model_path(champion.uri)
    paths = _examples(registry)[: given.shards]
    scorer = ModelScorer(folder)
    with tempfile.TemporaryDirectory() as place:
        shadows = [_copied(folder, Path(place), number, scorer) for number in range(given.models)]
        beside = Beside(tuple(shadows))
        rows = _run(scorer, paths, place, beside)[1]  # loads and traces everything
        for _ in range(2):  # the first runs trace graphs, and take longer
            _run(scorer, paths, place, NOTHING)
            _run(scorer, paths, place, beside)
        shares = [_pair(scorer, paths, place, beside, number) for number in range(given.pairs)]
    median = statistics.median(shares)
    print(f"{rows} accounts, {given.models} in shadow: {median:.1%} of the champion's inference")
    each = median / max(given.models, 1)
    print(
        f"one model: {each:.1%}, at most {MOST:.0%} are allowed: {'ok' if each <= MOST else 'NO'}"
    )
    return 0 if each <= MOST else 1


def _examples(registry: Registry) -> list[str]:
    for run in registry.runs():
        examples = registry.artifacts_of(run).newest(ExamplesProperties)
        if examples is not None:
            folder = Path(examples.uri) / "Split-score"
            return [str(path) for path in sorted(folder.iterdir())]
    raise SystemExit("no run has Examples")


def _copied(folder: str, place: Path, number: int, scorer: ModelScorer) -> Shadow:
    copy = place / f"model-{number}"
    shutil.copytree(folder, copy)
    before = _cpu()
    horizons = ModelScorer(copy).horizons
    print(f"loading a model: {_cpu() - before:.2f} s of CPU")
    days = int(scorer.card["horizon_days"])
    return Shadow(f"copy-{number}", FORMER_CHAMPION, str(copy), horizons, days)


def _pair(
    scorer: ModelScorer, paths: Sequence[str], place: str, beside: Beside, number: int
) -> float:
    order = [NOTHING, beside] if number % 2 else [beside, NOTHING]
    took = {id(one): _run(scorer, paths, place, one) for one in order}
    (alone, _, wall), (both, _, longer) = took[id(NOTHING)], took[id(beside)]
    share = both / alone - 1
    print(
        f"alone {alone:.2f} s of CPU, with shadow {both:.2f} s: {share:+.1%} "
        f"(wall {wall:.2f} s and {longer:.2f} s)"
    )
    return share


def _run(
    scorer: ModelScorer, paths: Sequence[str], place: str, beside: Beside
) -> tuple[float, int, float]:
    """Returns seconds of CPU, accounts, and seconds by the wall."""
    scores = os.path.join(place, "scores")
    os.makedirs(scores, exist_ok=True)
    before, begun = _cpu(), time.perf_counter()
    rows = sum(score_file(scorer, path, scores, explained=1.0, beside=beside) for path in paths)
    return _cpu() - before, rows, time.perf_counter() - begun


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
