"""The work of Evaluator: TFMA's metrics of both models, in this process."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils, proto_utils

from components.evaluator.result_files import write_results
from components.evaluator.slice_metrics import Evaluated, metrics_by_slice
from components.model_gate.evaluation_set import parsed, read_serialized
from components.sound_model import sound_scorer
from transforms import event_spec as spec


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes what TFX's executor writes; TFX's component asks for one that is given Beam's options.

    TFMA's way on Beam gives the same metrics. At a few thousand accounts its pipeline takes
    several times as long as the metrics, and it loads each model once more.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - examples: Examples with the splits that are evaluated.
                - model: Model of our trainer, the challenger.
                - baseline_model: The champion; may be absent.
            output_dict:
                - evaluation: ModelEvaluation, which `tfma.load_eval_result` reads.
                - blessing: Stays empty: there are no thresholds.
            exec_properties: `eval_config`, a tfma.EvalConfig as JSON, and `example_splits`.

        Raises:
            StateUnusable: A model is damaged or gone.
            ValueError: The config asks for what is computed on Beam alone.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        models = _models(input_dict)
        config = _config(exec_properties, has_baseline=len(models) > 1)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        serialized = [
            example
            for split in json.loads(exec_properties["example_splits"])
            for example in read_serialized(artifact_utils.get_split_uri([examples], split))
        ]
        sliced_by = sorted({key for one in config.slicing_specs for key in one.feature_keys})
        write_results(
            artifact_utils.get_single_uri(output_dict["evaluation"]),
            config,
            {name: path_utils.serving_model_path(model.uri) for name, model in models.items()},
            metrics_by_slice(config, _evaluated(serialized, models, sliced_by)),
        )


def _models(inputs: dict[str, list[types.Artifact]]) -> dict[str, types.Artifact]:
    """Returns the models by the names that TFMA gives them."""
    challenger = artifact_utils.get_single_instance(inputs["model"])
    if not inputs.get("baseline_model"):
        return {"": challenger}
    champion = artifact_utils.get_single_instance(inputs["baseline_model"])
    return {constants.CANDIDATE_KEY: challenger, constants.BASELINE_KEY: champion}


def _config(properties: dict[str, Any], *, has_baseline: bool) -> config_pb2.EvalConfig:
    given = config_pb2.EvalConfig()
    proto_utils.json_to_proto(properties["eval_config"], given)
    config = config_util.update_eval_config_with_defaults(
        given, has_baseline=has_baseline, rubber_stamp=True
    )
    config_util.verify_eval_config(config)
    return config


def _evaluated(
    serialized: Sequence[bytes], models: Mapping[str, types.Artifact], columns: Sequence[str]
) -> Evaluated:
    raw = spec.raw_feature_spec(with_label=True)
    if unknown := [name for name in columns if name not in spec.SCALAR_STRINGS]:
        raise ValueError(
            f"The EvalConfig cuts slices by {unknown}, expected some of {spec.SCALAR_STRINGS}."
        )
    read = {name: raw[name] for name in (*columns, spec.LABEL)}
    found = parsed(serialized, read)
    answers = {name: sound_scorer(model).score(serialized)[1] for name, model in models.items()}
    return Evaluated(
        columns={name: found[name] for name in columns},
        labels=found[spec.LABEL],
        probabilities={name: one.astype(np.float32) for name, one in answers.items()},
    )
