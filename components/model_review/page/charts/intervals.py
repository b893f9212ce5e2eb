"""Numbers with their intervals, one below the other."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import altair as alt
from markupsafe import Markup

from components.model_review.sections.estimates import Estimate
from components.page import theme
from components.page.picture import names_axis, picture, short_name

_ROW: Final = 26
_AROUND: Final = 56


class Measured(NamedTuple):
    """A row: what it is called, the number, and its colour."""

    name: str
    estimate: Estimate
    tone: theme.Tone = theme.CHALLENGER


def intervals(
    found: Sequence[Measured],
    *,
    x: str,
    label: str,
    level: float | None = None,
    bars: bool = False,
    number_format: str = ".2f",
) -> Markup:
    """Draws a point, or a bar, and a line from end to end of the interval.

    Args:
        found: From top to bottom; of several with one name the last is drawn, and none whose
            value is no number.
        x: Title of the axis.
        label: What is to be seen.
        level: Position of a vertical line to compare with; None for no line.
        bars: Whether to draw bars from zero.
        number_format: Format of the axis, in d3-format's notation.
    """
    rows = list(
        {row["name"]: row for row in map(_row, found) if math.isfinite(row["value"])}.values()
    )
    scale, axis = alt.Scale(zero=bars), alt.Axis(format=number_format, tickCount=2 if bars else 3)
    names = names_axis([row["name"] for row in rows])
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("name:N", title=None, sort=None, axis=names),
        color=alt.Color("tone:N", scale=None, legend=None),
    )
    value = alt.X("value:Q", title=x, scale=scale, axis=axis)
    ends = base.mark_rule(strokeWidth=1.5).encode(alt.X("low:Q"), alt.X2("high:Q"))
    point = base.mark_point(filled=True, size=64, opacity=1).encode(value)
    layers: list[Any] = [ends, point]
    if bars:
        ink = alt.value(theme.INK.day)
        layers = [base.mark_bar(height=12).encode(value), ends.encode(color=ink)]
    if level is not None:
        layers.insert(0, _level(level))
    return picture(alt.layer(*layers), label, _AROUND + _ROW * len(rows))


def _level(level: float) -> Any:
    line = alt.Chart(alt.Data(values=[{"level": level}]))
    return line.mark_rule(color=theme.MUTED.day, strokeDash=[2, 4]).encode(alt.X("level:Q"))


def _row(one: Measured) -> dict[str, Any]:
    value = one.estimate.value
    low, high = one.estimate.interval or (value, value)
    if not (math.isfinite(low) and math.isfinite(high)):
        low = high = value
    return {
        "name": short_name(one.name),
        "value": value,
        "low": low,
        "high": high,
        "tone": one.tone.day,
    }
