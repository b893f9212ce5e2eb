"""Bars that are made of parts, one below the other."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import altair as alt
from markupsafe import Markup

from components.page import theme
from components.page.picture import KEPT, names_axis, picture, short_name

TONES: Final = (
    ("challenger", theme.CHALLENGER),
    ("bad", theme.BAD),
    ("champion", theme.CHAMPION),
    ("warn", theme.WARN),
    ("good", theme.GOOD),
    ("baseline", theme.BASELINE),
)
"""Of the parts, from the left: class in the key, and colour."""
_ROW: Final = 26
_AROUND: Final = 56


class Stack(NamedTuple):
    """A bar: what it is called, and its parts from the left, each 0 or more."""

    name: str
    parts: Sequence[float]


def stacked(
    bars: Sequence[Stack], *, x: str, label: str, most: float, number_format: str = "~s"
) -> Markup:
    """Draws bars whose parts have the colours of TONES.

    Args:
        bars: From top to bottom; of several with one name each keeps its place.
        x: Title of the axis.
        label: What is to be seen.
        most: End of the axis.
        number_format: Format of the axis, in d3-format's notation.
    """
    plain = tuple(Stack(one.name, tuple(one.parts)) for one in bars)
    return _picture(plain, x, label, most, number_format)


@lru_cache(maxsize=KEPT)
def _picture(
    bars: tuple[Stack, ...], x: str, label: str, most: float, number_format: str
) -> Markup:
    names = _apart([short_name(one.name) for one in bars])
    rows: list[dict[str, Any]] = [
        {"name": name, "part": place, "begin": sum(one.parts[:place]), "end": sum(one.parts[:end])}
        for name, one in zip(names, bars, strict=True)
        for place, end in zip(range(len(one.parts)), range(1, len(one.parts) + 1), strict=True)
        if one.parts[place]
    ]
    for row in rows:
        row["tone"] = TONES[row["part"]][1].day
    axis = alt.Axis(format=number_format, tickCount=4)
    scale = alt.Scale(domain=[0, most])
    chart: Any = alt.Chart(alt.Data(values=rows)).mark_bar(
        height=14, stroke=theme.GROUND.day, strokeWidth=1
    )
    chart = chart.encode(
        y=alt.Y("name:N", title=None, sort=None, axis=names_axis(names), scale=_in_order(names)),
        x=alt.X("begin:Q", title=x, axis=axis, scale=scale),
        x2=alt.X2("end:Q"),
        color=alt.Color("tone:N", scale=None, legend=None),
    )
    return picture(chart, label, _AROUND + _ROW * len(bars))


def _in_order(names: Sequence[str]) -> alt.Scale:
    """Keeps the place of a bar without any part."""
    return alt.Scale(domain=list(names))


def _apart(names: Sequence[str]) -> list[str]:
    """Tells names apart that were cut to the same: a blank more, which nobody sees."""
    found: list[str] = []
    for name in names:
        while name in found:
            name += "\N{NO-BREAK SPACE}"
        found.append(name)
    return found
