"""TFMA's metrics on slices, by its own combiners, without a pipeline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib as slicer

from transforms.arrays import Floats32

SliceKey = tuple[tuple[str, Any], ...]
"""As TFMA has it: columns with their values, () for all examples."""
Metrics = dict[metric_types.MetricKey, Any]
_PRIVATE: Final = "_"
"""Begins the names of what other metrics are made of."""


class Evaluated(NamedTuple):
    """n examples, and what models say of them."""

    columns: Mapping[str, NDArray[np.object_]]
    """That slices are cut by, bytes [n] each."""
    labels: NDArray[np.int64]
    """0 or 1, [n]."""
    probabilities: Mapping[str, Floats32]
    """By names of the config's models, [n] each."""


def metrics_by_slice(
    config: config_pb2.EvalConfig, evaluated: Evaluated
) -> dict[SliceKey, Metrics]:
    """Computes what TFMA's evaluator computes of such a config, slices in order of appearance.

    Each example is added once, to the sums of those with the same values in all columns; slices
    put these together, as Beam would those of its workers.

    Args:
        config: Named models, metrics and slices by columns.
        evaluated: The examples.

    Raises:
        ValueError: The config asks for more than that.
    """
    _require_plain(config)
    made = metric_specs.to_computations(list(config.metrics_specs), eval_config=config)
    direct = list(
        dict.fromkeys(one for one in made if isinstance(one, metric_types.MetricComputation))
    )
    derived = list(
        dict.fromkeys(one for one in made if isinstance(one, metric_types.DerivedMetricComputation))
    )
    combiners = [one.combiner for one in direct]
    cuts = [slicer.SingleSliceSpec(spec=one) for one in config.slicing_specs]
    parts: dict[SliceKey, list[list[Any]]] = {}
    for values, rows in _groups(evaluated.columns):
        summed = _summed(combiners, _inputs(evaluated, rows))
        for key in slicer.get_slices_for_features_dicts([], values, cuts):
            parts.setdefault(key, []).append(summed)
    baseline = next((one.name for one in config.model_specs if one.is_baseline), None)
    return {key: _metrics(combiners, derived, one, baseline) for key, one in parts.items()}


def _require_plain(config: config_pb2.EvalConfig) -> None:
    asked = {
        "cross_slicing_specs": bool(config.cross_slicing_specs),
        "confidence intervals": config.options.compute_confidence_intervals.value,
        "min_slice_size": config.options.min_slice_size.value > 1,
        "slice_keys_sql": any(one.slice_keys_sql for one in config.slicing_specs),
        "query_key": any(one.query_key for one in config.metrics_specs),
        "thresholds": bool(
            metric_specs.metric_thresholds_from_metrics_specs(
                config.metrics_specs, eval_config=config
            )
        ),
    }
    if found := [name for name, there in asked.items() if there]:
        raise ValueError(
            f"The EvalConfig asks for {', '.join(found)}. Evaluator computes metrics of whole "
            "slices by columns, without thresholds: ModelGate decides. Take TFX's own Evaluator "
            "for more."
        )


def _groups(
    columns: Mapping[str, NDArray[np.object_]],
) -> Iterator[tuple[dict[str, Any], NDArray[np.int64]]]:
    """Yields values of the columns that occur together, and where, in order of appearance."""
    rows: dict[tuple[bytes, ...], list[int]] = {}
    for row, values in enumerate(zip(*columns.values(), strict=True)):
        rows.setdefault(values, []).append(row)
    for values, found in rows.items():
        each = zip(columns, values, strict=True)
        yield {name: np.array([value]) for name, value in each}, np.array(found)


def _inputs(
    evaluated: Evaluated, rows: NDArray[np.int64]
) -> Iterator[metric_types.StandardMetricInputs]:
    """Yields examples as metrics take them, those of one model without its name."""
    named = evaluated.probabilities
    for row in rows:
        answers: Any = {name: found[row : row + 1] for name, found in named.items()}
        yield metric_types.StandardMetricInputs(
            {
                constants.LABELS_KEY: evaluated.labels[row : row + 1],
                constants.PREDICTIONS_KEY: answers
                if len(named) > 1
                else next(iter(answers.values())),
                constants.EXAMPLE_WEIGHTS_KEY: None,
            }
        )


def _summed(
    combiners: Sequence[Any], inputs: Iterable[metric_types.StandardMetricInputs]
) -> list[Any]:
    sums = [one.create_accumulator() for one in combiners]
    for example in inputs:
        sums = [one.add_input(sum_, example) for one, sum_ in zip(combiners, sums, strict=True)]
    return sums


def _metrics(
    combiners: Sequence[Any], derived: Sequence[Any], parts: list[list[Any]], baseline: str | None
) -> Metrics:
    found: Metrics = {}
    for combiner, sums in zip(combiners, zip(*parts, strict=True), strict=True):
        # Into an empty one: what is added to is changed, and other slices need the parts too.
        merged = combiner.merge_accumulators([combiner.create_accumulator(), *sums])
        found |= combiner.extract_output(merged)
    for one in derived:
        found |= one.result(found)
    public = {key: value for key, value in found.items() if not key.name.startswith(_PRIVATE)}
    return public | _differences(public, baseline)


def _differences(metrics: Metrics, baseline: str | None) -> Metrics:
    """What the other model has more than the baseline."""
    if baseline is None:
        return {}
    return {
        key.make_diff_key(): value - metrics[key.make_baseline_key(baseline)]
        for key, value in metrics.items()
        if key.model_name != baseline and key.make_baseline_key(baseline) in metrics
    }
