"""What TFX's Evaluator said: its thresholds on all accounts are checks of the gate."""

import os
from collections.abc import Iterator
from typing import Any, Final

import tensorflow_model_analysis as tfma
from tfx.components.evaluator import constants
from tfx.dsl.io import fileio

from components.model_gate.gate_check import GateCheck, Population

_NAMES: Final = {"AUC": "auc", "BinaryCrossEntropy": "binary_crossentropy"}


def evaluator_checks(
    population: Population, evaluation_uri: str, blessing_uri: str | None
) -> Iterator[GateCheck]:
    """Yields one check for each threshold of the EvalConfig on all accounts.

    Args:
        population: The evaluation snapshot.
        evaluation_uri: Folder of the ModelEvaluation.
        blessing_uri: Folder of the Evaluator's own blessing, if it is known. What it
            refused for a reason that no threshold here shows is a check of its own.
    """
    result = tfma.load_eval_result(evaluation_uri)
    failed = _failed_keys(tfma.load_validation_result(evaluation_uri))
    checks = list(_threshold_checks(population, result, failed))
    yield from checks
    if blessing_uri is None or any(check.failed for check in checks):
        return
    if not fileio.exists(os.path.join(blessing_uri, constants.BLESSED_FILE_NAME)):
        bar = "blessed by the Evaluator"
        yield population.check("evaluator", float("nan"), bar, 0.0, excess=float("nan"))


def _threshold_checks(
    population: Population, result: Any, failed: set[tuple[str, bool]]
) -> Iterator[GateCheck]:
    metrics = next(
        {name: value["doubleValue"] for name, value in outputs[""][""].items()}
        for slice_key, outputs in result.slicing_metrics
        if slice_key == ()
    )
    for metric in result.config.metrics_specs[0].metrics:
        for bound in metric.per_slice_thresholds:
            name = _NAMES[metric.class_name]
            if bound.threshold.HasField("value_threshold"):
                lowest = bound.threshold.value_threshold.lower_bound.value
                bar, excess = f"at least {lowest:g}", lowest - metrics[name]
                if (name, False) in failed:
                    excess = abs(excess) or float("nan")
                yield population.check(f"evaluator: {name}", metrics[name], bar, lowest, excess)
            if f"{name}_diff" in metrics and bound.threshold.HasField("change_threshold"):
                yield _change(population, name, metrics, bound.threshold.change_threshold, failed)


def _change(
    population: Population,
    name: str,
    metrics: dict[str, float],
    change: Any,
    failed: set[tuple[str, bool]],
) -> GateCheck:
    higher = change.direction == tfma.MetricDirection.HIGHER_IS_BETTER
    limit, difference = change.absolute.value, metrics[f"{name}_diff"]
    excess = limit - difference if higher else difference - limit
    if (name, True) in failed:
        excess = abs(excess) or float("nan")
    bar = f"{'at least' if higher else 'at most'} {limit:+g}"
    title = f"evaluator: {name} against the champion"
    return population.check(title, difference, bar, limit, excess)


def _failed_keys(validation: Any) -> set[tuple[str, bool]]:
    return {
        (failure.metric_key.name, failure.metric_key.is_diff)
        for result in validation.metric_validations_per_slice
        for failure in result.failures
    }
