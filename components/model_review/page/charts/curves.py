"""Lines of models over shares of accounts: ROC, precision-recall, gains."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
from markupsafe import Markup

from components.model_review.page import theme
from components.model_review.page.charts.models import colour, dash, named
from components.model_review.page.picture import picture
from components.model_review.quality_sections import Curve

_HEIGHT: Final = 340
_PERCENT: Final = "%"
_DIGITS: Final = 4


def curves(
    found: Sequence[Curve],
    *,
    x: str,
    y: str,
    label: str,
    chance: tuple[tuple[float, float], tuple[float, float]],
    level: float | None = None,
) -> Markup:
    """Draws lines and the line of pure chance.

    Args:
        found: The lines, the most important first.
        x: Title of the axis.
        y: Likewise.
        label: What is to be seen.
        chance: The two ends of the line of chance.
        level: Of a horizontal line to be crossed; none if None.
    """
    layers = [_chance(chance), _lines(found, x, y)]
    if level is not None:
        layers.insert(0, _level(level))
    return picture(alt.layer(*layers), label, _HEIGHT)


def _lines(found: Sequence[Curve], x: str, y: str) -> Any:
    models = [one.model for one in found]
    rows = [
        {"model": named(one.model), "x": round(a, _DIGITS), "y": round(b, _DIGITS), "place": place}
        for one in reversed(found)
        for place, (a, b) in enumerate(zip(one.x, one.y, strict=True))
    ]
    axis = alt.Axis(format=_PERCENT, tickCount=5)
    scale = alt.Scale(domain=[0, 1], nice=False)
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("x:Q", title=x, axis=axis, scale=scale),
            y=alt.Y("y:Q", title=y, axis=axis, scale=scale),
            order="place:Q",
            color=colour(models),
            strokeDash=dash(models),
        )
    )


def _chance(ends: tuple[tuple[float, float], tuple[float, float]]) -> Any:
    rows = [{"x": x, "y": y} for x, y in ends]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_line(color=theme.LINE.day, strokeWidth=2)
        .encode(x="x:Q", y="y:Q")
    )


def _level(level: float) -> Any:
    return (
        alt.Chart(alt.Data(values=[{"y": level}]))
        .mark_rule(color=theme.MUTED.day, strokeDash=[2, 4])
        .encode(y="y:Q")
    )
