"""The pipeline's probabilities on a history, beside what simpler models reach.

Usage: python -m bench.model_quality FOLDER [--json FILE] [--predictions FILE] [--features FILE]
       python -m bench.model_quality --world base --accounts 30000 --days 672 --seed 1

FOLDER is as bench/history_folder.py says; nothing of it is kept. The history goes into a
scratch database; FeedbackExampleGen, Transform and ModelTrainer run as in training, on
the cutoffs of its split.json; the exported SavedModel scores the test cutoff, once. Beside it
stand the constant base rate, recency alone, logistic regression and LightGBM (a
dependency of this script only: `uv pip install lightgbm`), all trained on the same
examples and the same transformed features. Intervals are of a bootstrap over accounts.
Of a simulated world the best possible score is estimated too.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

from bench.fingerprint import fingerprint
from bench.history_options import add_history, history_of
from bench.quality_result import Figure, QualityResult
from bench.score_table import OURS, print_table, score_models
from bench.slices import print_slices, score_slices, slice_rows
from bench.trained_history import TrainedHistory, trained
from bench.verdict import verdict_line
from pipeline.logs import silence_libraries


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    options = parse(arguments)
    history = history_of(options)
    with trained(history, {}) as found:
        _write_files(found, options)
        result = _measure(history.name, found, history.labels(), _limit(options, found))
    if options.json:
        result.write(options.json)
    return 1 if result.other_labels else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="bench.model_quality", description=__doc__.split("\n")[0])
    add_history(parser)
    parser.add_argument("--json", type=Path, help="file to write: all figures")
    parser.add_argument("--predictions", type=Path, help="CSV to write: the pipeline's scores")
    parser.add_argument("--features", type=Path, help="npz to write: all examples as learnt from")
    return parser.parse_args(arguments)


def _limit(options: argparse.Namespace, found: TrainedHistory) -> dict[str, Figure]:
    if options.world is None:
        return {}
    from bench.reachable import against_the_limit

    return against_the_limit(found)


def _measure(
    name: str, found: TrainedHistory, recorded: dict[str, int] | None, limit: dict[str, Figure]
) -> QualityResult:
    """Scores the test cutoff with every model and prints the tables."""
    from bench.reference_models import reference_probabilities

    training, testing = found.training, found.testing
    print(
        f"\n{name}: {len(training.labels)} training examples of rate "
        f"{training.base_rate:.3f}, {len(found.ours)} test accounts of rate "
        f"{testing.base_rate:.3f}, trained in {found.training_seconds:.0f} s"
    )
    labels = testing.labels.astype(np.float64)
    scores = score_models(labels, {OURS: found.ours, **reference_probabilities(training, testing)})
    print_table(scores)
    slices = list(score_slices(labels, found.ours, slice_rows(found.tiers, found.states)))
    print_slices(slices)
    print(f"\n{verdict_line(scores)}")
    return QualityResult(
        name=name,
        fingerprint=fingerprint(),
        training_examples=len(training.labels),
        training_rate=training.base_rate,
        test_accounts=len(labels),
        test_rate=testing.base_rate,
        horizon_days=found.settings.reading.horizon_days,
        training_seconds=found.training_seconds,
        other_labels=_other_labels(recorded, found),
        scores=scores,
        slices=slices,
        limit=limit,
    )


def _other_labels(recorded: dict[str, int] | None, found: TrainedHistory) -> int | None:
    """Says whether population and labels are those recorded with the history."""
    if recorded is None:
        return None
    own = dict(zip(found.accounts, found.testing.labels.astype(int), strict=True))
    differing = {name for name in recorded.keys() | own if recorded.get(name) != own.get(name)}
    print(f"labels: {len(own)} accounts, {len(differing)} of them other than recorded")
    return len(differing)


def _write_files(found: TrainedHistory, options: argparse.Namespace) -> None:
    if options.predictions:
        with options.predictions.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["account_id", "churn_probability"])
            writer.writerows(zip(found.accounts, found.ours.tolist(), strict=True))
    if options.features:
        parts = {"training": found.training, "testing": found.testing}
        named = {
            f"{name}_{key}": value
            for name, part in parts.items()
            for key, value in part._asdict().items()
        }
        np.savez(options.features, **named, ours=found.ours)


if __name__ == "__main__":
    sys.exit(main())
