"""How models look in all pictures: one colour and one kind of line each."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import altair as alt

from components.model_gate.overall_checks import CHALLENGER, CHAMPION
from components.model_review.page import theme
from serving_model.baselines import CONSTANT, LOGISTIC_REGRESSION, RECENCY


class Look(NamedTuple):
    """How a model is called and drawn; dashes are lengths in px, none for a whole line."""

    words: str
    tone: theme.Tone
    dash: tuple[int, ...] = ()
    width: float = 1.5


_LOOKS: Final = {
    CHALLENGER: Look("challenger", theme.CHALLENGER, width=2.5),
    CHAMPION: Look("champion", theme.CHAMPION, (7, 3), 2),
    LOGISTIC_REGRESSION: Look("logistic regression", theme.RIVAL, (4, 2)),
    RECENCY: Look("days since last message", theme.RIVAL, (2, 2)),
    CONSTANT: Look("same for everybody", theme.RIVAL, (1, 3)),
}


def look(model: str) -> Look:
    """Returns how a model looks; one that is not known, like a rival."""
    return _LOOKS.get(model, Look(model, theme.RIVAL))


def named(model: str) -> str:
    """Returns what a model is called for people."""
    return look(model).words


def colour(models: Iterable[str], legend: bool = True) -> Any:
    """Returns the channel of colours, for the field `model` that holds `named` words."""
    return alt.Color("model:N", scale=_scale(models, "tone"), legend=_legend(legend))


def dash(models: Iterable[str]) -> Any:
    """Returns the channel of dashes, likewise."""
    return alt.StrokeDash("model:N", scale=_scale(models, "dash"), legend=_legend(True))


def _legend(wanted: bool) -> Any:
    return alt.Legend() if wanted else None


def _scale(models: Iterable[str], what: str) -> Any:
    looks = [look(model) for model in models]
    found: Sequence[Any] = (
        [one.tone.day for one in looks]
        if what == "tone"
        else [list(one.dash) or [1, 0] for one in looks]
    )
    return alt.Scale(domain=[one.words for one in looks], range=list(found))
