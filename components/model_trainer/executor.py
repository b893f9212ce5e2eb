"""The work of ModelTrainer: name the model, train it, record what it was made from."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import apache_beam as beam
import tensorflow as tf
import tfx
from absl import logging
from tfx import types
from tfx.components.trainer import executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import ahead
from components.feedback_example_gen.cutoffs import EVAL, TRAIN
from components.model_trainer.chosen import Chosen, choose
from components.model_trainer.trained_run import TrainedRun
from components.monitor.evaluation_profile import write_evaluation_profile
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import HyperParametersProperties, ModelProperties
from serving_model.learning.hyperparameters import HYPERPARAMETERS
from serving_model.served.model_hash import saved_model_sha256

MODEL_CARD: Final = "model_card"
# The modules are asked, not the packages: tensorflow-cpu is TensorFlow under another name.
_NAMED_PACKAGES: Final = {"tensorflow": tf, "tfx": tfx, "apache-beam": beam}


class Executor(executor.GenericExecutor):
    """GenericExecutor that hands run_fn a model card and keeps it as properties."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component; see GenericExecutor for the artifacts.

        The card goes to run_fn as custom_config["model_card"], which writes it into
        the SavedModel, and to the Model artifact as custom properties. A hash of what
        was exported stands in the artifact alone: the card is part of the export.
        Hyperparameters of a tuner take the place of those in custom_config, see choose.
        """
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        config = json.loads(exec_properties["custom_config"])
        made_from = _made_from(config.get(MODEL_CARD, {}), ExamplesProperties.read(examples))
        chosen = _chosen(config, made_from, input_dict.get("hyperparameters") or [])
        config |= chosen.values
        made_from = replace(
            made_from,
            hyperparameters={name: config[name] for name in HYPERPARAMETERS if name in config},
            hyperparameters_from=chosen.origin,
            tuner_run=chosen.tuner_run,
        )
        config[MODEL_CARD] = made_from.as_plain()
        logging.info("Hyperparameters from %s", chosen.origin)
        super().Do(
            input_dict, output_dict, {**exec_properties, "custom_config": json.dumps(config)}
        )
        graph = artifact_utils.get_single_uri(input_dict["transform_graph"])
        ahead.begin(TrainedRun(examples, graph))
        model = artifact_utils.get_single_instance(output_dict["model"])
        exported = path_utils.serving_model_path(model.uri)
        write_evaluation_profile(exported, examples)  # it travels with the model, under its hash
        replace(made_from, saved_model_sha256=saved_model_sha256(exported)).write(model)


def _chosen(
    config: dict[str, Any], made_from: ModelProperties, tuned: list[types.Artifact]
) -> Chosen:
    found = HyperParametersProperties.read(tuned[0]) if tuned else None
    return choose(config, made_from, found)


def _made_from(given: Mapping[str, Any], data: ExamplesProperties) -> ModelProperties:
    """Returns what is known of a model before it is trained.

    Args:
        given: From the pipeline: code_version, risk_bands and settings.
        data: What it is trained from.
    """
    train, evaluated = data.splits[TRAIN], data.splits[EVAL]
    return ModelProperties(
        model_version=f"{datetime.fromisoformat(data.as_of):%Y%m%d}-{uuid.uuid4().hex[:8]}",
        packages=", ".join(f"{name} {of.__version__}" for name, of in _NAMED_PACKAGES.items()),
        as_of=data.as_of,
        database_id=data.database_id,
        label_source=data.label_source,
        feedback_rows=data.feedback_rows,
        lookback_days=data.lookback_days,
        horizon_days=data.horizon_days,
        max_events=data.max_events,
        duplicate_events=data.duplicate_events,
        active_within_days=data.active_within_days,
        rows_after_churn=data.rows_after_churn,
        train_cutoffs=train.cutoffs,
        train_examples=train.examples,
        train_churned=train.churned,
        train_available=train.available,
        eval_cutoffs=evaluated.cutoffs,
        eval_examples=evaluated.examples,
        eval_churned=evaluated.churned,
        eval_available=evaluated.available,
        code_version=given.get("code_version"),
        risk_bands=given.get("risk_bands"),
        settings=given.get("settings"),
    )
