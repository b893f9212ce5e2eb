"""The work of ModelTrainer: name the model, train it, record what it was made from."""

import json
import uuid
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

from components.feedback_example_gen.properties import AS_OF, FEEDBACK_ROWS, LABEL_SOURCE
from components.model_trainer.chosen import Chosen, choose
from components.model_tuner.executor import TUNER_RUN
from components.registry import artifact_facts
from serving_model.learning.hyperparameters import HYPERPARAMETERS
from serving_model.served.model_hash import saved_model_sha256

MODEL_CARD: Final = "model_card"
MODEL_VERSION: Final = "model_version"
PACKAGES: Final = "packages"
SAVED_MODEL_SHA256: Final = "saved_model_sha256"
HYPERPARAMETERS_FROM: Final = "hyperparameters_from"
# The modules are asked, not the packages: tensorflow-cpu is TensorFlow under another name.
_NAMED_PACKAGES: Final = {"tensorflow": tf, "tfx": tfx, "apache-beam": beam}
_FROM_EXAMPLES: Final = (
    AS_OF,
    LABEL_SOURCE,
    FEEDBACK_ROWS,
    "lookback_days",
    "horizon_days",
    "max_events",
    "duplicate_events",
    "train_cutoffs",
    "train_snapshots",
    "train_churned",
    "eval_cutoffs",
    "eval_snapshots",
    "eval_churned",
)


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
        given = {name: _plain(value) for name, value in config.get(MODEL_CARD, {}).items()}
        card = {**given, **_card(artifact_facts.custom_properties(examples))}
        config[MODEL_CARD] = card
        chosen = _chosen(config, input_dict.get("hyperparameters") or [])
        config |= chosen.values
        card |= _hyperparameters(config, chosen)
        logging.info("Hyperparameters from %s", chosen.origin)
        super().Do(
            input_dict, output_dict, {**exec_properties, "custom_config": json.dumps(config)}
        )
        model = artifact_utils.get_single_instance(output_dict["model"])
        for name, value in card.items():
            if isinstance(value, int):
                model.set_int_custom_property(name, value)
            else:
                model.set_string_custom_property(name, str(value))
        exported = path_utils.serving_model_path(model.uri)
        model.set_string_custom_property(SAVED_MODEL_SHA256, saved_model_sha256(exported))


def _chosen(config: dict[str, Any], tuned: list[types.Artifact]) -> Chosen:
    facts = [artifact_facts.custom_properties(artifact) for artifact in tuned]
    return choose(config, facts[0] if facts else None)


def _hyperparameters(config: dict[str, Any], chosen: Chosen) -> dict[str, str]:
    used = {name: config[name] for name in HYPERPARAMETERS if name in config}
    return {
        "hyperparameters": json.dumps(used),
        HYPERPARAMETERS_FROM: chosen.origin,
        TUNER_RUN: chosen.tuner_run,
    }


def _plain(value: Any) -> str | int | float:
    """Returns a value that a card can hold: a mapping, such as the settings, as JSON."""
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return value


def _card(facts: dict[str, Any]) -> dict[str, Any]:
    as_of = datetime.fromisoformat(facts[AS_OF])
    return {
        MODEL_VERSION: f"{as_of:%Y%m%d}-{uuid.uuid4().hex[:8]}",
        PACKAGES: ", ".join(f"{name} {of.__version__}" for name, of in _NAMED_PACKAGES.items()),
        **{name: facts[name] for name in _FROM_EXAMPLES},
    }
