"""The work of DataGate: run the checks, write the decision, stop or go."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from absl import logging
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components import artifact_facts
from components.data_gate.checks import (
    Check,
    Limits,
    check_anomalies,
    check_freshness,
    check_sizes,
    validate_score_split,
)
from components.errors import DataGateStopped
from components.feedback_example_gen.cutoffs import SCORE
from transforms.schema import load_schema

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Reads sizes, statistics and anomalies; raises unless all checks pass."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - examples: Examples of FeedbackExampleGen.
                - statistics: ExampleStatistics of all their splits.
                - anomalies: ExampleAnomalies of the labelled splits; may be absent.
            output_dict:
                - decision: DataGateDecision.
            exec_properties: As component.py declares.

        Raises:
            DataGateStopped: Names every check that failed and the setting behind it.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        checks = list(_all_checks(input_dict, Limits(**exec_properties)))
        decision = artifact_utils.get_single_instance(output_dict["decision"])
        fileio.makedirs(decision.uri)
        with fileio.open(os.path.join(decision.uri, "decision.json"), "w") as file:
            file.write(json.dumps([asdict(check) for check in checks], indent=1))
        failed = [check for check in checks if not check.passed]
        for check in checks:
            logging.info("Data gate: %s", check)
        if failed:
            raise DataGateStopped(
                "The data gate stopped the run: " + "; ".join(check.message for check in failed)
            )


def _all_checks(inputs: Artifacts, limits: Limits) -> Iterator[Check]:
    examples = artifact_utils.get_single_instance(inputs["examples"])
    facts = artifact_facts.custom_properties(examples)
    splits = artifact_utils.decode_split_names(examples.split_names)
    yield from check_sizes(facts, splits, limits)
    yield check_freshness(facts, limits)
    for anomalies in inputs.get("anomalies") or []:
        for split in artifact_utils.decode_split_names(anomalies.split_names):
            yield from check_anomalies(split, _load_anomalies(anomalies, split))
    statistics = artifact_utils.get_single_instance(inputs["statistics"])
    if SCORE in splits and facts[f"{SCORE}_snapshots"]:
        score = stats_artifact_utils.load_statistics(statistics, SCORE).proto()
        yield from validate_score_split(score, load_schema())


def _load_anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    path = os.path.join(artifact_utils.get_split_uri([artifact], split), DEFAULT_FILE_NAME)
    with fileio.open(path, "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
