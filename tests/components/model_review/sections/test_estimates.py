"""A curve that is sampled for drawing looks as the whole one."""

import numpy as np
import pytest

from components.model_review.sections.estimates import POINTS, sampled_curve
from components.model_review.sections.gains import contacts
from components.page.picture import WIDTH
from tests.components.model_review.judgements import drawn
from tests.components.model_review.lines import distance

TWO_PIXELS = 2 / WIDTH


@pytest.mark.parametrize("accounts", [1_000, 20_000])
def test_a_sampled_roc_curve_is_off_by_less_than_two_pixels(accounts: int) -> None:
    sample = drawn(accounts)
    counted = contacts(sample.labels, sample.models["challenger"])
    stayed = counted.contacted - counted.churned
    x, y = stayed / stayed[-1], counted.churned / counted.churned[-1]
    curve = sampled_curve("challenger", x, y)
    assert len(curve.x) <= POINTS + 1 < len(x)
    every = max(1, len(x) // 500)
    corners = zip(x[::every], y[::every], strict=True)
    assert max(distance(curve, *corner) for corner in corners) < TWO_PIXELS


def test_a_curve_of_few_points_is_drawn_whole() -> None:
    x = np.linspace(0, 1, POINTS)
    curve = sampled_curve("one", x, x**2)
    assert (curve.x, curve.y) == (tuple(x.tolist()), tuple((x**2).tolist()))


def test_a_sampled_curve_keeps_its_ends_and_a_vertical_start() -> None:
    x = np.r_[np.zeros(500), np.linspace(0, 1, 500)]
    y = np.r_[np.linspace(0, 0.5, 500), np.linspace(0.5, 1, 500)]
    curve = sampled_curve("one", x, y)
    assert (curve.x[:2], curve.y[:2]) == ((0, 0), (0, 0.5))
    assert (curve.x[-1], curve.y[-1]) == (1, 1)
    assert curve.y[curve.x.index(0.5)] == pytest.approx(0.75, abs=1e-9)
