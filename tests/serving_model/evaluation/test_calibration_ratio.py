"""How far predicted and observed lie apart, and how likely by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from serving_model.evaluation.calibration_ratio import (
    calibration_ratio,
    churned_distribution,
    p_value_of,
    top_rows,
)

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=70)


@given(PROBABILITIES)
def test_the_distribution_is_the_product_of_its_factors(given_: list[float]) -> None:
    expected = np.ones(1)
    for one in given_:
        expected = np.convolve(expected, [1 - one, one])
    assert churned_distribution(np.array(given_)) == pytest.approx(expected, abs=1e-12)


def test_of_equal_probabilities_it_is_the_binomial() -> None:
    found = churned_distribution(np.full(5_000, 0.02))
    assert found == pytest.approx(binom.pmf(np.arange(5_001), 5_000, 0.02), abs=1e-12)
    assert p_value_of(130, np.full(5_000, 0.02)) == pytest.approx(
        2 * binom.sf(129, 5_000, 0.02), rel=1e-6
    )


def test_the_p_values_of_sound_models_are_no_smaller_than_they_say() -> None:
    random = np.random.default_rng(1)
    values = []
    for _ in range(400):
        found = random.beta(1, 20, 800)
        values.append(p_value_of(int((random.random(800) < found).sum()), found))
    for level in (0.01, 0.05, 0.2):
        assert np.mean(np.array(values) < level) <= level + 3 * np.sqrt(level / 400)
    assert np.mean(np.array(values) < 0.2) > 0.1  # and not by never being small


def test_the_ratio_is_that_of_the_rarer_outcome() -> None:
    labels = np.r_[np.ones(64), np.zeros(936)]
    few = calibration_ratio(labels, np.full(1_000, 0.05))
    assert (few.ratio, few.of_churn) == (pytest.approx(0.05 / 0.064), True)
    assert few.factor == pytest.approx(1.28)
    low, high = few.interval
    assert low < few.ratio < high
    many = calibration_ratio(1 - labels, np.full(1_000, 0.95))
    assert (many.ratio, many.of_churn) == (pytest.approx(0.05 / 0.064), False)
    assert many.p_value == pytest.approx(few.p_value)


def test_where_nobody_churned_it_is_infinite_and_where_both_agree_one() -> None:
    none = calibration_ratio(np.zeros(300), np.full(300, 0.02))
    assert none.ratio == none.factor == float("inf")
    assert none.p_value == pytest.approx(2 * 0.98**300)
    assert calibration_ratio(np.zeros(3), np.zeros(3)).factor == 1.0


def test_the_top_decile_holds_the_highest() -> None:
    found = np.random.default_rng(2).random(57)
    assert sorted(found[top_rows(found)]) == sorted(found)[-6:]
    assert len(top_rows(np.array([0.3]))) == 1
