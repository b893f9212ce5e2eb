"""Lines of models over shares of accounts: ROC, precision-recall, gains."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import altair as alt
import pyarrow as pa
from markupsafe import Markup

from components.model_review.page.charts.models import lines
from components.model_review.sections.estimates import Curve
from components.page import theme
from components.page.picture import picture

_HEIGHT: Final = 330
_DIGITS: Final = 4
_POINTS: Final = pa.schema(
    {"model": pa.string(), "x": pa.float64(), "y": pa.float64(), "place": pa.int64()}
)
Point = tuple[float, float]


class Mark(NamedTuple):
    """A point that a sentence beside the picture speaks of, and its label below or above."""

    x: float
    y: float
    text: str
    below: bool = True


def curves(
    found: Sequence[Curve],
    *,
    x: str,
    y: str,
    label: str,
    chance: tuple[Point, Point],
    mark: Mark,
) -> Markup:
    """Draws lines, the line of pure chance, and a point of the first line.

    Args:
        found: The lines, the most important first.
        x: Title of the axis.
        y: Title of the y axis.
        label: What is to be seen.
        chance: The two ends of the line of chance.
        mark: The point.
    """
    layers = [_chance(chance), _lines(found, x, y), *_marked(mark)]
    return picture(alt.layer(*layers), label, _HEIGHT)


def _lines(found: Sequence[Curve], x: str, y: str) -> Any:
    rows = [
        {"model": one.model, "x": round(a, _DIGITS), "y": round(b, _DIGITS), "place": place}
        for one in reversed(found)
        for place, (a, b) in enumerate(zip(one.x, one.y, strict=True))
    ]
    # Altair would compare hundreds of rows with its schema; of a table it looks at none.
    points = pa.Table.from_pylist(rows, schema=_POINTS)
    axis = alt.Axis(format="%", tickCount=5)
    scale = alt.Scale(domain=[0, 1], nice=False)
    return (
        alt.Chart(points)
        .mark_line()
        .encode(
            x=alt.X("x:Q", title=x, axis=axis, scale=scale),
            y=alt.Y("y:Q", title=y, axis=axis, scale=scale),
            order="place:Q",
            **lines(one.model for one in found),
        )
    )


def _chance(ends: tuple[Point, Point]) -> Any:
    drawn = alt.Chart(alt.Data(values=[{"x": x, "y": y} for x, y in ends]))
    return drawn.mark_line(color=theme.LINE.day, strokeWidth=2).encode(x="x:Q", y="y:Q")


def _marked(mark: Mark) -> tuple[Any, Any]:
    """Draws the point and its label, which an outline sets off from the lines."""
    base = alt.Chart(alt.Data(values=[mark._asdict()])).encode(x="x:Q", y="y:Q")
    label = base.mark_text(
        align="left",
        dx=8,
        dy=11 if mark.below else -11,
        fontWeight="bold",
        fill=theme.CHALLENGER.day,
        stroke=theme.GROUND.day,
        strokeWidth=4,
        strokeJoin="round",
    )
    point = base.mark_point(filled=True, size=70, opacity=1, color=theme.CHALLENGER.day)
    return label.encode(text="text:N"), point
