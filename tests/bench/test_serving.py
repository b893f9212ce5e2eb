"""What models in shadow add to requests is seen where they add something, and else is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.serving import near_question, share_of_p99

QUESTIONS = np.array([[10.0, 10.005], [20.0, 20.2]])


@pytest.mark.parametrize(
    ("turn", "took_ms", "near"),
    [
        (9.9, 99, False),
        (9.9, 101, True),
        (10.002, 1, True),
        (10.104, 5, True),
        (10.106, 5, False),
        (19.0, 1_100, True),
        (20.31, 5, False),
    ],
)
def test_a_request_is_near_a_question_that_it_meets_or_follows(
    turn: float, took_ms: float, near: bool
) -> None:
    assert near_question(np.array([[turn, took_ms]]), QUESTIONS).tolist() == [near]


def requests(slower_ms: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A minute at 100 a second, of which those near a question take longer by so much."""
    random = np.random.default_rng(0)
    each = np.stack([np.arange(6_000) / 100, random.gamma(9.0, 1.0, 6_000)], axis=1)
    near = near_question(each, np.array([[one, one + 0.005] for one in range(60)], np.float64))
    each[near, 1] += slower_ms
    return each, near


def test_what_questions_add_is_told_with_an_interval() -> None:
    share, low, high = share_of_p99(*requests(0.0))
    assert low <= 0.01
    assert abs(share) < 0.03
    share, low, high = share_of_p99(*requests(8.0))
    assert 0.05 < low < share < high
