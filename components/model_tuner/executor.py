"""The work of ModelTuner: search, keep the best, record what it is worth."""

import json
import uuid
from datetime import datetime
from typing import Any

from tfx import types
from tfx.components.tuner import executor
from tfx.types import artifact_utils

from components.feedback_example_gen.cutoffs import TRAIN
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import HyperParametersProperties
from serving_model.learning.tuner import FoldTuner, plain_values


class Executor(executor.Executor):
    """TFX's executor of the Tuner, which records what it found as properties."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component; see TFX's Tuner for the artifacts.

        best_hyperparameters gets HyperParametersProperties.
        """
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        best = artifact_utils.get_single_instance(output_dict["best_hyperparameters"])
        data = ExamplesProperties.read(examples)
        tuner = executor.search(
            input_dict,
            _with_label_source(exec_properties, data.label_source),
            self._get_tmp_dir(),
            print_tuning_summary=False,
        )
        executor.write_best_hyperparameters(tuner, output_dict)
        _found(tuner, data).write(best)


def _with_label_source(exec_properties: dict[str, Any], label_source: str) -> dict[str, Any]:
    """Returns properties whose model card says it, as the trainer's does: it decides horizons."""
    config = json.loads(exec_properties["custom_config"])
    config["model_card"] = {**config.get("model_card", {}), "label_source": label_source}
    return {**exec_properties, "custom_config": json.dumps(config)}


def _found(tuner: FoldTuner, data: ExamplesProperties) -> HyperParametersProperties:
    (best,) = tuner.oracle.get_best_trials(1)
    first = tuner.oracle.trials[tuner.oracle.start_order[0]]
    as_of, train = datetime.fromisoformat(data.as_of), data.splits[TRAIN]
    return HyperParametersProperties(
        tuner_run=f"tuned-{as_of:%Y%m%d}-{uuid.uuid4().hex[:8]}",
        values=plain_values(best.hyperparameters.values),
        settings_values=plain_values(first.hyperparameters.values),
        log_loss=float(best.score),
        settings_log_loss=float(first.score),
        trials=len(tuner.oracle.trials),
        folds=tuner.folds.how,
        as_of=data.as_of,
        label_source=data.label_source,
        horizon_days=data.horizon_days,
        train_cutoffs=train.cutoffs,
        train_examples=train.examples,
    )
