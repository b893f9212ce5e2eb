"""The last training run against the best score that its world allows.

Scores the evaluation set of the newest training run with the model that the run
exported, and hands the predictions to bench.limit. Only for simulated worlds:

    make run
    python -m bench.last_run
"""

import csv
import sys
import tempfile
from pathlib import Path

from bench import limit
from components.registry.artifact_names import saved_model_path
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from pipeline.database import ensure_database
from pipeline.logs import silence_libraries
from pipeline.registry.registry import Registry
from pipeline.settings import load_settings

PIPELINE_NAME = "tens-insight-train"


def main() -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    # Only now: TensorFlow reads what it may say when it is first imported.
    from components.model_gate.evaluation_set import read_serialized
    from serving_model.served.predict import ModelScorer

    settings = load_settings()
    ensure_database(settings)
    registry = Registry(settings.metadata_path)
    runs = [run for run in registry.runs() if run.pipeline == PIPELINE_NAME]
    if not runs:
        sys.exit(f"No training run is recorded in {settings.metadata_path}: `make run` first.")
    artifacts = registry.artifacts_of(runs[0])
    examples, model = artifacts.newest(ExamplesProperties), artifacts.newest(ModelProperties)
    assert examples is not None
    assert model is not None
    serialized = read_serialized(f"{examples.uri}/Split-eval")
    scores = ModelScorer(saved_model_path(model.uri)).score(serialized)
    print(f"model {model.properties.model_version}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.csv"
        with file.open("w", newline="", encoding="utf-8") as sink:
            writer = csv.writer(sink)
            writer.writerow(["account_id", "churn_probability"])
            writer.writerows(zip(*scores, strict=True))
        data = examples.properties
        cutoff, horizon = data.splits["eval"].cutoffs, str(data.horizon_days)
        return limit.main(["--cutoff", cutoff, "--horizon", horizon, "--predictions", str(file)])


if __name__ == "__main__":
    sys.exit(main())
