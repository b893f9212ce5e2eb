"""A line that is drawn with fewer corners is the same line, as near as it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.model_review.sections.estimates import MOST_POINTS, WITHIN, thinned
from tests.components.model_review.lines import distance

STEPS = st.lists(
    st.tuples(st.floats(0, 0.1), st.floats(-1, 1)) | st.sampled_from([(0.0, 0.0), (0.01, 0.01)]),
    min_size=1,
    max_size=60,
)


@given(STEPS)
def test_every_corner_lies_within_the_stated_distance(steps: list[tuple[float, float]]) -> None:
    x, y = np.cumsum(np.array(steps), axis=0).T
    curve = thinned("one", x, y)
    kept = list(zip(curve.x, curve.y, strict=True))
    corners = list(zip(x.tolist(), y.tolist(), strict=True))
    assert (kept[0], kept[-1]) == (corners[0], corners[-1])
    assert set(kept) <= set(corners)
    assert curve.within == WITHIN
    assert all(distance(curve, *corner) <= WITHIN + 1e-12 for corner in corners)


def test_a_line_with_too_many_corners_says_how_far_it_is_off() -> None:
    x = np.linspace(0, 1, 2_000)
    y = np.random.default_rng(1).random(2_000)
    curve = thinned("one", x, y)
    assert len(curve.x) == MOST_POINTS
    furthest = max(distance(curve, *corner) for corner in zip(x[::7], y[::7], strict=True))
    assert WITHIN < furthest <= curve.within + 1e-12


@pytest.mark.parametrize("corners", [1, 2, 3, 1_000])
def test_a_straight_line_keeps_its_ends_alone(corners: int) -> None:
    x = np.linspace(0, 1, corners)
    curve = thinned("one", x, x / 2)
    assert curve.x == tuple(np.unique(x[[0, -1]]).tolist())


def test_the_corner_that_sticks_out_most_is_kept_first() -> None:
    x = np.linspace(0, 1, 101)
    y = np.where(x < 0.5, x, 1 - x)
    assert thinned("one", x, y).x == (0.0, 0.5, 1.0)
