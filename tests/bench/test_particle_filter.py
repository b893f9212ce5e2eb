"""The limit: true to the world on average, better than simple rules, aware of the clock."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from bench import particle_filter
from bench.particle_filter import (
    DAY_SECONDS,
    Chunk,
    Particles,
    particle_limit,
    resample,
    weigh_by_rows,
    weights,
)
from bench.scores import expected_best_auc
from bench.weekly_counts import Observations, WeeklyCounts, count_weeks, weeks_begun
from pipeline.demo import world_model as model
from pipeline.demo.world import (
    WEEK_SECONDS,
    World,
    draw_blocks,
    draw_incident_starts,
    incident_strength,
)
from pipeline.demo.world_model import NULL_INTERCEPT, SCENARIOS, Booleans, Floats
from serving_model.evaluation.metrics import auc, log_loss

WEEKS = 60
CUTOFF = 51 * WEEK_SECONDS + 2 * DAY_SECONDS
HORIZON = 60


@dataclass(frozen=True)
class Case:
    world: World
    observations: Observations
    churned: Booleans
    last_second: Floats


def snapshot(world: World, cutoff: int) -> Case:
    """Takes the truth apart, independently of the database."""
    (block,) = draw_blocks(world)
    rows, last = block.feedback, block.course.last_week
    leaves = np.where(last < world.weeks, (last + 1) * WEEK_SECONDS - 1, 10**12)
    seen = rows.identified & (rows.second < cutoff)
    kept = np.setdiff1d(rows.account[seen], np.flatnonzero(leaves < cutoff))
    # Rows after the cutoff stay in: the filter must not look at them.
    mine = rows.identified & np.isin(rows.account, kept)
    observations = Observations(
        block.accounts.tier[kept],
        block.accounts.signup[kept],
        np.searchsorted(kept, rows.account[mine]),
        *(getattr(rows, name)[mine] for name in ("second", "area", "sentiment", "priority")),
    )
    newest = np.zeros(len(kept))
    before = observations.second < cutoff
    np.maximum.at(newest, observations.account[before], observations.second[before])
    churned = leaves[kept] < cutoff + HORIZON * DAY_SECONDS
    return Case(world, observations, churned, newest)


@pytest.fixture(scope="module")
def strong() -> list[tuple[Case, Floats]]:
    """Worlds of several seeds: incidents move all accounts of one world together."""
    cases = [snapshot(World(SCENARIOS["strong"], 1200, WEEKS, seed), CUTOFF) for seed in range(6)]
    return [
        (case, particle_limit(case.world, case.observations, CUTOFF, HORIZON, particles=100))
        for case in cases
    ]


def test_probabilities_are_calibrated_overall_and_by_fifths(
    strong: list[tuple[Case, Floats]],
) -> None:
    churned = np.concatenate([case.churned for case, _ in strong])
    limit = np.concatenate([probability for _, probability in strong])
    for part in (np.arange(len(limit)), *np.array_split(np.argsort(limit), 5)):
        deviation = np.sqrt((limit[part] * (1 - limit[part])).sum())
        assert abs(churned[part].sum() - limit[part].sum()) < 4 * deviation


def test_limit_beats_recency_and_the_base_rate(strong: list[tuple[Case, Floats]]) -> None:
    limits = [auc(case.churned, limit) for case, limit in strong]
    recencies = [roc_auc_score(case.churned, -case.last_second) for case, _ in strong]
    assert np.mean(limits) > np.mean(recencies) + 0.05
    losses = [log_loss(case.churned, limit) for case, limit in strong]
    rates = [log_loss(case.churned, np.full(len(limit), limit.mean())) for case, limit in strong]
    assert np.mean(losses) < np.mean(rates) - 0.003


def test_rows_tell_more_than_tier_tenure_and_having_stayed(
    strong: list[tuple[Case, Floats]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(particle_filter, "weigh_by_rows", lambda *_: None)
    blind = [particle_limit(c.world, c.observations, CUTOFF, HORIZON, 50) for c, _ in strong]
    gains = [
        auc(case.churned, limit) - auc(case.churned, without)
        for (case, limit), without in zip(strong, blind, strict=True)
    ]
    assert np.mean(gains) > 0.02


def test_a_week_weighs_as_its_distributions_say() -> None:
    """The weights, against scipy's distributions, up to a factor common to an account."""
    rng, week, observed, particles = np.random.default_rng(2), 1, 0.4, 5
    tier, exposure = np.array([[0], [2]]), np.array([[0.3], [0.0]])
    counts = WeeklyCounts(
        sentiment=np.array([[[1, 0, 2], [0, 0, 0]], [[2, 1, 1], [0, 0, 0]]]),
        steps=np.array([[[3, 1], [0, 0]], [[5, 2], [0, 0]]]),
        interests=np.full((2, 6), 1 / 6),
    )
    world = World(SCENARIOS["base"], 2, WEEKS, 1)
    chunk = Chunk(world, tier, np.array([[-3], [0]]), counts, rng)
    z, e, rate = rng.normal(size=(3, 2, particles))
    states = Particles(z, e, np.zeros((2, particles)), np.exp(rate))
    weigh_by_rows(chunk, states, week, exposure, observed)

    expected = observed * 0.92 * model.volume(tier, z, e, week, exposure)
    assert states.rate == pytest.approx(np.exp(rate) + expected)
    shape, rows = np.array([[0.8 + 3], [0.8]]), np.array([[4], [0]])
    weight = stats.nbinom.logpmf(rows, shape, np.exp(rate) / (np.exp(rate) + expected))
    shares = model.sentiment_shares(world.scenario, z[0], False)
    weight[0] += [stats.multinomial.logpmf([2, 1, 1], 4, share) for share in shares]
    weight[0] += stats.binom.logpmf(5, 8, model.priority_chance(z[0], True))
    weight[0] += stats.binom.logpmf(2, 8, model.priority_chance(z[0], False))
    found = states.log_weight - states.log_weight[:, :1]
    assert found == pytest.approx(weight - weight[:, :1])


