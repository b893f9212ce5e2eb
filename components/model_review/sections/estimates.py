"""Figures with intervals, curves for drawing, and why a section cannot be made."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from transforms.arrays import Floats

POINTS: Final = 201
"""Most points of a curve. A grid of .005 holds the shares at which the page reads curves off."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % bootstrap interval over accounts; None where none was computed."""

    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Curve:
    """A curve of a model, sampled for drawing.

    Attributes:
        model: challenger, champion, or the name of a baseline.
        x: [points], in [0, 1], never falling.
        y: [points], in [0, 1].
    """

    model: str
    x: tuple[float, ...]
    y: tuple[float, ...]


class SectionMissing(Exception):
    """The inputs of a section are missing; the message says which, for the report's reader."""


def sampled_curve(model: str, x: Floats, y: Floats) -> Curve:
    """Returns a curve of at most POINTS points and its first one.

    Args:
        model: Name of the model.
        x: [n], from 0 to 1, never falling.
        y: [n], in [0, 1]; the curve is the straight lines between neighbours.
    """
    if len(x) > POINTS:
        grid = np.linspace(0, 1, POINTS)
        # A vertical start: interpolation at 0 gives its upper end.
        x, y = np.r_[x[0], grid], np.r_[y[0], np.interp(grid, x, y)]
    return Curve(model, tuple(x.tolist()), tuple(y.tolist()))
