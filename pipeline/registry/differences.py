"""What is recorded of two models and differs: data, code, settings. No model is loaded."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from components.model_review.sections.compared import ABSENT, Difference
from components.registry.model_properties import ModelProperties

_DATA: Final = (
    "as_of",
    "label_source",
    "lookback_days",
    "horizon_days",
    "max_events",
    "duplicate_events",
    "active_within_days",
    "rows_after_churn",
    "feedback_rows",
    "train_cutoffs",
    "train_examples",
    "train_churned",
    "eval_cutoffs",
    "eval_examples",
    "eval_churned",
    "code_version",
    "packages",
)


def data_differences(a: ModelProperties, b: ModelProperties) -> tuple[Difference, ...]:
    """Returns what two models learnt from and with, where it differs."""
    return tuple(_differences(a.as_json(), b.as_json(), _DATA))


def setting_differences(a: ModelProperties, b: ModelProperties) -> tuple[Difference, ...]:
    """Returns settings of their training runs that differ; none where one has none recorded."""
    one, other = a.settings or {}, b.settings or {}
    if not one or not other:
        return ()
    return tuple(_differences(one, other, sorted(one.keys() | other.keys())))


def _differences(
    a: Mapping[str, Any], b: Mapping[str, Any], names: Iterable[str]
) -> Iterator[Difference]:
    for name in names:
        if a.get(name, ABSENT) != b.get(name, ABSENT):
            yield Difference(name, a.get(name, ABSENT), b.get(name, ABSENT))
