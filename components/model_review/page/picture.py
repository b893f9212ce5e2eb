"""From an Altair chart to an inline SVG that stands by itself."""

from typing import Any, Final
from xml.etree import ElementTree

import altair
import vl_convert
from markupsafe import Markup

from components.model_review.page import theme
from components.model_review.page.characters import visible

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


def picture(chart: Any, label: str, height: int) -> Markup:
    """Draws a chart.

    Args:
        chart: Of Altair, without size and configuration.
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
