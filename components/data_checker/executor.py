"""The work of DataChecker: run the checks and write the decision."""

import os
from collections.abc import Iterator
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.config import read_config
from components.data_checker.actions import decide
from components.data_checker.checks import Check
from components.data_checker.comparisons import compare, learnt_statistics, load_statistics
from components.data_checker.config import DataCheckerConfig
from components.data_checker.decision_file import write_checks
from components.data_checker.ground_truth import check_ground_truth
from components.data_checker.population import check_population
from components.data_checker.schema_anomalies import check_anomalies, validate_score_split
from components.data_checker.sizes import check_counts
from components.data_checker.statistics import Statistics
from components.data_checker.value_checks import check_missing
from components.feedback_example_gen.cutoffs import SCORE
from components.registry.input_properties import ExamplesProperties
from transforms.schema import load_schema

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Reads sizes, statistics and anomalies; writes what follows from them."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - examples: Examples of FeedbackExampleGen.
                - statistics: ExampleStatistics of all their splits.
                - anomalies: ExampleAnomalies of the labelled splits; may be absent.
                - trained_statistics: ExampleStatistics of the run that trained the champion;
                  may be absent.
            output_dict:
                - decision: DataGateDecision.
            exec_properties: As component.py declares.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = read_config(DataCheckerConfig, exec_properties)
        checks = list(decide(_all_checks(input_dict, config), config.data_checks))
        decision = artifact_utils.get_single_instance(output_dict["decision"])
        write_checks(decision, checks)


def _all_checks(inputs: Artifacts, limits: DataCheckerConfig) -> Iterator[Check]:
    examples = artifact_utils.get_single_instance(inputs["examples"])
    data = ExamplesProperties.read(examples)
    splits = artifact_utils.decode_split_names(examples.split_names)
    yield from check_counts(data, splits, limits)
    yield from check_population(data, splits, limits)
    yield from check_ground_truth(data, limits)
    for anomalies in inputs.get("anomalies") or []:
        for split in artifact_utils.decode_split_names(anomalies.split_names):
            yield from check_anomalies(split, _load_anomalies(anomalies, split))
    filled = [split for split in splits if data.splits[split].examples]
    own = load_statistics(inputs["statistics"][0], filled)
    if SCORE in own:
        yield from validate_score_split(own[SCORE], load_schema())
    for split, statistics in own.items():
        yield from check_missing(split, statistics, limits)
    yield from compare(own, _learnt(inputs, splits), limits)


def _learnt(inputs: Artifacts, splits: list[str]) -> dict[str, Statistics]:
    """Statistics of what the champion learnt from, for a run that has no labelled splits itself."""
    return learnt_statistics(inputs.get("trained_statistics") or []) if splits == [SCORE] else {}


def _load_anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    path = os.path.join(artifact_utils.get_split_uri([artifact], split), DEFAULT_FILE_NAME)
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
