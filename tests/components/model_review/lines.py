"""Lines by brute force: how far a point lies from one, what stands below one."""

from itertools import pairwise

import numpy as np

from components.model_review.sections.estimates import Curve


def distance(curve: Curve, x: float, y: float) -> float:
    """How far a point lies from the nearest piece of a curve, or from its only point."""
    corners = list(zip(curve.x, curve.y, strict=True))
    pieces = list(pairwise(corners)) or [(corners[0], corners[0])]
    return min(_from_piece(np.array(a), np.array(b), np.array([x, y])) for a, b in pieces)


def area(curve: Curve) -> float:
    """The area below a curve: of its pieces, each a trapezium."""
    pieces = pairwise(zip(curve.x, curve.y, strict=True))
    return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pieces)


def _from_piece(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> float:
    places = [0.0, 1.0]
    if length := np.dot(end - start, end - start):
        places.append(float(np.dot(point - start, end - start) / length))
    near = [start + place * (end - start) for place in places if 0 <= place <= 1]
    return min(float(np.hypot(*(point - one))) for one in near)
