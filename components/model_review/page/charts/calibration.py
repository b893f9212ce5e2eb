"""Predicted beside observed, tenth by tenth."""

from typing import Any, Final

import altair as alt
from markupsafe import Markup

from components.model_review.page import theme
from components.model_review.page.picture import picture
from components.model_review.quality_sections import Decile

_HEIGHT: Final = 340


def calibration(deciles: tuple[Decile, ...], label: str) -> Markup:
    """Draws a point with its interval for each tenth, and the line on which all should lie.

    Args:
        deciles: The lowest first.
        label: What is to be seen.
    """
    rows = [
        {"x": one.predicted, "y": one.observed, "low": one.interval[0], "high": one.interval[1]}
        for one in deciles
    ]
    most = max(max(row["x"], row["high"]) for row in rows)
    axis, scale = alt.Axis(format="%", tickCount=5), alt.Scale(domain=[0, most], nice=True)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:Q", title="predicted, mean of the tenth", axis=axis, scale=scale),
        color=alt.value(theme.CHALLENGER.day),
    )
    y = {"title": "observed: share that left", "axis": axis, "scale": scale}
    whole: Any = (
        alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": most, "y": most}]))
        .mark_line(color=theme.MUTED.day, strokeDash=[2, 4], strokeWidth=1.5)
        .encode(x="x:Q", y="y:Q")
    )
    ends = base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    points = base.mark_point(filled=True, size=64, opacity=1).encode(y=alt.Y("y:Q", **y))
    return picture(alt.layer(whole, ends, points), label, _HEIGHT)
