"""The simulated world keeps to its own equations."""

from dataclasses import fields

import numpy as np
import pytest

from pipeline.demo import world_model as model
from pipeline.demo.world import (
    BLOCK,
    WEEK_SECONDS,
    Block,
    World,
    draw_blocks,
    draw_incident_starts,
    incident_strength,
)
from pipeline.demo.world_model import SCENARIOS
from transforms.columns import SENTIMENTS

WEEKS = 60


def draw(scenario: str, accounts: int = BLOCK, seed: int = 3) -> Block:
    return next(iter(draw_blocks(World(SCENARIOS[scenario], accounts, WEEKS, seed))))


@pytest.fixture(scope="module")
def base() -> Block:
    return draw("base")


def same(one: object, other: object) -> bool:
    return all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name), equal_nan=True)
        for f in fields(one)  # type: ignore[arg-type]
    )


def test_a_seed_means_one_world(base: Block) -> None:
    again, other = draw("base"), draw("base", seed=4)
    for part in ("accounts", "course", "feedback"):
        assert same(getattr(base, part), getattr(again, part))
    assert not np.array_equal(base.accounts.frailty, other.accounts.frailty)
    assert not np.array_equal(base.course.last_week, other.course.last_week)


def test_blocks_cover_every_account_once_and_differ() -> None:
    blocks = list(draw_blocks(World(SCENARIOS["base"], 2 * BLOCK + 7, 10, 1)))
    assert [block.accounts.first for block in blocks] == [0, BLOCK, 2 * BLOCK]
    assert [len(block.accounts.tier) for block in blocks] == [BLOCK, BLOCK, 7]
    assert not np.array_equal(blocks[0].accounts.frailty, blocks[1].accounts.frailty)


def test_nothing_is_written_before_sign_up_or_after_leaving(base: Block) -> None:
    rows, week = base.feedback, base.feedback.second // WEEK_SECONDS
    assert (week >= base.accounts.signup[rows.account]).all()
    assert (week <= base.course.last_week[rows.account]).all()
    leaving = (base.course.last_week + 1) * WEEK_SECONDS - 1
    assert (rows.second < leaving[rows.account]).all()
    assert (base.course.last_week >= base.accounts.signup).all()


def test_leaving_happens_as_often_as_the_hazard_says(base: Block) -> None:
    there = base.course.present
    expected, variance = base.course.hazard[there].sum(), base.course.hazard[there].sum()
    left = np.count_nonzero(base.course.last_week < WEEKS)
    assert abs(left - expected) < 4 * np.sqrt(variance)


def test_hazard_follows_states_except_in_the_null_world(base: Block) -> None:
    null, there = draw("null"), base.course.present
    assert np.ptp(null.course.hazard[null.course.present]) == 0
    for state in (base.course.satisfaction[there], base.course.engagement[there]):
        assert np.corrcoef(state, np.log(base.course.hazard[there]))[0, 1] < -0.4


def test_strong_effects_spread_the_hazard_more(base: Block) -> None:
    strong, there = draw("strong"), base.course.present
    # Common accounts and states: only the hazard may differ.
    assert np.array_equal(strong.course.satisfaction, base.course.satisfaction, equal_nan=True)
    spreads = [np.log(block.course.hazard[there]).std() for block in (strong, base)]
    assert spreads[0] > 1.5 * spreads[1]


def test_harsh_enricher_changes_sentiment_late_and_churn_never(base: Block) -> None:
    harsh, change = draw("harsh"), round(WEEKS * SCENARIOS["harsh"].change_at)
    assert np.array_equal(harsh.course.last_week, base.course.last_week)
    late = base.feedback.second // WEEK_SECONDS >= change
    changed = harsh.feedback.sentiment != base.feedback.sentiment
    assert not changed[~late].any()
    negative = [(block.feedback.sentiment[late] == 0).mean() for block in (harsh, base)]
    assert negative[0] > negative[1] + 0.04


def test_regime_raises_the_hazard_late_and_nothing_before(base: Block) -> None:
    regime, change = draw("regime"), round(WEEKS * SCENARIOS["regime"].change_at)
    hazards = [block.course.hazard for block in (regime, base)]
    assert np.array_equal(hazards[0][:change], hazards[1][:change], equal_nan=True)
    late = base.course.present[change:]
    ratio = hazards[0][change:][late].mean() / hazards[1][change:][late].mean()
    assert 1.7 < ratio < np.exp(0.8)


def test_incidents_fade_over_three_weeks_and_the_stronger_counts() -> None:
    starts = np.zeros((6, 2), dtype=bool)
    starts[1, 0] = starts[2, 0] = starts[5, 1] = True
    expected = [[0, 0], [1, 0], [1, 0], [0.6, 0], [0.3, 0], [0, 1]]
    assert np.array_equal(incident_strength(starts), np.array(expected))


def test_incidents_lower_satisfaction_and_draw_rows_to_their_area() -> None:
    world = World(SCENARIOS["base"], BLOCK, WEEKS, 3)
    incidents, block = incident_strength(draw_incident_starts(world)), draw("base")
    week, area = block.feedback.second // WEEK_SECONDS, block.feedback.area
    hit_week, hit_area = np.argwhere(incidents == 1.0)[0]
    during = (area[week == hit_week] == hit_area).mean()
    assert during > 1.5 * (area == hit_area).mean()


def test_unhappy_accounts_complain_and_engaged_ones_write(base: Block) -> None:
    rows, week = base.feedback, base.feedback.second // WEEK_SECONDS
    z = base.course.satisfaction[week, rows.account]
    low, high = z < np.quantile(z, 0.2), z > np.quantile(z, 0.8)
    assert (rows.sentiment[low] == 0).mean() > 3 * (rows.sentiment[high] == 0).mean()
    assert rows.priority[low].mean() > rows.priority[high].mean() + 0.3
    counts = np.zeros(base.course.present.shape)
    np.add.at(counts, (week, rows.account), 1)
    e, there = base.course.engagement, base.course.present
    keen = there & (e > 1)
    assert counts[keen].mean() > 1.5 * counts[there & (e < -1)].mean()


def test_shares_are_as_declared(base: Block) -> None:
    size, rows = BLOCK, len(base.feedback.second)
    for tier, share in enumerate(model.TIER_SHARES):
        error = np.sqrt(share * (1 - share) / size)
        assert abs((base.accounts.tier == tier).mean() - share) < 4 * error
    missing, share = 1 - base.feedback.identified.mean(), model.UNIDENTIFIED_SHARE
    assert abs(missing - share) < 4 * np.sqrt(share * (1 - share) / rows)
    assert abs((base.accounts.signup < 0).mean() - 0.5) < 4 * np.sqrt(0.25 / size)
    assert abs(base.accounts.frailty.mean() - 1) < 4 / np.sqrt(model.FRAILTY_SHAPE * size)
    assert set(np.unique(base.feedback.priority)) == {1, 2, 3, 4, 5}


def test_names_agree_with_the_contract_and_the_features() -> None:
    assert model.SENTIMENT_NAMES == SENTIMENTS
    assert len({len(topics) for topics in model.TOPICS}) == 1
    for shares in (model.TIER_SHARES, model.REGION_SHARES, model.SOURCE_SHARES, model.AREA_SHARES):
        assert sum(shares) == pytest.approx(1)
