"""Asks the challenger, the champion and the baselines for their answers on the evaluation set."""

from collections.abc import Hashable
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx import types
from tfx.types import artifact_utils

from components import ahead
from components.cold_start_config import RuleConfig
from components.feedback_example_gen.cutoffs import EVAL, TRAIN
from components.model_gate.band_worth import bands_to_judge
from components.model_gate.decision_file import CHALLENGER, CHAMPION
from components.model_gate.evaluation_set import read_eval, read_training
from components.model_gate.evidence import Pace, read_pace
from components.model_gate.predictions import Predictions
from components.registry.input_properties import ExamplesProperties
from components.sound_model import sound_scorer
from serving_model.evaluation.baselines import Baselines, fit_baselines
from serving_model.evaluation.ranking import COLD_START_RULE
from serving_model.learning.labelled_examples import READ_BATCH
from serving_model.learning.time_split import split_by_time
from serving_model.served.predict import ModelScorer
from serving_model.served.risk_bands import RiskBands
from serving_model.served.rule_model import batch_signals, fit_rule
from transforms.arrays import Floats

Artifacts = dict[str, list[types.Artifact]]

MODEL_VERSION: Final = "model_version"


class Measurement(NamedTuple):
    """What the gate decides on; no limit has a part in it."""

    predictions: Predictions
    versions: tuple[str, str | None]
    """Of the challenger and the champion."""
    cutoff: str
    """Of the evaluation set, ISO 8601."""
    horizon_days: int
    """Of the label."""
    training: dict[str, Any]
    """What the baselines learnt from."""
    bands: tuple[RiskBands, ...] = ()
    """Rules of the risk categories that are judged, that of the settings first."""
    pace: Pace | None = None
    """How many accounts churn."""


def measure(inputs: Artifacts, rule: RuleConfig) -> Measurement:
    """Scores the evaluation set with every model.

    Args:
        inputs: Of ModelGate; baseline_model may be absent.
        rule: The cold-start rule, which is one of the baselines.

    Raises:
        ValueError: If a folder holds no model of ours.
    """
    # First, so that a model which cannot be read costs nothing else.
    scorers = {CHALLENGER: _scorer(inputs["model"])}
    if inputs.get("baseline_model"):
        scorers[CHAMPION] = _scorer(inputs["baseline_model"])
    examples = artifact_utils.get_single_instance(inputs["examples"])
    data = ExamplesProperties.read(examples)
    graph = artifact_utils.get_single_uri(inputs["transform_graph"])
    transform = tft.TFTransformOutput(graph)
    # Before the evaluation set is read, so that both are never in memory at once.
    baselines, training, pace = ahead.taken(
        baselines_key(examples.uri, graph), lambda: baselines_of(examples, data, transform)
    )
    evaluation_set = read_eval(
        artifact_utils.get_split_uri([examples], EVAL), transform, data.lookback_days
    )
    within = scorers[CHALLENGER].score_horizons(evaluation_set.serialized)
    models = {CHALLENGER: within[data.horizon_days]}
    if CHAMPION in scorers:
        models[CHAMPION] = scorers[CHAMPION].score(evaluation_set.serialized)[1]
    models |= baselines.probabilities(evaluation_set.features, evaluation_set.silence_days)
    models[COLD_START_RULE] = by_rule(evaluation_set.serialized, rule, baselines.base_rate)
    versions = {name: str(scorer.card[MODEL_VERSION]) for name, scorer in scorers.items()}
    return Measurement(
        Predictions(
            evaluation_set.accounts,
            evaluation_set.labels,
            models,
            evaluation_set.traits,
            within,
            evaluation_set.seen,
        ),
        (versions[CHALLENGER], versions.get(CHAMPION)),
        data.splits[EVAL].cutoffs,
        data.horizon_days,
        training,
        tuple(bands_to_judge(scorers[CHALLENGER].card)),
        pace,
    )


def by_rule(serialized: list[bytes], config: RuleConfig, base_rate: float) -> Floats:
    """Scores examples by the cold-start rule; it reads no label.

    Args:
        serialized: n examples, n at least 1.
        config: The weights, and what is critical.
        base_rate: Of training, in (0, 1): the mean of what is returned, as a person would have
            stated it who knew that much.

    Returns:
        Probabilities, [n].
    """
    batches = [
        batch_signals(
            tf.constant(serialized[start : start + READ_BATCH], tf.string),
            config.critical_priority,
        )
        for start in range(0, len(serialized), READ_BATCH)
    ]
    signals = np.concatenate(batches)
    return fit_rule(config.rule, signals, base_rate).probabilities(signals)


def baselines_key(examples: str, transform_graph: str) -> Hashable:
    """Returns the name by which baselines that were begun early are taken.

    Args:
        examples: Folder of the Examples.
        transform_graph: Folder of the TransformGraph.
    """
    return "baselines", examples, transform_graph


def baselines_of(
    examples: types.Artifact, data: ExamplesProperties, transform: tft.TFTransformOutput
) -> tuple[Baselines, dict[str, Any], Pace]:
    """Fits the baselines; says on what, and how many accounts churned in its windows.

    Args:
        examples: With a training split.
        data: The properties of the examples.
        transform: Of the run.
    """
    uri = artifact_utils.get_split_uri([examples], TRAIN)
    found = read_training(uri, transform, data.splits[TRAIN].examples)
    split = split_by_time(found.examples, data.horizon_days)
    baselines = fit_baselines(
        found.examples.features, found.silence_days, found.examples.labels, split
    )
    whole = slice(None) if found.share == 1 else slice(0)
    pace = read_pace(
        data.as_of,
        data.horizon_days,
        data.splits[EVAL].cutoffs,
        found.examples.cutoffs[whole],
        found.examples.labels[whole],
    )
    told = {
        "examples": len(found.examples.labels),
        "share_of_accounts": found.share,
        "base_rate": baselines.base_rate,
        "logistic_regression_c": baselines.strength,
    }
    return baselines, told, pace


def _scorer(models: list[types.Artifact]) -> ModelScorer:
    return sound_scorer(artifact_utils.get_single_instance(models))
