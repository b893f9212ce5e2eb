"""A course of numbers as one line of text."""

from collections.abc import Sequence
from typing import Final

_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None]) -> str:
    """Draws numbers as blocks, the smallest lowest; all in the middle where they are equal.

    Args:
        values: In order; None leaves a blank.
    """
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    low, high = min(known), max(known)
    if low == high:
        return "".join(" " if value is None else _BLOCKS[3] for value in values)
    scale = (len(_BLOCKS) - 1) / (high - low)
    return "".join(
        " " if value is None else _BLOCKS[round((value - low) * scale)] for value in values
    )
