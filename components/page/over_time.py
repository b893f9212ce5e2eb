"""Values over time: lines, the range that is usual, and moments at which something began."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import altair as alt
from markupsafe import Markup

from components.page import theme
from components.page.picture import KEPT, picture, short_name

_HEIGHT: Final = 210
_TICKS: Final = 4


class At(NamedTuple):
    """A value at a moment, UTC, and the range around it; low and high are None without one."""

    moment: datetime
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """One line of a picture.

    Attributes:
        points: By moment, rising; a value that is None leaves a gap.
        tone: Its colour.
        dash: Lengths of dashes and gaps, px.
        dots: Whether each value is marked, for lines of few of them.
    """

    points: Sequence[At]
    tone: theme.Tone = theme.CHALLENGER
    dash: tuple[int, ...] = (1, 0)
    dots: bool = False


class Begin(NamedTuple):
    """A moment at which something began, and what."""

    moment: datetime
    what: str


def over_time(
    lines: Sequence[Line],
    *,
    y: str,
    label: str,
    begins: Iterable[Begin] = (),
    number_format: str = ".2~f",
) -> Markup:
    """Draws lines over time, each above its range.

    Args:
        lines: From the back to the front.
        y: Title of the axis.
        label: What is to be seen.
        begins: Moments to mark.
        number_format: Format of the y axis, in d3-format's notation.
    """
    plain = tuple(replace(line, points=tuple(line.points)) for line in lines)
    return _picture(plain, y, label, tuple(sorted(begins)), number_format)


@lru_cache(maxsize=KEPT)
def _picture(
    lines: tuple[Line, ...], y: str, label: str, begins: tuple[Begin, ...], number_format: str
) -> Markup:
    axis = alt.Axis(format=number_format, tickCount=_TICKS)
    scale = alt.Y("value:Q", title=y, axis=axis, scale=alt.Scale(zero=False))
    layers: list[Any] = []
    for line in lines:
        layers += _ranged(line, scale)
    for line in lines:
        layers += _drawn(line, scale)
    layers += _marked(begins)
    return picture(alt.layer(*layers), label, _HEIGHT)


def _ranged(line: Line, scale: Any) -> list[Any]:
    rows = [
        {"moment": _text(one.moment), "value": one.low, "high": one.high}
        for one in line.points
        if one.low is not None and one.high is not None
    ]
    if not rows:
        return []
    area = alt.Chart(alt.Data(values=rows)).mark_area(color=line.tone.day, fillOpacity=0.16)
    return [area.encode(x=_moment(), y=scale, y2=alt.Y2("high:Q"))]


def _drawn(line: Line, scale: Any) -> list[Any]:
    rows = [{"moment": _text(one.moment), "value": one.value} for one in line.points]
    base = alt.Chart(alt.Data(values=rows)).encode(x=_moment(), y=scale)
    drawn: list[Any] = [
        base.mark_line(
            color=line.tone.day,
            strokeWidth=2,
            strokeDash=list(line.dash),
            invalid="break-paths-show-domains",
        )
    ]
    if line.dots:
        drawn.append(base.mark_point(filled=True, size=34, opacity=1, color=line.tone.day))
    return drawn


def _marked(begins: Sequence[Begin]) -> list[Any]:
    """Draws a line at each moment; words beside it say the same only once."""
    if not begins:
        return []
    rows = [{"moment": _text(one.moment), "what": short_name(one.what)} for one in begins]
    named = [
        row
        for row, before in zip(rows, [None, *rows], strict=False)
        if before is None or row["what"] != before["what"]
    ]
    rule, words = (alt.Chart(alt.Data(values=found)).encode(x=_moment()) for found in (rows, named))
    text = words.mark_text(align="left", dx=4, dy=4, fill=theme.BAD.day, fontSize=13)
    return [
        rule.mark_rule(color=theme.BAD.day, strokeDash=[3, 3]),
        text.encode(text="what:N", y=alt.value(0)),
    ]


def _moment() -> Any:
    axis = alt.Axis(tickCount=_TICKS, grid=False, labelOverlap=True)
    return alt.X("moment:T", title=None, axis=axis, scale=alt.Scale(type="utc"))


def _text(moment: datetime) -> str:
    return moment.isoformat()