def test_realised_auc_is_near_the_expected(strong: list[tuple[Case, Floats]]) -> None:
    realised = np.mean([auc(case.churned, limit) for case, limit in strong])
    expected = np.mean([expected_best_auc(limit) for _, limit in strong])
    assert realised == pytest.approx(expected, abs=0.04)


def test_null_world_gives_everybody_the_same(strong: list[tuple[Case, Floats]]) -> None:
    case = snapshot(World(SCENARIOS["null"], 300, WEEKS, 1), CUTOFF)
    limit = particle_limit(case.world, case.observations, CUTOFF, HORIZON, particles=20)
    moments = sum(
        CUTOFF <= (week + 1) * WEEK_SECONDS - 1 < CUTOFF + HORIZON * DAY_SECONDS
        for week in range(2 * WEEKS)
    )
    hazard = 1 / (1 + np.exp(-NULL_INTERCEPT))
    assert limit == pytest.approx(np.full(len(limit), 1 - (1 - hazard) ** moments))


def test_only_rows_before_the_cutoff_count() -> None:
    case = snapshot(World(SCENARIOS["strong"], 300, WEEKS, 1), CUTOFF)
    before = case.observations.second < CUTOFF
    rows = ("account", "second", "area", "sentiment", "priority")
    cut = replace(case.observations, **{n: getattr(case.observations, n)[before] for n in rows})
    assert not before.all()
    limits = [
        particle_limit(case.world, seen, CUTOFF, HORIZON, particles=20)
        for seen in (case.observations, cut)
    ]
    assert np.array_equal(*limits)


def test_cutoff_at_the_end_of_the_record_needs_no_later_weeks() -> None:
    end = WEEKS * WEEK_SECONDS
    case = snapshot(World(SCENARIOS["strong"], 300, WEEKS, 1), end)
    limit = particle_limit(case.world, case.observations, end, HORIZON, particles=50)
    assert ((limit > 0) & (limit < 1)).all()


def test_churn_at_the_end_of_a_begun_week_is_still_ahead() -> None:
    case = snapshot(World(SCENARIOS["strong"], 300, WEEKS, 1), CUTOFF)
    tomorrow = [
        particle_limit(case.world, case.observations, cutoff, 1, particles=50)
        for cutoff in (51 * WEEK_SECONDS + DAY_SECONDS, 52 * WEEK_SECONDS - DAY_SECONDS)
    ]
    assert (tomorrow[0] == 0).all()
    assert (tomorrow[1] > 0).all()


def test_counts_hold_each_row_before_the_cutoff_once() -> None:
    case = snapshot(World(SCENARIOS["base"], 300, WEEKS, 1), CUTOFF)
    starts = draw_incident_starts(case.world)[: weeks_begun(CUTOFF)]
    counts = count_weeks(case.observations, incident_strength(starts), CUTOFF)
    seen = case.observations.second < CUTOFF
    assert counts.sentiment.shape == (52, len(case.observations.tier), 3)
    assert counts.sentiment.sum() == seen.sum()
    assert counts.steps.sum() == (case.observations.priority[seen] - 1).sum()
    negative = seen & (case.observations.sentiment == 0)
    assert counts.steps[..., 0].sum() == (case.observations.priority[negative] - 1).sum()
    assert counts.interests.sum(axis=1) == pytest.approx(1)


def test_resampling_keeps_what_the_weights_say() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((3, 4000))
    log_weight = np.stack([3 * z[0], 0.01 * z[1], -2 * z[2]])
    states = Particles(z, z.copy(), log_weight, z.copy())
    before = (weights(states) * states.z).sum(axis=1)
    untouched = states.z[1].copy()
    resample(rng, states)
    assert (weights(states) * states.z).sum(axis=1) == pytest.approx(before, abs=0.05)
    assert np.array_equal(states.z[1], untouched)
    assert (states.log_weight[[0, 2]] == 0).all()
