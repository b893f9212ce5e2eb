"""Characters that neither HTML nor SVG may hold."""

import re
from typing import Final

_CONTROLS: Final = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""All but those that XML 1.0 allows, less the C1 controls."""


def visible(text: str) -> str:
    """Returns text whose control characters, which no HTML may hold, are marks of their own."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
