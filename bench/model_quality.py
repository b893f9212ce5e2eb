"""The pipeline's probabilities on a history, beside what simpler models reach.

Usage: python -m bench.model_quality FOLDER [--json FILE] [--predictions FILE] [--features FILE]
       python -m bench.model_quality --world base --accounts 30000 --days 672 --seed 1
       python -m bench.model_quality --rate 20

FOLDER is as bench/history_folder.py says; nothing of it is kept. The history goes into a
scratch database; FeedbackExampleGen, Transform and ModelTrainer run as in training, on
the cutoffs of its split.json; the exported SavedModel scores the test cutoff, once. Beside it
stand the constant base rate, recency alone, logistic regression and LightGBM (a
dependency of this script only: `uv pip install lightgbm`), all trained on the same
examples and the same transformed features. Intervals are of a bootstrap over accounts.
Of a simulated world with churn dates the best possible score is estimated too.
"""

import argparse
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from bench.cpu_parts import CpuParts
from bench.fingerprint import commit, fingerprint
from bench.history_options import add_history, history_of
from bench.prediction_file import write_predictions
from bench.quality_result import Figure, Origin, QualityResult
from bench.score_table import OURS, print_table, score_models
from bench.slices import print_slices, score_slices, slice_rows
from bench.trained_history import History, TrainedHistory, trained
from bench.verdict import verdict_line
from pipeline.code_version import code_version
from pipeline.logs import silence_libraries
from transforms.arrays import Floats


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    options = parse(arguments)
    history = history_of(options)
    parts = CpuParts()
    with trained(history, {}, parts) as found:
        if options.features:
            _write_features(found, options.features)
        with parts.part("limit"):
            limit = _limit(options, found)
    probabilities = {OURS: found.ours, **_references(found, parts)}
    if options.predictions:
        labels = found.testing.labels.astype(np.float64)
        write_predictions(options.predictions, found.accounts, labels, probabilities)
    result = _measure(history, found, probabilities, limit, parts)
    if options.json:
        result.write(options.json)
    return 1 if result.other_labels else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="bench.model_quality", description=__doc__.split("\n")[0])
    add_history(parser)
    parser.add_argument("--json", type=Path, help="file to write: all figures")
    parser.add_argument(
        "--predictions", type=Path, help="file to write: all scores, .parquet or .csv"
    )
    parser.add_argument("--features", type=Path, help="npz to write: all examples as learnt from")
    return parser.parse_args(arguments)


def _limit(options: argparse.Namespace, found: TrainedHistory) -> dict[str, Figure]:
    inactivity = found.settings.reading.label_source == "inactivity"
    if options.folder is not None or inactivity:
        return {}
    from bench.reachable import against_the_limit

    return against_the_limit(found)


def _references(found: TrainedHistory, parts: CpuParts) -> dict[str, Floats]:
    from bench.reference_models import reference_models

    probabilities = {}
    for name, answered in reference_models(found.training, found.testing).items():
        with parts.part(name):
            probabilities[name] = answered()
    return probabilities


def _measure(
    history: History,
    found: TrainedHistory,
    probabilities: dict[str, Floats],
    limit: dict[str, Figure],
    parts: CpuParts,
) -> QualityResult:
    """Measures the test cutoff by every model and prints the tables."""
    training, testing = found.training, found.testing
    print(
        f"\n{history.name}: {len(training.labels)} training examples of rate "
        f"{training.base_rate:.3f}, {len(found.ours)} test accounts of rate "
        f"{testing.base_rate:.3f}, trained in {found.training_seconds:.0f} s"
    )
    labels = testing.labels.astype(np.float64)
    with parts.part("intervals"):
        scores = score_models(labels, probabilities)
    print_table(scores)
    slices = list(score_slices(labels, found.ours, slice_rows(found.tiers, found.states)))
    print_slices(slices)
    print(f"\n{verdict_line(scores)}")
    took = ", ".join(f"{name} {seconds:.0f}" for name, seconds in parts.seconds.items())
    print(f"\nCPU seconds: {took}")
    return QualityResult(
        name=history.name,
        description=history.description,
        origin=_origin(),
        training_examples=len(training.labels),
        training_rate=training.base_rate,
        test_accounts=len(labels),
        test_rate=testing.base_rate,
        horizon_days=found.settings.reading.horizon_days,
        training_seconds=found.training_seconds,
        other_labels=_other_labels(history.labels(), found),
        scores=scores,
        slices=slices,
        limit=limit,
        cpu_seconds=parts.seconds,
    )


def _origin() -> Origin:
    return Origin(
        fingerprint=fingerprint(),
        commit=commit(),
        code_version=code_version(),
        measured=f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M}",
        load=os.getloadavg()[-1],
    )


def _other_labels(recorded: dict[str, int] | None, found: TrainedHistory) -> int | None:
    """Says whether population and labels are those recorded with the history."""
    if recorded is None:
        return None
    own = dict(zip(found.accounts, found.testing.labels.astype(int), strict=True))
    differing = {name for name in recorded.keys() | own if recorded.get(name) != own.get(name)}
    print(f"labels: {len(own)} accounts, {len(differing)} of them other than recorded")
    return len(differing)


def _write_features(found: TrainedHistory, file: Path) -> None:
    parts = {"training": found.training, "testing": found.testing}
    named = {
        f"{name}_{key}": value
        for name, part in parts.items()
        for key, value in part._asdict().items()
    }
    np.savez(file, **named, ours=found.ours)


if __name__ == "__main__":
    sys.exit(main())
