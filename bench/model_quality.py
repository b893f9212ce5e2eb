"""The pipeline's probabilities on a recorded history, beside what simpler models reach.

Usage: python -m bench.model_quality FOLDER [--predictions scores.csv] [--features file.npz]

FOLDER is as bench/history_folder.py says; nothing of it is kept. The history goes into a
scratch database; FeedbackExampleGen, Transform and ModelTrainer run as in training, on
the cutoffs of its split.json; the exported SavedModel scores the test cutoff, once. Beside it
stand the constant base rate, recency alone, logistic regression and LightGBM (a
dependency of this script only: `uv pip install lightgbm`), all trained on the same
snapshots and the same transformed features. Intervals are of a bootstrap over accounts.
"""

import argparse
import csv
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bench.history_folder import HistoryFolder, copy_history, read_folder
from pipeline.demo.embedded_postgres import EmbeddedPostgres
from pipeline.quiet import silence_libraries
from pipeline.settings import Settings, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    options = parse(arguments)
    folder = read_folder(options.folder)
    with tempfile.TemporaryDirectory(prefix="tens-insight-quality-") as name:
        Path(name).chmod(0o711)  # as root the server runs as nobody, who must pass
        server = EmbeddedPostgres(Path(name), durable=False)
        try:
            settings = load_settings(state_dir=Path(name), **folder.settings())
            artifacts = train(server, folder, settings)
            return measure(artifacts, folder, options)
        finally:
            server.stop()


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="bench.model_quality", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a recorded history")
    parser.add_argument("--predictions", type=Path, help="CSV to write: the pipeline's scores")
    parser.add_argument("--features", type=Path, help="npz to write: all snapshots as learnt from")
    return parser.parse_args(arguments)


def train(server: EmbeddedPostgres, folder: HistoryFolder, settings: Settings) -> dict[str, Any]:
    """Runs the pipeline from the database to the exported model; returns its artifacts."""
    import os

    import psycopg2

    os.environ["DATABASE_URL"] = server.start()
    with closing(psycopg2.connect(server.url())) as connection:
        copy_history(connection, folder)
    from bench.training_part import run_training_part

    return run_training_part(settings)


def measure(artifacts: dict[str, Any], folder: HistoryFolder, options: argparse.Namespace) -> int:
    """Scores the test cutoff with every model and prints the table."""
    import tensorflow_transform as tft

    from bench.rivals import rival_probabilities
    from bench.score_table import print_table
    from components.model_gate.snapshots import read_serialized
    from serving_model.predict import ModelScorer
    from serving_model.snapshots import load_snapshots

    transform = tft.TFTransformOutput(artifacts["transform_graph"].uri)
    uri = artifacts["examples"].uri
    training = load_snapshots([f"{uri}/Split-train/*"], transform)
    testing = load_snapshots([f"{uri}/Split-eval/*"], transform)
    serialized = read_serialized(f"{uri}/Split-eval")
    scored = dict(
        zip(*ModelScorer(f"{artifacts['model'].uri}/Format-Serving").score(serialized), strict=True)
    )
    accounts = [one.decode() for one in testing.accounts]
    ours = np.array([scored[account] for account in accounts])
    if options.predictions:
        with options.predictions.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["account_id", "churn_probability"])
            writer.writerows(zip(accounts, ours.tolist(), strict=True))
    if options.features:
        parts = {"training": training, "testing": testing}
        np.savez(
            options.features,
            **{f"{name}_{k}": v for name, part in parts.items() for k, v in part._asdict().items()},
            ours=ours,
        )
    print(
        f"{folder.path.name}: {len(training.labels)} training snapshots of rate "
        f"{training.base_rate:.3f}, {len(ours)} test accounts of rate {testing.base_rate:.3f}"
    )
    probabilities = {"Tens-Insight": ours, **rival_probabilities(training, testing)}
    print_table(testing.labels, probabilities, "Tens-Insight")
    return _compare_labels(folder, accounts, testing.labels)


def _compare_labels(folder: HistoryFolder, accounts: list[str], labels: Any) -> int:
    """Says whether population and labels are those recorded with the history."""
    recorded, found = folder.labels(), dict(zip(accounts, labels.astype(int), strict=True))
    differing = {name for name in recorded.keys() | found if recorded.get(name) != found.get(name)}
    print(f"labels: {len(found)} accounts, {len(differing)} of them other than recorded")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
