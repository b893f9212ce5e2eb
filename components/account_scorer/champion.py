"""Is there a champion, and was it made for examples like these?"""

from collections.abc import Sequence
from typing import Final, Protocol

from tfx import types

from components.errors import NothingToPublish
from components.feedback_example_gen.config import BACK, FINAL
from components.feedback_example_gen.cutoffs import TRAIN
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import BlessingProperties, ModelProperties

MUST_AGREE: Final = (
    "lookback_days",
    "horizon_days",
    "max_events",
    "duplicate_events",
    "label_source",
)
"""Properties that the Examples and the model must have in common."""


_SHOWN: Final = (
    "`tens-insight models list` shows all models, and `tens-insight models show VERSION` which "
    "checks a refused one failed and what would change that. With TENS_INSIGHT_COLD_START=rules a "
    "rule that learns nothing scores until a model is blessed: docs/cold-start.md."
)


def require_champion(models: Sequence[types.Artifact], data: ExamplesProperties) -> types.Artifact:
    """Returns the one model that the resolver found.

    Args:
        models: What it found.
        data: What is to be scored; a run that trains has training examples too.

    Raises:
        NothingToPublish: It found none: none was ever blessed or accepted, or all were withdrawn.
    """
    if models:
        return models[0]
    if TRAIN in data.splits:
        raise NothingToPublish(
            "There is no champion: the gate did not bless this run's challenger, and no model "
            "before it may score. account_risk_scores is as it was. " + _SHOWN
        )
    raise NothingToPublish(
        "There is no champion: no model was ever blessed or accepted, or all that were are "
        "withdrawn, so there is nothing to score with and account_risk_scores is as it was. "
        + _SHOWN
    )


def judged_horizons(blessings: Sequence[types.Artifact]) -> tuple[int, ...] | None:
    """Returns the horizons in days that the gate judged of the champion; None if it says none.

    Args:
        blessings: The champion's, or nothing.
    """
    return horizons_of(BlessingProperties.read(blessings[0])) if blessings else None


def horizons_of(blessing: BlessingProperties) -> tuple[int, ...] | None:
    """Returns the horizons in days that a decision says were judged; None if it says none."""
    said = blessing.horizons_judged
    return tuple(map(int, said.split(","))) if said else None


def require_fit(model: ModelProperties, data: ExamplesProperties) -> None:
    """Checks that the champion learnt from examples cut like those to be scored.

    Args:
        model: What its card says.
        data: What is to be scored.

    Raises:
        NothingToPublish: Lookback, horizon, length of the lists, treatment of duplicates
            or label source differ.
    """
    if differing := differing_cut(model, data):
        way_out = (
            f"this run's challenger has the new ones, and the gate did not bless it. {_SHOWN}"
            if TRAIN in data.splits
            else "or let `tens-insight run train` train a model with the new ones: once one is "
            "blessed, it scores."
        )
        raise NothingToPublish(
            f"The champion {model.model_version} does not fit the present settings: "
            f"{differing}. Restore them; {way_out}"
        )


def population_note(model: ModelProperties, data: ExamplesProperties) -> str | None:
    """Says that a model learnt from another population than it scores; None if it did not.

    Another population makes no score wrong at once, and a new setting takes effect on who is scored
    before there is a model that learnt with it.

    Args:
        model: What its card says.
        data: What is scored.
    """
    learnt = _population(model.active_within_days, model.rows_after_churn or BACK)
    scored = _population(data.active_within_days, data.rows_after_churn)
    if learnt == scored:
        return None
    how = "" if TRAIN in data.splits else " (`tens-insight run train`)"
    return (
        f"The model {model.model_version} learnt from {learnt}, and the settings ask for {scored}: "
        "probabilities and base rate are those of the former until a model is blessed that learnt "
        f"with them{how}."
    )


def _population(active_within_days: int | None, rows_after_churn: str) -> str:
    said = (
        "all accounts, however silent"
        if active_within_days is None
        else f"accounts with feedback in {active_within_days} days"
    )
    return f"{said}, with a churn date that is final" if rows_after_churn == FINAL else said


class Cut(Protocol):
    """How examples are cut, as MUST_AGREE has it."""

    @property
    def lookback_days(self) -> int | None: ...  # noqa: D102
    @property
    def horizon_days(self) -> int | None: ...  # noqa: D102
    @property
    def max_events(self) -> int | None: ...  # noqa: D102
    @property
    def duplicate_events(self) -> str | None: ...  # noqa: D102
    @property
    def label_source(self) -> str: ...  # noqa: D102


def differing_cut(model: ModelProperties, data: Cut) -> str:
    """Returns how the examples that a model learnt from were cut otherwise; empty if they were not.

    Args:
        model: What its card says.
        data: What is to be scored.
    """
    return ", ".join(
        f"{name} was {getattr(model, name)} and is {getattr(data, name)}"
        for name in MUST_AGREE
        if getattr(model, name) != getattr(data, name)
    )
