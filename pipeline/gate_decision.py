"""What the Evaluator decided, and why, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow_model_analysis as tfma


@dataclass(frozen=True)
class GateCheck:
    """One threshold on the overall slice: the value found and the bar."""

    name: str
    value: float
    bar: str
    passed: bool

    def __str__(self) -> str:
        verdict = "" if self.passed else ", failed"
        return f"{self.name} {self.value:.4f} ({self.bar}{verdict})"


@dataclass(frozen=True)
class GateDecision:
    """The decision on one challenger.

    Attributes:
        blessed: Whether it may publish.
        checks: Every threshold that bound it.
        metrics: Value of each metric of TFMA on the overall slice.
    """

    blessed: bool
    checks: tuple[GateCheck, ...]
    metrics: dict[str, float]

    def sentence(self) -> str:
        """Returns the decision and its reasons as one sentence."""
        shown = self.checks if self.blessed else [one for one in self.checks if not one.passed]
        reasons = "; ".join(str(check) for check in shown) or "no value could be computed"
        return f"{'BLESSED' if self.blessed else 'NOT BLESSED'}: {reasons}"


def read_decision(evaluation_uri: str, blessed: bool) -> GateDecision:
    """Reads an evaluation of TFMA.

    Args:
        evaluation_uri: Folder of the ModelEvaluation artifact.
        blessed: What the blessing says.
    """
    result = tfma.load_eval_result(evaluation_uri)
    failed = _failed_keys(tfma.load_validation_result(evaluation_uri))
    metrics = next(
        {name: value["doubleValue"] for name, value in outputs[""][""].items()}
        for slice_key, outputs in result.slicing_metrics
        if slice_key == ()
    )
    checks = tuple(_checks(result.config, metrics, failed))
    return GateDecision(blessed=blessed, checks=checks, metrics=metrics)


def _failed_keys(validation: Any) -> set[tuple[str, bool]]:
    return {
        (failure.metric_key.name, failure.metric_key.is_diff)
        for result in validation.metric_validations_per_slice
        for failure in result.failures
    }


def _checks(
    config: tfma.EvalConfig, metrics: dict[str, float], failed: set[tuple[str, bool]]
) -> Iterator[GateCheck]:
    names = {"AUC": "auc", "BinaryCrossEntropy": "binary_crossentropy"}
    for metric in config.metrics_specs[0].metrics:
        for bound in metric.per_slice_thresholds:
            name = names[metric.class_name]
            if bound.threshold.HasField("value_threshold"):
                lowest = bound.threshold.value_threshold.lower_bound.value
                passed = (name, False) not in failed
                yield GateCheck(name, metrics[name], f"at least {lowest:g}", passed)
            if f"{name}_diff" in metrics and bound.threshold.HasField("change_threshold"):
                change = bound.threshold.change_threshold
                higher = change.direction == tfma.MetricDirection.HIGHER_IS_BETTER
                bar = f"{'at least' if higher else 'at most'} {change.absolute.value:+g}"
                passed = (name, True) not in failed
                difference = metrics[f"{name}_diff"]
                yield GateCheck(f"{name} against the champion", difference, bar, passed)
