"""Cells of tables, from the dataclasses of the review."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from components.model_review.page.charts.models import named
from components.model_review.sections.estimates import Curve, Estimate
from components.page import numbers
from components.page.blocks import BAD, GOOD, QUIET, WARN, Badge, Noted, Table
from components.page.words import sentence
from serving_model.evaluation.metrics import METRICS

if TYPE_CHECKING:  # it loads TensorFlow, which a page of two models can do without
    from components.model_review.sections.performance import ModelMetrics

MODEL_COLUMNS: Final = (
    "Model",
    *(f"{sentence(metric.label).rstrip('.')}#" for metric in METRICS.values()),
)
"""Of a table of models: one column for each metric."""
_TONES: Final = {"passed": GOOD, "done": GOOD, "failed": BAD, "stopped": BAD, "warned": WARN}


def verdict(word: str) -> Badge:
    """Returns a verdict or an outcome in its colour."""
    return Badge(word, _TONES.get(word, QUIET))


def estimate(found: Estimate | None, signed: bool = False) -> str | Noted:
    """Returns a number with its interval below."""
    if found is None:
        return numbers.NOT_KNOWN
    write = numbers.difference if signed else numbers.metric
    return _noted(found, write)


def times(found: Estimate) -> str | Noted:
    """Returns a multiple with its interval below."""
    return _noted(found, numbers.short)


def share(found: Estimate) -> str | Noted:
    """Returns a share in percent with its interval below."""
    return _noted(found, numbers.share)


def _noted(found: Estimate, write: Callable[[float], str]) -> str | Noted:
    value = write(found.value)
    return Noted(value, numbers.ends(found.interval, write)) if found.interval else value


def metrics(one: "ModelMetrics") -> tuple[str | Noted, ...]:
    """Returns the cells of a model under MODEL_COLUMNS."""
    return (named(one.model), *(estimate(one.metrics[name]) for name in METRICS))


def readings(caption: str, curves: Sequence[Curve], places: Sequence[float]) -> Table:
    """Reads lines off at some places, in whole percents: they are sampled_curve for drawing.

    Args:
        caption: Caption of the table.
        curves: One row each.
        places: On the x axis, [0, 1].
    """
    return Table.of(
        caption,
        ("Model", *(f"at {place:.0%}#" for place in places)),
        (
            (named(one.model), *map(numbers.rounded, np.interp(places, one.x, one.y).tolist()))
            for one in curves
        ),
        folded=True,
    )
