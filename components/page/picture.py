"""From an Altair chart to an inline SVG that stands by itself; axes of names."""

import re
from collections.abc import Sequence
from typing import Any, Final
from xml.etree import ElementTree

import altair
import altair as alt
import vl_convert
from markupsafe import Markup

from components.page import theme
from components.page.words import visible

WIDTH: Final = 400
"""Of every picture, px. Small enough for a phone, where it shrinks a little."""
_SVG: Final = "http://www.w3.org/2000/svg"
_OF_SVG: Final = f"{{{_SVG}}}"
_NOISE: Final = frozenset(
    ("class", "role", "pointer-events", "aria-hidden", "aria-label", "aria-roledescription")
)
_NO_PATHS: Final = frozenset((None, "", "M0,0h0v0h0Z"))
_NEEDLESS: Final = frozenset((("opacity", "1"), ("stroke-width", "1"), ("font-weight", "normal")))
_VEGA_LITE: Final = altair.SCHEMA_VERSION.lstrip("v").rpartition(".")[0]
KEPT: Final = 128
"""Pictures of a kind that are kept: one takes 0.1 s, and pages ask for the same ones often."""
_MOST: Final = 30
"""Characters."""
_WIDE: Final = 7.4
"""Of a character in a wide font of 13 px, px."""
# Vega cuts what is too wide between UTF-16 units, and measuring half a character ends it.
_BEYOND_16_BITS: Final = re.compile("[\U00010000-\U0010ffff]")


def picture(chart: Any, label: str, height: int) -> Markup:
    """Draws a chart.

    Args:
        chart: An Altair chart without size and configuration.
        label: What is to be seen, for those who do not see it.
        height: px.
    """
    # Altair has looked at each part as it was made; at the whole it would look row by row.
    spec = chart.properties(width=WIDTH, height=height).to_dict(validate=False)
    drawn = vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE, config=theme.config())
    root = ElementTree.fromstring(drawn)  # noqa: S314 -- drawn here, from JSON
    _tidy(root)
    root.attrib |= {"xmlns": _SVG, "role": "img", "aria-label": visible(label)}
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _tidy(element: ElementTree.Element) -> None:
    """Drops what screen readers would stumble over, and what draws nothing."""
    element.tag = element.tag.removeprefix(_OF_SVG)
    for name, value in list(element.attrib.items()):
        if name in _NOISE or (name, value) in _NEEDLESS:
            del element.attrib[name]
    if element.tag == "text" and "stroke" in element.attrib:
        # An outline sets a label off from the lines below; it must not cover the label.
        element.set("paint-order", "stroke")
    for child in list(element):
        _tidy(child)
        if _draws_nothing(child):
            element.remove(child)


def _draws_nothing(element: ElementTree.Element) -> bool:
    if element.get("opacity") == "0":
        return True
    if element.tag == "g":
        return not len(element)
    return element.tag == "path" and element.get("d") in _NO_PATHS


def short_name(name: str) -> str:
    """Returns a name that fits; a longer one ends in an ellipsis.

    Emoji and other characters beyond the basic plane are marks of their own: the table beside
    the picture has the whole name.
    """
    plain = _BEYOND_16_BITS.sub("\N{REPLACEMENT CHARACTER}", visible(name))
    whole = " ".join(plain.split())
    return whole if len(whole) <= _MOST else whole[: _MOST - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def names_axis(names: Sequence[str]) -> Any:
    """Returns an axis with room for these names.

    Args:
        names: As `short_name` returns them.
    """
    room = round(_WIDE * max(map(len, names), default=0)) + 6
    # Thirty letters W, or of a script with wider ones, would leave no room for the picture.
    most = round(_WIDE * _MOST)
    return alt.Axis(labelLimit=most, minExtent=room, grid=False, labelColor=theme.INK.day)
