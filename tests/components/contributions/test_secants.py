"""Parts of a move add up to it, whatever the contributions are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.contributions.secants import (
    NARROW,
    Contributions,
    log_odds_of,
    parts_of_moves,
    slopes,
)

CONTRIBUTIONS = st.lists(
    st.lists(st.floats(-4, 4, width=32), min_size=4, max_size=4), min_size=1, max_size=6
)
BASE = -2.5


def of(log_odds: np.ndarray) -> Contributions:
    return Contributions(1 / (1 + np.exp(-BASE - log_odds.sum(axis=1))), log_odds)


@given(CONTRIBUTIONS, st.integers(0, 2**32))
def test_groups_alone_make_the_move(former: list[list[float]], seed: int) -> None:
    before = np.array(former)
    random = np.random.default_rng(seed)
    after = before + random.normal(size=before.shape) * 10.0 ** random.integers(-7, 1)
    found = parts_of_moves(of(before), of(after))
    move = of(after).probabilities - of(before).probabilities
    assert found.sum(axis=1) == pytest.approx(move, abs=1e-15)
    # Nothing is left over to the rest: the groups themselves add up.
    assert found[:, -1] == pytest.approx(0, abs=1e-11)


def test_a_group_that_did_not_change_adds_nothing_and_the_others_keep_their_sign() -> None:
    before, after = np.array([[1.0, 0.5, -1.0]]), np.array([[1.0, 1.5, -1.5]])
    found = parts_of_moves(of(before), of(after))[0]
    assert found[0] == 0
    assert found[1] > 0 > found[2]
    assert found[1] == pytest.approx(-2 * found[2])


def test_the_slope_is_the_same_on_both_sides_of_the_narrow_case() -> None:
    for at in (-6.0, 0.0, 4.0):
        ends = [at + NARROW * factor for factor in (0.9, 1.1)]
        start = 1 / (1 + np.exp(-np.array([at, at])))
        found = slopes(start, 1 / (1 + np.exp(-np.array(ends))))
        assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_probabilities_of_0_and_1_are_finite() -> None:
    ends = np.array([0.0, 1.0, 0.0, 1.0, 0.5])
    log_odds = np.zeros([5, 2])
    found = parts_of_moves(Contributions(ends, log_odds), Contributions(ends[::-1], log_odds))
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(ends[::-1] - ends)
    assert np.isfinite(log_odds_of(ends)).all()
