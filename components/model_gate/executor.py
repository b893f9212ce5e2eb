"""The work of ModelGate: score, compare, decide, and write the decision beside the blessing."""

import os
from typing import Any

from absl import logging
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.config import read_config
from components.model_gate.band_worth import worth_of
from components.model_gate.config import ModelGateConfig
from components.model_gate.decision import decide
from components.model_gate.decision_file import CHALLENGER, FILE, Decision
from components.model_gate.gate_check import OVERALL, Population
from components.model_gate.horizon_checks import horizon_checks
from components.model_gate.measurement import Artifacts, Measurement, measure
from components.model_gate.overall_checks import overall_checks
from components.model_gate.predictions import write_predictions
from components.model_gate.slice_checks import slice_checks
from components.registry.model_properties import BlessingProperties
from serving_model.evaluation.paired_bootstrap import paired_bootstrap


class Executor(base_executor.BaseExecutor):
    """Judges the challenger on the evaluation set; blesses it only if no check failed."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the component.

        Args:
            input_dict: As component.py says; baseline_model may be absent.
            output_dict:
                - blessing: ModelBlessing. Nothing in its folder blesses the model until
                  the whole decision is made and written.
            exec_properties: The config.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        limits = read_config(ModelGateConfig, exec_properties)
        measured = measure(input_dict, limits)
        decision = judge(measured, limits)
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        fileio.makedirs(blessing.uri)
        write_predictions(blessing.uri, measured.predictions)
        _write(blessing.uri, FILE, decision.as_json())
        name = constants.BLESSED_FILE_NAME if decision.blessed else constants.NOT_BLESSED_FILE_NAME
        _write(blessing.uri, name, "")
        _describe(blessing, decision, input_dict, limits)
        for check in decision.checks:
            logging.info("Model gate: %s: %s", check.verdict, check.message)
        logging.info("Model gate: %s", decision.summary)


def judge(measured: Measurement, limits: ModelGateConfig) -> Decision:
    """Holds what was measured against the limits.

    Args:
        measured: The answers of all models on the evaluation set.
        limits: The thresholds.
    """
    labels, models = measured.predictions.labels, measured.predictions.models
    accounts = measured.predictions.accounts
    population = Population.of(OVERALL, labels)
    replicates = paired_bootstrap(labels, models)
    checks = list(overall_checks(population, labels, models, replicates, limits))
    slices = []
    for described, found in slice_checks(labels, models, measured.predictions.traits, limits):
        slices.append(described)
        checks += found
    horizons, found = horizon_checks(measured.predictions, measured.horizon_days, limits)
    return decide(
        checks=[*checks, *found],
        labels=labels,
        models=models,
        slices=slices,
        versions=measured.versions,
        cutoff=measured.cutoff,
        training=measured.training,
        pace=measured.pace,
        horizons=horizons,
        bands=list(worth_of(measured.bands, labels, models[CHALLENGER], accounts.tolist())),
    )


def _write(folder: str, name: str, text: str) -> None:
    with fileio.open(os.path.join(folder, name), "w") as file:
        file.write(text)


def _describe(
    blessing: types.Artifact, decision: Decision, inputs: Artifacts, limits: ModelGateConfig
) -> None:
    """Sets the properties that TFX's Evaluator sets, by which resolvers find a blessed model."""
    model = artifact_utils.get_single_instance(inputs["model"])
    champion = next(iter(inputs.get("baseline_model") or []), None)
    found = decision.metrics[CHALLENGER]
    BlessingProperties(
        blessed=decision.blessed,
        current_model_id=model.id,
        current_model=model.uri,
        baseline_model_id=champion.id if champion else None,
        baseline_model=champion.uri if champion else None,
        model_version=decision.model_version,
        summary=decision.summary,
        decision=FILE,
        auc=found["auc"],
        log_loss=found["log_loss"],
        horizons_judged=",".join(str(one.days) for one in decision.horizons if not one.not_judged),
        shadow=True
        if decision.blessed and champion and limits.after_blessing == "shadow"
        else None,
        acceptable=decision.acceptable or None,
        unacceptable_because=decision.unacceptable_because or None,
    ).write(blessing)
