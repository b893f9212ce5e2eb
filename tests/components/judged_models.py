"""A challenger and a champion, on a simulated world."""

import contextlib
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from tfx.types import standard_artifacts

from components.model_gate.config import ModelGateConfig
from components.model_gate.executor import Executor
from pipeline.demo.simulate import simulate
from serving_model.learning.trainer import run_fn
from tests.components.exec_properties import exec_properties
from tests.transform_graph import write_transform
from transforms.schema import schema_path

END = datetime(2026, 6, 1, tzinfo=timezone.utc)
READING = {
    "as_of": END.isoformat(),
    "lookback_days": 180,
    "horizon_days": 60,
    "cutoff_interval_days": 28,
    "label_source": "account_churn",
}
TRAINING: dict[str, Any] = {
    "seed": 7,
    "epochs": 8,
    "batch_size": 512,
    "learning_rate": 0.004,
    "l2": 0.002,
    "dropout": 0.2,
    "hidden_units": [16],
    "members": 3,
    "carried_shift": 0.0,
    "critical_priority": 4,
    "horizon_days": 60,
    "churn_horizons": [15, 30, 60],
}

LIMITS: dict[str, Any] = {
    "min_auc": 0.55,
    "max_worsening": {"auc": 0.2, "pr_auc": 0.2, "log_loss": 0.1},
    "max_calibration_error": 0.1,
    "max_calibration_gap": 0.1,
    "min_slice_churned": 10,
    "min_slice_stayed": 10,
}
"""Of ModelGate: the challenger keeps all of them."""


def artifact(kind: type, folder: Path, number: int = 1) -> Any:
    made = kind()
    made.uri, made.id = str(folder), number
    return made


def judged_models(postgres_server: Any, write_examples: Any, root: Path) -> SimpleNamespace:
    """What the pipeline hands to ModelGate; the champion is linear alone."""
    name = postgres_server.create_database()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", postgres_server.url(name))
        with contextlib.closing(psycopg2.connect(postgres_server.url(name))) as connection:
            simulate(connection, accounts=1200, days=420, seed=5, scenario="strong", end=END)
        examples = write_examples(root / "examples", **READING)
    postgres_server.drop_database(name)
    (root / "schema").mkdir()
    (root / "schema" / "schema.pbtxt").write_bytes(schema_path().read_bytes())
    folder = write_transform(f"{examples.uri}/Split-train", root)
    graph = artifact(standard_artifacts.TransformGraph, Path(folder))
    models = {
        name: train(examples, graph, root / name, number, changes)
        for number, (name, changes) in enumerate(
            {"challenger": {}, "champion": {"hidden_units": [], "seed": 1}}.items(), start=11
        )
    }
    return SimpleNamespace(
        root=root,
        inputs={
            "examples": [examples],
            "transform_graph": [graph],
            "model": [models["challenger"]],
            "baseline_model": [models["champion"]],
        },
    )


def train(examples: Any, graph: Any, folder: Path, number: int, changes: dict[str, Any]) -> Any:
    model = artifact(standard_artifacts.Model, folder, number)
    card = {
        "model_version": f"20260601-{folder.name}",
        "label_source": "account_churn",
        "lookback_days": READING["lookback_days"],
    }
    run_fn(
        SimpleNamespace(
            train_files=[f"{examples.uri}/Split-train/*"],
            transform_output=graph.uri,
            serving_model_dir=str(folder / "Format-Serving"),
            custom_config=TRAINING | changes | {"model_card": card},
        )
    )
    return model


def run_gate(inputs: dict[str, list[Any]], folder: Path, **limits: Any) -> Any:
    """Runs ModelGate into a folder with LIMITS, or others; returns the blessing."""
    blessing = artifact(standard_artifacts.ModelBlessing, folder)
    properties = exec_properties(ModelGateConfig(**LIMITS | limits))
    Executor().Do(inputs, {"blessing": [blessing]}, properties)
    return blessing
