"""Figures with intervals, lines for drawing, and why a section cannot be made."""

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np

from transforms.arrays import Floats

WITHIN: Final = 0.001
"""Of the side of the picture: less than can be seen."""
MOST_POINTS: Final = 200


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % bootstrap interval over accounts, if one was made."""

    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Curve:
    """A line of a model, thinned for drawing.

    Attributes:
        model: Whose.
        x: Of its points, [0, 1], never falling.
        y: Of its points, [0, 1].
        within: What was left out lies no further than this from the line: .001, or more
            where the line has too many corners to be drawn so closely.
    """

    model: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    within: float = 0.001


class SectionMissing(Exception):
    """What a section needs is not there; the message says what, for people."""


def thinned(model: str, x: Floats, y: Floats) -> Curve:
    """Keeps the corners without which the line would lie furthest off.

    Ramer 1972 and Douglas and Peucker 1973: a corner is kept if it is the one furthest from
    the line between those kept beside it. The furthest of all comes first, until none is
    further than WITHIN from the line, or MOST_POINTS are kept.

    Args:
        model: Whose line it is.
        x: Of the corners, [n], n at least 1; a line through them in this order.
        y: Likewise.

    Returns:
        The first corner, the last one, and those between that are kept.
    """
    kept = {0, len(x) - 1}
    heap = [_furthest(x, y, 0, len(x) - 1)]
    while -heap[0][0] > WITHIN and len(kept) < MOST_POINTS:
        _, start, corner, end = heapq.heappop(heap)
        kept.add(corner)
        heapq.heappush(heap, _furthest(x, y, start, corner))
        heapq.heappush(heap, _furthest(x, y, corner, end))
    rows = sorted(kept)
    return Curve(model, tuple(x[rows].tolist()), tuple(y[rows].tolist()), max(WITHIN, -heap[0][0]))


def _furthest(x: Floats, y: Floats, start: int, end: int) -> tuple[float, int, int, int]:
    """The corner between two that lies furthest from the line between them.

    Returns:
        Minus its distance, `start`, its place, `end`.
    """
    if end - start < 2:
        return 0.0, start, start, end
    across, up = x[end] - x[start], y[end] - y[start]
    aside, above = x[start + 1 : end] - x[start], y[start + 1 : end] - y[start]
    length = across * across + up * up
    along = np.clip((aside * across + above * up) / length, 0, 1) if length else np.zeros(1)
    distances = np.hypot(aside - along * across, above - along * up)
    corner = int(np.argmax(distances))
    return -float(distances[corner]), start, start + 1 + corner, end
