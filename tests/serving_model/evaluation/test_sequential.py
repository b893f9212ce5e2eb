"""The sequential comparison: errors over all looks, at random ends, whatever accounts are like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_model.evaluation.sequential import Window, capital, compare, lower_end
from tests.property_tests import cases

ERROR = 0.1
REPEATS = 250


def chances(random, accounts):
    return random.beta(1.2, 14, accounts)


def noisy(random, chance, size):
    odds = np.log(chance / (1 - chance)) + size * random.normal(size=len(chance))
    return 1 / (1 + np.exp(-odds))


def expected(chance, first, second):
    """The mean difference that outcomes will come to, by the true chances."""
    return float(np.mean((first - second) * (first + second - 2 * chance)))


def fair_windows(random, windows, accounts):
    """Windows whose accounts have an expected difference of 0 on average, though none has."""
    return [_fair_window(random, accounts) for _ in range(windows)]


def _fair_window(random, accounts):
    chance = chances(random, accounts)
    first, second = noisy(random, chance, 0.5), noisy(random, chance, 0.5)
    if expected(chance, first, second) < 0:
        first, second = second, first
    low, high = 0.0, 1.0  # the second comes to say 0.5 of everybody, and is the worse one then
    for _ in range(50):
        middle = (low + high) / 2
        if expected(chance, first, second + middle * (0.5 - second)) > 0:
            low = middle
        else:
            high = middle
    return Window(random.random(accounts) < chance, first, second + low * (0.5 - second))


def test_no_model_is_found_worse_more_often_than_the_rate_over_all_looks():
    random = np.random.default_rng(1)
    wrong = sum(
        capital(fair_windows(random, 6, 150), ERROR).max() >= 1 / ERROR for _ in range(REPEATS)
    )
    # Binomial: with the rate itself 0.1 and 250 repeats, 40 or more have a chance of 0.3 %.
    assert wrong <= 39


def test_the_interval_holds_the_mean_at_ends_that_the_data_choose():
    """An end once refuted stays so: the last interval is that of the worst look of all."""
    random = np.random.default_rng(2)
    outside = 0
    for _ in range(REPEATS // 2):
        windows = fair_windows(random, 4, 150)
        found = compare(windows, ERROR)
        outside += not found.low <= 0 <= found.high
    assert outside <= ERROR * REPEATS + 13


def test_what_is_worse_is_found_and_the_interval_says_by_how_much():
    random = np.random.default_rng(3)
    windows, truth = [], []
    for _ in range(6):
        chance = chances(random, 1_500)
        first, second = np.full(1_500, chance.mean()), noisy(random, chance, 0.2)
        windows.append(Window(random.random(1_500) < chance, first, second))
        truth.append(expected(chance, first, second))
    found = compare(windows, 0.01)
    assert found.is_worse
    assert not found.is_better
    assert found.low <= np.mean(truth) <= found.high
    assert found.low > 0
    assert (found.accounts, found.windows) == (9_000, 6)
    turned = compare([one.swapped() for one in windows], 0.01)
    assert turned.is_better
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_evidence_once_found_is_not_lost():
    random = np.random.default_rng(4)
    bad = [Window(random.random(800) < 0.07, np.full(800, 0.6), np.full(800, 0.07))]
    good = [Window(random.random(800) < 0.07, np.full(800, 0.07), np.full(800, 0.6))] * 3
    assert compare(bad, 0.01).is_worse
    assert compare([*bad, *good], 0.01).is_worse


def test_a_margin_is_not_worth_an_act():
    random = np.random.default_rng(5)
    churned = random.random(20_000) < 0.07
    window = Window(churned, np.full(20_000, 0.12), np.full(20_000, 0.07))
    assert compare([window], 0.01).is_worse
    assert not compare([window], 0.01, margin=0.01).is_worse


def test_models_that_say_the_same_are_never_told_apart():
    same = np.full(50, 0.1)
    found = compare([Window(np.arange(50) < 5, same, same)], 0.01)
    assert (found.mean, found.worse, found.better) == (0.0, 1.0, 1.0)
    assert found.low <= 0 <= found.high


def test_nothing_is_known_without_an_account():
    empty = np.zeros(0)
    found = compare([Window(empty.astype(bool), empty, empty)], 0.01)
    assert (found.accounts, found.windows, found.is_worse) == (0, 0, False)


probabilities = st.floats(0, 1)


@settings(max_examples=cases(40))
@given(
    st.lists(
        st.lists(st.tuples(st.booleans(), probabilities, probabilities), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_capital_never_falls_to_nothing_whatever_comes(rows):
    windows = []
    for one in rows:
        churned, first, second = (np.array(column) for column in zip(*one, strict=True))
        windows.append(Window(churned, first.astype(float), second.astype(float)))
    found = capital(windows, 0.05)
    assert np.all(found > 0)
    assert np.all(np.isfinite(found))
    told = compare(windows, 0.05)
    assert -1 <= min(told.low, told.high) <= max(told.low, told.high) <= 1
    assert lower_end(windows, 0.05) <= max(one.differences.max() for one in windows)


@pytest.mark.parametrize("wrong", [1.2, -0.1, np.nan])
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(ValueError, match=r"expected 0\.\.1"):
        Window(np.array([True]), np.array([wrong]), np.array([0.5]))
