"""The model knows what it was made from, and so does its artifact."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts

from components.model_trainer.executor import Executor
from components.registry.model_properties import HyperParametersProperties, ModelProperties
from serving_model.served.model_hash import saved_model_sha256
from tests.components.sample_properties import examples_properties

FROM_EXAMPLES: dict[str, str | int] = {
    "database_id": "3f0c2f44-2a5e-4f2e-8d3a-6a1d2b9c7e10",
    "as_of": "2024-06-01T12:00:00+00:00",
    "label_source": "inactivity",
    "feedback_rows": 1234,
    "lookback_days": 180,
    "horizon_days": 60,
    "max_events": 500,
    "duplicate_events": "collapse",
    "rows_after_churn": "back",
    "train_cutoffs": "2024-01-01T00:00:00+00:00,2024-02-01T00:00:00+00:00",
    "train_examples": 900,
    "train_churned": 90,
    "train_available": 1800,
    "eval_cutoffs": "2024-04-02T00:00:00+00:00",
    "eval_examples": 400,
    "eval_churned": 40,
}


# It keeps what it was given in the place of a model.
RUN_FN = """
import json, pathlib

def run_fn(arguments):
    folder = pathlib.Path(arguments.serving_model_dir)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(arguments.custom_config))
"""


def found_by_the_tuner(folder: Path, values: dict[str, Any]) -> Any:
    """HyperParameters as ModelTuner leaves them."""
    found = standard_artifacts.HyperParameters()
    found.uri = str(folder)
    folder.mkdir()
    (folder / "best_hyperparameters.txt").write_text(json.dumps({"values": values}))
    HyperParametersProperties(
        tuner_run="tuned-7",
        values=values,
        settings_values={},
        log_loss=0.2,
        settings_log_loss=0.25,
        trials=3,
        folds="",
        as_of="2024-05-01T00:00:00+00:00",
        label_source="inactivity",
        horizon_days=60,
        train_cutoffs="",
        train_examples=900,
    ).write(found)
    return found


@pytest.fixture
def train(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Runs the executor; returns the Model artifact and the custom_config of run_fn."""
    (tmp_path / "trainer_of_the_test.py").write_text(RUN_FN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "trainer_of_the_test", raising=False)

    def run(
        card: dict[str, Any] | None = None,
        tuned: dict[str, Any] | None = None,
        **settings: Any,
    ) -> tuple[Any, dict[str, Any]]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        examples = standard_artifacts.Examples()
        examples.uri, examples.split_names = str(folder / "examples"), '["train"]'
        examples_properties(**FROM_EXAMPLES).write(examples)
        model, model_run = standard_artifacts.Model(), standard_artifacts.ModelRun()
        folder.mkdir()
        model.uri, model_run.uri = str(folder / "model"), str(folder / "run")
        given = {"code_version": "abc", "as_of": "overruled"} | (card or {})
        config = {"seed": 7, "l2": 0.05, "dropout": 0.2, "model_card": given} | settings
        properties = {
            "run_fn": "trainer_of_the_test.run_fn",
            "train_args": '{"splits": ["train"]}',
            "eval_args": '{"splits": ["train"]}',
            "custom_config": json.dumps(config),
        }
        graph = standard_artifacts.TransformGraph()
        graph.uri = str(folder / "transform_graph")  # it is named to later nodes, not read
        inputs = {"examples": [examples], "transform_graph": [graph]}
        if tuned is not None:
            inputs["hyperparameters"] = [found_by_the_tuner(folder / "tuned", tuned)]
        Executor().Do(inputs, {"model": [model], "model_run": [model_run]}, properties)
        assert json.loads(properties["custom_config"]) == config
        written = Path(model.uri) / "Format-Serving" / "config.json"
        return model, json.loads(written.read_text())

    return run


def test_the_card_reaches_run_fn_and_the_artifact(train: Callable[..., Any]) -> None:
    model, config = train()
    card = config["model_card"]
    assert config["seed"] == 7
    assert re.fullmatch(r"20240601-[0-9a-f]{8}", card["model_version"])
    expected = FROM_EXAMPLES | {
        "code_version": "abc",
        "model_version": card["model_version"],
        "hyperparameters": '{"l2": 0.05, "dropout": 0.2}',
        "hyperparameters_from": "settings (no tuner run to take them from)",
        "tuner_run": "",
    }
    packages = card.pop("packages")
    assert card == expected
    recorded = ModelProperties.read(model).as_plain()
    digest = recorded.pop("saved_model_sha256")
    assert recorded == expected | {"packages": packages}
    assert digest == saved_model_sha256(f"{model.uri}/Format-Serving")


def test_tuned_hyperparameters_reach_run_fn_and_the_card(train: Callable[..., Any]) -> None:
    tuned = {"l2": 0.03, "dropout": 0.3, "learning_rate": 0.003}
    model, config = train(tuned=tuned, set_explicitly=["dropout"])
    used = {"learning_rate": 0.003, "l2": 0.03, "dropout": 0.2}
    assert {name: config[name] for name in used} == used
    found = ModelProperties.read(model)
    assert found.hyperparameters == used
    assert found.tuner_run == "tuned-7"
    assert found.hyperparameters_from is not None
    assert found.hyperparameters_from.startswith("tuner run tuned-7")
    assert found.hyperparameters_from.endswith("set explicitly: dropout")
    assert config["model_card"]["hyperparameters_from"] == found.hyperparameters_from


def test_tuned_hyperparameters_can_be_forgotten(train: Callable[..., Any]) -> None:
    _, config = train(tuned={"l2": 0.03}, hyperparameters="settings")
    assert config["l2"] == 0.05
    assert config["model_card"]["tuner_run"] == ""


def test_the_packages_that_made_the_model_are_named(train: Callable[..., Any]) -> None:
    packages = train()[1]["model_card"]["packages"]
    assert re.fullmatch(r"tensorflow 2[.\d]+, tfx 1[.\d]+, apache-beam 2[.\d]+", packages)


def test_settings_are_one_text_in_the_card(train: Callable[..., Any]) -> None:
    settings = {"l2": 0.1, "tiers": ["größte"]}
    model, config = train(card={"settings": settings})
    assert config["model_card"]["settings"] == '{"l2": 0.1, "tiers": ["größte"]}'
    assert ModelProperties.read(model).settings == settings


def test_a_version_names_one_model(train: Callable[..., Any]) -> None:
    versions = {train()[1]["model_card"]["model_version"] for _ in range(5)}
    assert len(versions) == 5
