"""The files of an evaluation, as `tfma.load_eval_result` and TFMA's viewers read them."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import tensorflow as tf
from google.protobuf import json_format
from tensorflow_model_analysis import version
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as writer
from tfx.dsl.io import fileio

from components.evaluator.slice_metrics import Metrics, SliceKey

_OF_SLICES: Final = "{}-00000-of-00001.tfrecord"
_UNKNOWN: Final = {"data_location": "<user provided PCollection>", "file_format": "<unknown>"}
"""As TFMA says it of data that TFX's Evaluator read."""


def write_results(
    folder: str,
    config: config_pb2.EvalConfig,
    models: Mapping[str, str],
    metrics: Mapping[SliceKey, Metrics],
) -> None:
    """Writes an evaluation.

    Args:
        folder: Of the ModelEvaluation.
        config: What was computed; it has no thresholds.
        models: Folders of the SavedModels, by their names in the config.
        metrics: By slice.
    """
    fileio.makedirs(folder)
    told = config_pb2.EvalRun(
        eval_config=config, version=version.VERSION, model_locations=models, **_UNKNOWN
    )
    with fileio.open(os.path.join(folder, "eval_config.json"), "w") as file:
        file.write(json_format.MessageToJson(told) + "\n")
    slices = {
        "metrics": [writer.convert_slice_metrics_to_proto(one, []) for one in metrics.items()],
        "plots": [writer.convert_slice_plots_to_proto((key, {}), []) for key in metrics],
        "attributions": [writer.convert_slice_attributions_to_proto((key, {})) for key in metrics],
    }
    for name, messages in slices.items():
        _write(os.path.join(folder, _OF_SLICES.format(name)), messages)
    _write(os.path.join(folder, "validations.tfrecord"), [_validation(config, metrics)])


def _validation(config: config_pb2.EvalConfig, metrics: Mapping[SliceKey, Metrics]) -> Any:
    """Says that there was nothing to hold the metrics against."""
    merged = writer.CombineValidations(config)
    found = merged.create_accumulator()
    for one in metrics.items():
        found = merged.add_input(found, metrics_validator.validate_metrics(one, config))
    return merged.extract_output(found)


def _write(path: str, messages: Iterable[Any]) -> None:
    with tf.io.TFRecordWriter(path) as file:
        for message in messages:
            file.write(message.SerializeToString())
