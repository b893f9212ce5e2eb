"""Lists, sentences, and text without control characters."""

import re
from collections.abc import Sequence
from typing import Final

_CONTROLS: Final = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)
"""All but those that XML 1.0 allows, less the C1 controls; and what turns the direction of writing,
which would turn the rest of a sentence of ours too. Letters of Hebrew and Arabic need none."""


def listed(names: Sequence[str], most: int = 4) -> str:
    """Returns such as `a, b and c`, or `a, b and 3 more`."""
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def sentence(text: str) -> str:
    """Returns text with a capital letter and a full stop."""
    stripped = text.strip(" \n")
    if not stripped:
        return ""
    end = "" if stripped[-1] in ".!?" else "."
    return stripped[0].upper() + stripped[1:] + end


def visible(text: str) -> str:
    """Returns text whose control characters, which no HTML may hold, are marks of their own."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
