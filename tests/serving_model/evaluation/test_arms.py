"""Two groups of accounts: what their shares say, and what may be said while one keeps looking."""

import numpy as np
import pytest

from serving_model.evaluation.arms import MISMATCH, ArmWindow, compared_shares, mismatch
from serving_model.evaluation.sequential import compare

ERROR = 0.05


def window(random: np.random.Generator, size: int, effect: float, share: float) -> ArmWindow:
    """Accounts that leave with chances of their own, and with `effect` less in the second arm."""
    second = random.random(size) < share
    chance = random.beta(2, 18, size)
    left = random.random(size) < np.clip(chance - effect * second, 0, 1)
    return ArmWindow(left, chance, chance, second, share)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_no_effect_is_hardly_ever_found_however_often_one_looks(share: float) -> None:
    random = np.random.default_rng(1)
    found = 0
    for _ in range(200):
        # Its capital is the highest of all looks so far.
        last = compare([window(random, 300, 0.0, share) for _ in range(3)], ERROR)
        found += last.is_worse or last.is_better
    assert found <= 200 * 2 * ERROR


@pytest.mark.parametrize("share", [0.5, 0.3])
def test_an_effect_is_found_in_its_direction_and_lies_in_the_interval(share: float) -> None:
    random = np.random.default_rng(2)
    one = window(random, 20_000, 0.04, share)
    result = compare([one], ERROR)
    assert result.is_worse  # of the first arm more leave
    assert not result.is_better
    arms = compared_shares(one.churned, one.is_second)
    assert -0.06 < arms.difference.low < arms.difference.high < 0
    assert -result.high / one.scale < -0.035 < -result.low / one.scale < 0
    turned = compare([one.swapped()], ERROR)
    assert turned.is_better
    assert not turned.is_worse


def test_the_differences_are_bounded_and_their_mean_is_that_of_the_shares() -> None:
    one = window(np.random.default_rng(3), 50_000, 0.03, 0.25)
    assert np.abs(one.differences).max() <= 1
    assert one.differences.min() >= one.lowest
    arms = compared_shares(one.churned, one.is_second)
    assert one.differences.mean() / one.scale == pytest.approx(-arms.difference.value, abs=0.004)


def test_sizes_that_are_no_accident() -> None:
    assert mismatch(0, 0, 0.5) == 1.0
    assert mismatch(500, 1000, 0.5) == pytest.approx(1.0)
    assert mismatch(540, 1000, 0.5) > MISMATCH
    assert mismatch(600, 1000, 0.5) < MISMATCH
    assert mismatch(100, 1000, 0.2) < MISMATCH
    random = np.random.default_rng(4)
    told = sum(mismatch(random.binomial(2000, 0.3), 2000, 0.3) < MISMATCH for _ in range(1000))
    assert told <= 5
