"""How long the numbers of the evaluation report take, against a pass of the model.

Repeats the accounts of the newest judged training run until there are enough:

    make run
    python -m bench.review --accounts 100000

Prints seconds of CPU, which a busy machine hardly changes, their ratio to reading and scoring
a split of that size, and the highest memory so far.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from components.registry.model_properties import BlessingProperties
from pipeline.logs import silence_libraries
from pipeline.registry.registry import Registry
from pipeline.settings import load_settings

PIPELINE_NAME = "tens-insight-train"
KINDS = ("Examples", "TransformGraph", "Model")


def last_run() -> dict[str, str]:
    """Returns the folders of the artifacts of the newest run that was judged, by type."""
    settings = load_settings()
    registry = Registry(settings.metadata_path)
    for run in registry.runs():
        if run.pipeline != PIPELINE_NAME:
            continue
        made = registry.artifacts_of(run)
        found = {kind: made.newest_uri(kind) for kind in KINDS}
        # The Evaluator's blessings have no decision, and no predictions beside it.
        judged = [one.uri for one in made.all_of(BlessingProperties) if one.properties.decision]
        found["ModelBlessing"] = next(iter(judged), None)
        if None not in found.values():
            return {kind: uri for kind, uri in found.items() if uri is not None}
    sys.exit(f"No judged training run is recorded in {settings.metadata_path}: `make run` first.")


def repeat(split: str, folder: Path, accounts: int) -> str:
    """Writes a split again and again, each time with account ids of its own."""
    import tensorflow as tf

    from components.model_gate.evaluation_set import read_serialized

    folder.mkdir()
    parsed = [tf.train.Example.FromString(one) for one in read_serialized(split)]
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    with tf.io.TFRecordWriter(str(folder / "all.gz"), options) as writer:
        for number in range(accounts):
            example = parsed[number % len(parsed)]
            ids = example.features.feature["account_id"].bytes_list
            ids.value[0] = f"ACC-{number:09d}".encode()
            writer.write(example.SerializeToString())
    return str(folder)


def enough(predictions: Any, accounts: int) -> Any:
    """Returns what the gate judged, repeated."""

    def more(values: Any) -> Any:
        return np.resize(values, accounts)

    return predictions._replace(
        accounts=more(predictions.accounts),
        labels=more(predictions.labels),
        models={name: more(found) for name, found in predictions.models.items()},
    )


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    accounts = parser.parse_args().accounts
    silence_libraries()
    # Only now: TensorFlow reads what it may say when it is first imported.
    from components.model_gate.predictions import read_predictions

    run = last_run()
    predictions = enough(read_predictions(run["ModelBlessing"]), accounts)
    with tempfile.TemporaryDirectory() as folder:
        splits = {
            name: repeat(f"{run['Examples']}/Split-{name}", Path(folder, name), accounts)
            for name in ("eval", "score")
        }
        floor = ask_the_model(run, splits)
    for make in of_predictions():
        shown(make.__name__, floor, partial(make, predictions))


def ask_the_model(run: dict[str, str], splits: dict[str, str]) -> float:
    """Measures what asks the model; returns the seconds of one pass."""
    import tensorflow_transform as tft

    from components.model_gate.evaluation_set import read_eval, read_serialized
    from components.model_review.sections.accounts import score_split
    from components.model_review.sections.importance import contributions_of, importance_of
    from serving_model.served.predict import ModelScorer

    scorer = ModelScorer(f"{run['Model']}/Format-Serving")
    transform = tft.TFTransformOutput(run["TransformGraph"])
    scorer.score(read_serialized(splits["score"])[:2_000])
    floor, _ = measured(lambda: scorer.score(read_serialized(splits["score"])))
    print(f"one pass of the model takes {floor:.1f} s of CPU")

    def importance() -> None:
        lookback = int(scorer.card["lookback_days"])
        examples = shown("read_eval", floor, lambda: read_eval(splits["eval"], transform, lookback))
        shown("importance_of", floor, lambda: importance_of(scorer, examples))

    importance()
    scored = shown("score_split", floor, lambda: score_split(scorer, splits["score"]))
    shown("contributions_of", floor, lambda: contributions_of(scorer, scored.sample))
    return floor


def of_predictions() -> tuple[Callable[[Any], object], ...]:
    """Returns what needs the answers of the models alone."""
    from components.model_review.sections.calibration import calibration_of
    from components.model_review.sections.gains import gains_of
    from components.model_review.sections.performance import performance_of

    return performance_of, calibration_of, gains_of


def measured(work: Callable[[], Any]) -> tuple[float, Any]:
    """Returns seconds of CPU, and what came of it."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def shown(name: str, floor: float, work: Callable[[], Any]) -> Any:
    """Prints a line of the table; returns what came of the work."""
    taken, found = measured(work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<18}{taken:8.1f} s{taken / floor:7.1f} x   peak {peak:6.0f} MiB", flush=True)
    return found


if __name__ == "__main__":
    main()
