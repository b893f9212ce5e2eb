"""Which settings of population and labels are others than those that a model learnt with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from components.feedback_example_gen.config import OFF, FeedbackExampleGenConfig
from components.feedback_example_gen.request import ACCOUNT_CHURN, AUTO, INACTIVITY
from components.registry.model_properties import ModelProperties

RECORDED: Final = (
    "lookback_days",
    "horizon_days",
    "max_events",
    "duplicate_events",
    "rows_after_churn",
)
"""Settings whose values a model has as they were."""
LABEL_SOURCE: Final = "label_source"
ACTIVE_WITHIN_DAYS: Final = "active_within_days"
_OF_THE_TABLE: Final = ("churn_table", "churn_account_column", "churn_date_column")


@dataclass(frozen=True)
class UnlikeSetting:
    """A setting that a model learnt with, and that is another now.

    Attributes:
        name: Of the setting.
        learnt: Its value then.
        asked: Its value now; for a source of labels what `auto` comes to.
    """

    name: str
    learnt: Any
    asked: Any


def unlike_settings(
    model: ModelProperties, reading: FeedbackExampleGenConfig, has_churn_table: bool
) -> list[UnlikeSetting]:
    """Compares what a model learnt with and what examples would be made with now.

    SILENT_ACCOUNTS is not compared: nothing learns from silent accounts, scored or not. What nobody
    recorded is not compared either.

    Args:
        model: What it says of itself.
        reading: The settings.
        has_churn_table: Whether the table of churn dates is there.
    """
    found = [
        *(UnlikeSetting(name, getattr(model, name), getattr(reading, name)) for name in RECORDED),
        UnlikeSetting(LABEL_SOURCE, model.label_source or None, _source(reading, has_churn_table)),
        *_active_within(model, reading),
        *_table(model, reading),
    ]
    return [one for one in found if one.learnt is not None and one.learnt != one.asked]


def _source(reading: FeedbackExampleGenConfig, has_churn_table: bool) -> str:
    if reading.label_source != AUTO:
        return reading.label_source
    return ACCOUNT_CHURN if has_churn_table else INACTIVITY


def _active_within(
    model: ModelProperties, reading: FeedbackExampleGenConfig
) -> Iterator[UnlikeSetting]:
    """What `auto` would propose now only a training run finds, and one that found it has it.

    So `auto` is another setting only where the model learnt with a number, or with none.
    """
    learnt = OFF if model.active_within_days is None else model.active_within_days
    if reading.active_within_days != AUTO:
        yield UnlikeSetting(ACTIVE_WITHIN_DAYS, learnt, reading.active_within_days)
    elif (model.settings or {}).get(ACTIVE_WITHIN_DAYS, AUTO) != AUTO:
        yield UnlikeSetting(ACTIVE_WITHIN_DAYS, learnt, AUTO)


def _table(model: ModelProperties, reading: FeedbackExampleGenConfig) -> Iterator[UnlikeSetting]:
    if model.label_source != ACCOUNT_CHURN:
        return
    for name in _OF_THE_TABLE:
        yield UnlikeSetting(name, (model.settings or {}).get(name), getattr(reading, name))
