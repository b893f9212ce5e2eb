"""Names beside bars and points: cut to a length, with room for a wide font.

The reader's font is not the one that the picture is laid out with, and may be wider.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import altair as alt

from components.model_review.page import theme
from components.model_review.page.characters import visible

_MOST: Final = 30
"""Characters."""
_WIDE: Final = 7.4
"""Of a character in a wide font of 13 px, px."""
# Vega cuts what is too wide between UTF-16 units, and measuring half a character ends it.
_BEYOND_16_BITS: Final = re.compile("[\U00010000-\U0010ffff]")


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
