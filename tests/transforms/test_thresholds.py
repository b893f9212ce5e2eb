"""States follow from the account's own facts, at their edges too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.thresholds import STATES, account_states


def state(tenure: float, silence: float, count: float, lookback: int = 180) -> str:
    one = (np.array([value], dtype=np.float64) for value in (tenure, silence, count))
    return account_states(*one, lookback).tolist()[0]


@pytest.mark.parametrize(
    ("tenure", "silence", "count", "expected"),
    [
        (29.9, 1, 9, "new"),
        (29.9, 29.9, 1, "new"),
        (30, 1, 9, "active"),
        (300, 180, 9, "quiet"),
        (300, 180.1, 9, "silent"),
        (60, 60, 1, "quiet"),  # a single event, so there is no usual gap
        (104, 14, 91, "active"),  # one a day, but nobody is quiet within two weeks
        (104.1, 14.1, 91, "quiet"),
        (110, 30, 9, "active"),  # a mean gap of 10 days
        (110.1, 30.1, 9, "quiet"),
    ],
)
def test_the_first_rule_that_holds(
    tenure: float, silence: float, count: float, expected: str
) -> None:
    assert state(tenure, silence, count) == expected


@given(
    st.floats(0, 1e4, width=32), st.floats(0, 1e4, width=32), st.integers(1, 10**6),
    st.integers(30, 400),
)  # fmt: skip
def test_longer_silence_is_never_livelier(
    active: float, silence: float, count: int, lookback: int
) -> None:
    order = STATES.index(state(active + silence, silence, count, lookback))
    later = STATES.index(state(active + silence + 50, silence + 50, count, lookback))
    assert later >= order
