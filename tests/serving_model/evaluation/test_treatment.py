"""On worlds with a planted effect: the truth lies in the interval, and naive precision is wrong."""

import numpy as np
import pytest

from serving_model.evaluation.treatment import treatment_effect, wilson

SEEDS = 100
HOLDOUT = 0.2
SAVED = 0.4
"""Share of the accounts about to leave that stay if somebody acts."""


def world(seed, accounts=1_500, base=0.55):
    """Flagged accounts of which a team acts upon those that look worst, and upon no holdout."""
    random = np.random.default_rng(seed)
    chance = np.clip(random.normal(base, 0.15, accounts), 0.05, 0.95)
    held_out = random.uniform(size=accounts) < HOLDOUT
    acted = ~held_out & (random.uniform(size=accounts) < chance + 0.2)
    would_leave = random.uniform(size=accounts) < chance
    left = would_leave & ~(acted & (random.uniform(size=accounts) < SAVED))
    reached = np.minimum(chance + 0.2, 1.0)
    return left, held_out, chance.mean(), (chance * reached * SAVED).mean()


def test_the_intervals_cover_what_was_planted():
    covered = {"precision": 0, "saved": 0, "naive": 0}
    for seed in range(SEEDS):
        left, held_out, precision, saved = world(seed)
        found = treatment_effect(left, held_out)
        covered["precision"] += found.untreated.low <= precision <= found.untreated.high
        covered["saved"] += found.saved.low <= saved <= found.saved.high
        naive = wilson(int(left.sum()), len(left))
        covered["naive"] += naive.low <= precision <= naive.high
    assert covered["precision"] >= 0.9 * SEEDS
    assert covered["saved"] >= 0.9 * SEEDS
    assert covered["naive"] == 0


def test_where_nothing_is_done_nothing_is_saved():
    random = np.random.default_rng(1)
    contain = 0
    for _ in range(SEEDS):
        left, held_out = random.uniform(size=600) < 0.3, random.uniform(size=600) < HOLDOUT
        saved = treatment_effect(left, held_out).saved
        contain += saved.low <= 0 <= saved.high
    assert contain >= 0.9 * SEEDS


@pytest.mark.parametrize(
    ("one", "two", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090)],
)
def test_the_difference_is_newcombes(one, two, low, high):
    """His paper's table II, method 10."""
    (left, held), (others_left, others) = one, two
    labels = np.repeat(
        [True, False, True, False], [left, held - left, others_left, others - others_left]
    )
    saved = treatment_effect(labels, np.arange(held + others) < held).saved
    assert (round(saved.low, 4), round(saved.high, 4)) == (low, high)


def test_an_arm_without_an_account_claims_nothing():
    found = treatment_effect(np.array([True, False]), np.array([False, False]))
    assert np.isnan(found.saved.value)
    assert np.isnan(found.untreated.low)
