"""Which hyperparameters a model is trained with: those of the tuner, or of the settings."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from components.registry.model_properties import HyperParametersProperties, ModelProperties
from serving_model.learning.hyperparameters import HYPERPARAMETERS, misfit

SOURCE: Final = "hyperparameters"
TUNED: Final = "tuned"
"""Of the setting `hyperparameters`: take those of the newest tuner run."""
SET_EXPLICITLY: Final = "set_explicitly"
_TASK: Final = ("label_source", "horizon_days")


class Chosen(NamedTuple):
    """The hyperparameters of a model.

    Attributes:
        values: By the names of custom_config; the tuner's alone.
        origin: Where they come from, in a sentence without a full stop.
        tuner_run: Name of the tuner run; empty if its values are not used.
    """

    values: dict[str, Any]
    origin: str
    tuner_run: str


def choose(
    config: Mapping[str, Any], model: ModelProperties, tuned: HyperParametersProperties | None
) -> Chosen:
    """Decides between tuner and settings, hyperparameter by hyperparameter.

    What a user set explicitly wins over the tuner. Values that do not fit the table of
    hyperparameters any more are not used at all: they were measured together.

    Args:
        config: The trainer's custom_config.
        model: What is to be trained.
        tuned: What the newest tuner run found; None if there is none.
    """
    if config.get(SOURCE, TUNED) != TUNED:
        return Chosen({}, f"settings ({SOURCE} is {config[SOURCE]})", "")
    if tuned is None:
        return Chosen({}, "settings (no tuner run to take them from)", "")
    values, run = tuned.values, tuned.tuner_run
    if why := misfit(values):
        return Chosen({}, f"settings (those of tuner run {run} do not fit: {why})", "")
    explicit = [name for name in HYPERPARAMETERS if name in config.get(SET_EXPLICITLY, ())]
    taken = {name: value for name, value in values.items() if name not in explicit}
    if not taken:
        return Chosen({}, f"settings (all set explicitly, over tuner run {run})", "")
    told = f"log-loss {tuned.log_loss:.4f} on its folds, {tuned.settings_log_loss:.4f} before"
    besides = f"; set explicitly: {', '.join(explicit)}" if explicit else ""
    return Chosen(taken, f"tuner run {run} ({told}){_other_task(model, tuned)}{besides}", run)


def _other_task(model: ModelProperties, tuned: HyperParametersProperties) -> str:
    """Says where the tuner looked at another label than is learnt now."""
    other = [
        f"{name} {getattr(tuned, name)}"
        for name in _TASK
        if getattr(tuned, name) != getattr(model, name)
    ]
    return f"; found for another label: {', '.join(other)}" if other else ""
