"""From an Altair chart to an inline SVG that stands by itself."""

import re
from typing import Any, Final
from xml.etree import ElementTree

import altair
import vl_convert
from markupsafe import Markup

from components.model_review.page import theme

WIDTH: Final = 400
"""Of every picture, px. Small enough for a phone, where it shrinks a little."""
_SVG: Final = "http://www.w3.org/2000/svg"
_NOISE: Final = frozenset(
    ("class", "role", "pointer-events", "aria-hidden", "aria-label", "aria-roledescription")
)
_DRAWS_NOTHING: Final = frozenset((None, "", "M0,0h0v0h0Z"))
_NEEDLESS: Final = frozenset((("opacity", "1"), ("stroke-width", "1"), ("font-weight", "normal")))
_VEGA_LITE: Final = altair.SCHEMA_VERSION.lstrip("v").rpartition(".")[0]
ElementTree.register_namespace("", _SVG)


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
    root.attrib |= {"role": "img", "aria-label": visible(label)}
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def visible(text: str) -> str:
    """Returns text whose control characters, which no HTML may hold, are marks of their own."""
    return re.sub(
        r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text
    )


def _tidy(element: ElementTree.Element) -> None:
    """Drops what screen readers would stumble over, and what draws nothing."""
    for name, value in list(element.attrib.items()):
        if name in _NOISE or (name, value) in _NEEDLESS:
            del element.attrib[name]
    for child in list(element):
        _tidy(child)
        empty_path = child.tag == f"{{{_SVG}}}path" and child.get("d") in _DRAWS_NOTHING
        if empty_path or (child.tag == f"{{{_SVG}}}g" and not len(child)):
            element.remove(child)
