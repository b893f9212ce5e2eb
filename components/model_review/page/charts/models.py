"""How models look in all pictures: one colour and one kind of line each."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import altair as alt

from components.model_gate.decision_file import CHALLENGER, CHAMPION
from components.page import theme
from components.page.blocks import Key
from serving_model.evaluation.ranking import (
    COLD_START_RULE,
    CONSTANT,
    LOGISTIC_REGRESSION,
    RECENCY,
)


class Look(NamedTuple):
    """How a model is called and drawn.

    Attributes:
        words: For people.
        tone: Colour of its line.
        style: The class of the style sheet that draws the same line in the key.
        dash: Lengths of dashes and gaps, px.
        width: Width of the line, px.
    """

    words: str
    tone: theme.Tone
    style: str = "other"
    dash: tuple[int, ...] = (1, 0)
    width: float = 1.5


_LOOKS: Final = {
    CHALLENGER: Look("challenger", theme.CHALLENGER, "challenger", width=2.5),
    CHAMPION: Look("champion", theme.CHAMPION, "champion", (8, 4), 2.5),
    LOGISTIC_REGRESSION: Look("logistic regression", theme.BASELINE, "solid"),
    RECENCY: Look("days since last message", theme.BASELINE, "dashed", (5, 3)),
    COLD_START_RULE: Look("cold-start rule", theme.BASELINE, "coarse", (3, 5), 3.0),
    CONSTANT: Look("the same for everybody", theme.BASELINE, "dotted", (1, 3)),
}


def look(model: str) -> Look:
    """Returns how a model looks; one that is not known, like a baseline."""
    return _LOOKS.get(model, Look(model, theme.BASELINE))


def named(model: str) -> str:
    """Returns what a model is called for people."""
    return look(model).words


def key(models: Iterable[str]) -> tuple[Key, ...]:
    """Returns what stands below a picture of these models."""
    return tuple(Key(one.words, one.style) for one in map(look, models))


def lines(models: Iterable[str]) -> dict[str, Any]:
    """Returns the channels of the field `model`, which holds names: colour, dashes, width.

    Args:
        models: Their names.
    """
    names = list(models)
    looks = [look(name) for name in names]

    def channel(kind: Any, values: list[Any]) -> Any:
        return kind("model:N", scale=alt.Scale(domain=names, range=values), legend=None)

    return {
        "color": channel(alt.Color, [one.tone.day for one in looks]),
        "strokeDash": channel(alt.StrokeDash, [list(one.dash) for one in looks]),
        "strokeWidth": channel(alt.StrokeWidth, [one.width for one in looks]),
    }
