"""Each cause leaves its own trace in the counts; what leaves none is not known."""

from collections.abc import Callable

import numpy as np
import pytest

from bench.causes import (
    PLANTED,
    Plant,
    partial_loss,
    renamed_source,
    simulated,
    wilson,
)
from components.causes.feedback_counts import DIMENSIONS, Dimension, FeedbackCounts
from components.causes.steps import find_change, overdispersion, size_beside_trend
from components.causes.verdict import NOT_KNOWN, PIPELINE, SEASON, verdict
from components.feedback_example_gen.counted_days import DAYS

VARIANTS = [
    (cause, variant) for cause, variants in PLANTED.items() for variant in variants
]  # one world of each: bench.causes has 200 of each cause


@pytest.mark.parametrize(
    ("cause", "variant"), VARIANTS, ids=lambda one: getattr(one, "__name__", "")
)
def test_each_plant_is_found(cause: str, variant: Callable[[np.random.Generator], Plant]) -> None:
    found = verdict(simulated(900_007, variant))
    assert found.cause == cause, found
    assert (found.days_ago is None) == (cause == NOT_KNOWN)
    assert found.evidence


def steady(rows_a_day: int = 120) -> FeedbackCounts:
    """The same rows each day, in two values of each dimension."""
    rows = np.zeros([DAYS, 2, 3, 5], np.int64)
    rows[:, :, :, :2] = rows_a_day // 12
    dimensions = {name: Dimension((f"{name} a", f"{name} b"), rows.copy()) for name in DIMENSIONS}
    return FeedbackCounts(dimensions, np.full(DAYS, rows_a_day))


def test_the_same_every_day_is_no_change() -> None:
    assert verdict(steady()).cause == NOT_KNOWN


def test_too_little_feedback_is_said() -> None:
    found = verdict(steady(0))
    assert found.cause == NOT_KNOWN
    assert "too little feedback" in found.evidence[0]


def test_days_and_names_are_told() -> None:
    counts = steady()
    source = counts.dimensions["source"]
    rows = np.concatenate([source.rows, np.zeros_like(source.rows[:, :1])], axis=1)
    rows[-5:, 2] = rows[-5:, 1]
    rows[-5:, 1] = 0
    renamed = Dimension((*source.values, "mail"), rows)
    found = verdict(FeedbackCounts({**counts.dimensions, "source": renamed}, counts.last_year))
    assert (found.cause, found.days_ago) == (PIPELINE, 5)
    assert found.evidence[0] == (
        "source 'source b' is missing for 5 days, where 300 rows are usual; since then there is "
        "source 'mail'."
    )


def test_a_silent_weekend_is_not_late() -> None:
    counts = steady()
    for dimension in counts.dimensions.values():
        for back in (1, 2):
            dimension.rows[-back::-7] = 0
    assert verdict(counts).cause == NOT_KNOWN


def test_the_same_fall_a_year_ago_is_a_season_and_without_one_it_is_not() -> None:
    counts = steady(1200)
    for dimension in counts.dimensions.values():
        dimension.rows[-14:] = dimension.rows[-14:] * 6 // 10
    assert verdict(counts).cause == PIPELINE
    assert counts.last_year is not None
    fell = counts.last_year.copy()
    fell[-14:] = fell[-14:] * 6 // 10
    assert verdict(FeedbackCounts(counts.dimensions, fell)).cause == SEASON
    assert verdict(FeedbackCounts(counts.dimensions, None)).cause == PIPELINE


def test_a_step_and_a_ramp_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, DAYS)
    at = np.arange(DAYS)
    step = find_change(noise + (at >= DAYS - 12), np.full(DAYS, 100.0))
    assert (step.days_ago, step.size) == (12, pytest.approx(1, abs=0.1))
    assert step.sharpness > 50
    gradual = find_change(noise + np.clip((at - 50) / 28, 0, 1), np.full(DAYS, 100.0))
    assert gradual.sharpness < -50
    assert find_change(noise, np.full(DAYS, 100.0)).surprise < 20
    assert find_change(noise, np.zeros(DAYS)).surprise == 0
    trend = size_beside_trend(at / DAYS + 0.5 * (at >= DAYS - 12), step.shape)
    assert trend == pytest.approx(0.5)


def test_weeks_that_vary_more_than_chance_are_known() -> None:
    rng = np.random.default_rng(1)
    variances = np.full(56, 4.0)
    by_chance = rng.normal(0, 2.0, 56)
    assert overdispersion(by_chance, variances) < 3
    assert overdispersion(by_chance + np.repeat(rng.normal(0, 8, 8), 7), variances) > 10


def test_an_interval_holds_the_share() -> None:
    low, high = wilson(190, 200)
    assert low < 0.95 < high
    assert wilson(200, 200)[1] == pytest.approx(1.0)


def test_variants_are_drawn_by_seed_alone() -> None:
    for variant in (renamed_source, partial_loss):
        one, other = simulated(3, variant), simulated(3, variant)
        for name in DIMENSIONS:
            assert np.array_equal(one.dimensions[name].rows, other.dimensions[name].rows)
