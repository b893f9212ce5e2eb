"""The work of ModelTuner: search, keep the best, record what it is worth."""

import json
import uuid
from datetime import datetime
from typing import Any, Final

from tfx import types
from tfx.components.tuner import executor
from tfx.types import artifact_utils

from components.feedback_example_gen.properties import AS_OF, LABEL_SOURCE
from components.registry import artifact_facts
from serving_model.learning.tuner import FoldTuner, plain_values

TUNER_RUN: Final = "tuner_run"
VALUES: Final = "values"
LOG_LOSS: Final = "log_loss"
SETTINGS_LOG_LOSS: Final = "settings_log_loss"
_FROM_EXAMPLES: Final = (AS_OF, LABEL_SOURCE, "horizon_days", "train_cutoffs", "train_snapshots")


class Executor(executor.Executor):
    """TFX's executor of the Tuner, which records what it found as properties."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component; see TFX's Tuner for the artifacts.

        best_hyperparameters gets custom properties: a name of the tuner run, the values as
        JSON, the log-loss that they and the settings had on the folds, and the data.
        """
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        best = artifact_utils.get_single_instance(output_dict["best_hyperparameters"])
        facts = artifact_facts.custom_properties(examples)
        tuner = executor.search(
            input_dict,
            _with_label_source(exec_properties, facts[LABEL_SOURCE]),
            self._get_tmp_dir(),
            print_tuning_summary=False,
        )
        executor.write_best_hyperparameters(tuner, output_dict)
        for name, value in (_found(tuner) | _source(facts)).items():
            if isinstance(value, float):
                best.set_float_custom_property(name, value)
            elif isinstance(value, int):
                best.set_int_custom_property(name, value)
            else:
                best.set_string_custom_property(name, value)


def _with_label_source(exec_properties: dict[str, Any], label_source: str) -> dict[str, Any]:
    """Returns properties whose model card says it, as the trainer's does: it decides horizons."""
    config = json.loads(exec_properties["custom_config"])
    config["model_card"] = {**config.get("model_card", {}), LABEL_SOURCE: label_source}
    return {**exec_properties, "custom_config": json.dumps(config)}


def _source(facts: dict[str, Any]) -> dict[str, Any]:
    as_of = datetime.fromisoformat(facts[AS_OF])
    name = f"tuned-{as_of:%Y%m%d}-{uuid.uuid4().hex[:8]}"
    return {TUNER_RUN: name, **{fact: facts[fact] for fact in _FROM_EXAMPLES}}


def _found(tuner: FoldTuner) -> dict[str, Any]:
    (best,) = tuner.oracle.get_best_trials(1)
    first = tuner.oracle.trials[tuner.oracle.start_order[0]]
    return {
        VALUES: json.dumps(plain_values(best.hyperparameters.values)),
        LOG_LOSS: float(best.score),
        SETTINGS_LOG_LOSS: float(first.score),
        "settings_values": json.dumps(plain_values(first.hyperparameters.values)),
        "trials": len(tuner.oracle.trials),
        "folds": tuner.folds.how,
    }
