"""The work of ModelGate: score, compare, decide, and write the decision beside the blessing."""

import os
from typing import Any, Final

import tensorflow_transform as tft
from absl import logging
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.config import read_config
from components.feedback_example_gen.cutoffs import EVAL, TRAIN
from components.model_gate.config import ModelGateConfig
from components.model_gate.decision import decide
from components.model_gate.decision_file import CHALLENGER, CHAMPION, FILE, Decision
from components.model_gate.evaluation_set import EvaluationSet, read_eval, read_training
from components.model_gate.gate_check import OVERALL, GateCheck, Population
from components.model_gate.overall_checks import overall_checks
from components.model_gate.predictions import Predictions, write_predictions
from components.model_gate.slice_checks import slice_checks
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import BlessingProperties
from serving_model.evaluation.baselines import Baselines, fit_baselines
from serving_model.evaluation.paired_bootstrap import paired_bootstrap
from serving_model.learning.time_split import split_by_time
from serving_model.served.predict import ModelScorer

Artifacts = dict[str, list[types.Artifact]]

MODEL_VERSION: Final = "model_version"


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
        decision, predictions = _judge(input_dict, limits)
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        fileio.makedirs(blessing.uri)
        write_predictions(blessing.uri, predictions)
        _write(blessing.uri, FILE, decision.as_json())
        name = constants.BLESSED_FILE_NAME if decision.blessed else constants.NOT_BLESSED_FILE_NAME
        _write(blessing.uri, name, "")
        _describe(blessing, decision, input_dict)
        for check in decision.checks:
            logging.info("Model gate: %s: %s", check.verdict, check.message)
        logging.info("Model gate: %s", decision.summary)


def _judge(inputs: Artifacts, limits: ModelGateConfig) -> tuple[Decision, Predictions]:
    examples = artifact_utils.get_single_instance(inputs["examples"])
    data = ExamplesProperties.read(examples)
    transform = tft.TFTransformOutput(
        artifact_utils.get_single_uri(inputs["transform_graph"]),
    )
    evaluation_set = read_eval(
        artifact_utils.get_split_uri([examples], EVAL), transform, data.lookback_days
    )
    baselines, training = _baselines(examples, data, transform)
    scorers = {CHALLENGER: _scorer(inputs["model"])}
    if inputs.get("baseline_model"):
        scorers[CHAMPION] = _scorer(inputs["baseline_model"])
    models = {name: scorer.score(evaluation_set.serialized)[1] for name, scorer in scorers.items()}
    models |= baselines.probabilities(evaluation_set.features, evaluation_set.silence_days)
    checks, slices = _checks(evaluation_set, models, limits)
    champion = scorers[CHAMPION].card[MODEL_VERSION] if CHAMPION in scorers else None
    judged = Predictions(
        evaluation_set.accounts, evaluation_set.labels, models, evaluation_set.traits
    )
    decision = decide(
        checks=checks,
        labels=judged.labels,
        models=judged.models,
        slices=slices,
        versions=(
            str(scorers[CHALLENGER].card[MODEL_VERSION]),
            None if champion is None else str(champion),
        ),
        cutoff=data.splits[EVAL].cutoffs,
        training=training,
    )
    return decision, judged


def _scorer(models: list[types.Artifact]) -> ModelScorer:
    model = artifact_utils.get_single_instance(models)
    return ModelScorer(path_utils.serving_model_path(model.uri))


def _baselines(
    examples: types.Artifact, data: ExamplesProperties, transform: tft.TFTransformOutput
) -> tuple[Baselines, dict[str, Any]]:
    """Fits the baselines; says on what."""
    uri = artifact_utils.get_split_uri([examples], TRAIN)
    found = read_training(uri, transform, data.splits[TRAIN].examples)
    split = split_by_time(found.examples, data.horizon_days)
    baselines = fit_baselines(
        found.examples.features, found.silence_days, found.examples.labels, split
    )
    return baselines, {
        "examples": len(found.examples.labels),
        "share_of_accounts": found.share,
        "base_rate": baselines.base_rate,
        "logistic_regression_c": baselines.strength,
    }


def _checks(
    evaluation_set: EvaluationSet, models: dict[str, Any], limits: ModelGateConfig
) -> tuple[list[GateCheck], list[dict[str, Any]]]:
    labels = evaluation_set.labels
    population = Population.of(OVERALL, labels)
    replicates = paired_bootstrap(labels, models)
    checks = list(overall_checks(population, labels, models, replicates, limits))
    slices = []
    for described, found in slice_checks(labels, models, evaluation_set.traits, limits):
        slices.append(described)
        checks += found
    return checks, slices


def _write(folder: str, name: str, text: str) -> None:
    with fileio.open(os.path.join(folder, name), "w") as file:
        file.write(text)


def _describe(blessing: types.Artifact, decision: Decision, inputs: Artifacts) -> None:
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
    ).write(blessing)
