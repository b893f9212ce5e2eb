"""What is unusual beside the weeks before, and what is not."""

import numpy as np
import pytest

from components.monitor.measures import AMOUNT, COUNT, CUMULATIVE, LEVEL, SHARE
from components.monitor.thresholds import (
    JUMP,
    STATISTICS,
    Series,
    judge,
    lag_places,
    last_values,
)

WEEKS = 40


def series(values, scale=SHARE, observations=1_400.0, every=7, families=None, **changes):
    values = np.asarray(values, float)
    values = values[:, None] if values.ndim == 1 else values
    runs, count = values.shape
    facts = {
        "days": np.arange(runs) * float(every),
        "values": values,
        "observations": np.full(values.shape, observations),
        "scales": [scale] * count,
        "families": families or ["source"] * count,
        "of_model": np.zeros(count, bool),
        "new_model": np.zeros(runs, bool),
    }
    return Series(**(facts | changes))


def shares(share, weeks=WEEKS, seed=0, events=1_400):
    return np.random.default_rng(seed).binomial(events, share, weeks) / events


def which(judged, run=-1):
    ratio = np.abs(judged.surprise[:, run, 0]) / judged.threshold[:, run, 0]
    return STATISTICS[int(np.nan_to_num(ratio).argmax())]


def test_chance_is_not_unusual():
    judged = judge(series(np.stack([shares(0.3, seed=one) for one in range(50)], axis=1)), 1.0)
    assert not judged.alarm.any()


def test_a_source_that_is_renamed_is_unusual_at_once():
    values = shares(0.2)
    values[-1] = 0.0
    judged = judge(series(values), 1.0)
    assert judged.alarm[-1, 0]
    assert not judged.alarm[:-1].any()
    assert which(judged) == JUMP
    assert judged.surprise[0, -1, 0] < 0
    assert 0.1 < judged.low[-1, 0] < 0.2 < judged.high[-1, 0] < 0.35


def test_what_stays_is_unusual_though_each_week_alone_is_not():
    values = shares(0.30)
    values[-7:] = shares(0.36, weeks=7, seed=9)
    judged = judge(series(values), 1.0)
    assert not judged.alarm[-7:-5].any()
    assert judged.alarm[-5:].any()
    assert which(judged, int(np.flatnonzero(judged.alarm[:, 0])[0])) != JUMP


def test_what_passes_is_no_change_that_stays():
    values = shares(0.2)
    values[20:23] = 0.45, 0.35, 0.27
    judged = judge(series(values, families=["area"]), 1.0)
    stays = np.abs(judged.surprise[1:, 20:, 0]) > judged.threshold[1:, 20:, 0]
    assert not stays.any()


def test_a_season_is_no_change():
    weeks = np.arange(104)
    counts = 1_400 * np.exp(0.15 * np.sin(2 * np.pi * weeks / 52)) * 1.004**weeks
    counts = np.random.default_rng(3).poisson(counts)
    judged = judge(series(counts, COUNT, observations=0.0, families=["volume"]), 1.0)
    assert not judged.alarm.any()


def test_the_days_of_the_week_are_compared_with_themselves():
    days = np.arange(140)
    values = np.where(days % 7 >= 5, 0.05, 0.30)
    judged = judge(series(values, LEVEL, every=1), 1.0)
    assert not judged.alarm.any()
    values[-1] = 0.05 if values[-1] > 0.1 else 0.3
    assert judge(series(values, LEVEL, every=1), 1.0).alarm[-1, 0]


def test_thin_history_needs_more_and_none_says_nothing():
    values = shares(0.3, weeks=30)
    values[-1] = 0.37
    late = judge(series(values), 1.0)
    early = judge(series(values[-3:]), 1.0)
    assert abs(early.surprise[0, -1, 0]) < abs(late.surprise[0, -1, 0])
    alone = judge(series(values[-1:]), 1.0)
    assert np.isnan(alone.surprise).all()
    assert not alone.alarm.any()


@pytest.mark.parametrize("scale", [SHARE, COUNT, LEVEL, AMOUNT, CUMULATIVE])
def test_the_last_run_alone_is_judged_as_among_all(scale):
    values = np.cumsum(np.stack([shares(0.3, seed=one) for one in range(3)], 1), axis=0)
    values = values if scale in (COUNT, CUMULATIVE, AMOUNT) else np.diff(values, axis=0)
    given = series(values, scale, families=["a", "a", "b"])
    every, last = judge(given, 0.5), judge(given, 0.5, only_last=True)
    for name in ("surprise", "threshold"):
        np.testing.assert_allclose(getattr(last, name)[:, -1], getattr(every, name)[:, -1])
    np.testing.assert_allclose(last.low[-1], every.low[-1])


def test_one_run_a_week_says_what_all_runs_of_the_days_say():
    days = np.arange(7 * 41 + 1)
    values = 0.3 + 0.01 * np.random.default_rng(1).standard_normal(len(days))
    every = judge(series(values, LEVEL, every=1), 1.0, only_last=True)
    weekly = judge(series(values[::7], LEVEL), 1.0, only_last=True)
    np.testing.assert_allclose(weekly.surprise, every.surprise)
    np.testing.assert_allclose(weekly.threshold, every.threshold)


def test_a_larger_budget_lowers_every_threshold():
    given = series(shares(0.3))
    strict, lax = judge(given, 0.1), judge(given, 10.0)
    assert (strict.threshold > lax.threshold).all()


def test_another_champion_is_no_alarm():
    values = np.random.default_rng(0).normal(-2.5, 0.02, WEEKS)
    values[20:] -= 1.5
    new = np.zeros(WEEKS, bool)
    new[20] = True
    of_model = np.ones(1, bool)
    told = judge(series(values, LEVEL, of_model=of_model, new_model=new), 1.0)
    assert not told.alarm[20:].any()
    assert judge(series(values, LEVEL, of_model=of_model), 1.0).alarm[20, 0]


def test_of_a_record_its_growth_is_compared():
    values = np.cumsum(np.random.default_rng(0).poisson(20, WEEKS))
    assert not judge(series(values, CUMULATIVE, families=["churn"]), 1.0).alarm.any()
    more = values.copy()
    more[-1] = more[-2] + 150
    assert judge(series(more, CUMULATIVE, families=["churn"]), 1.0).alarm[-1, 0]
    assert last_values(series(more, CUMULATIVE)) == [150.0]


def test_missing_runs_are_no_week_of_their_own():
    places = lag_places(np.array([0.0, 7.0, 8.0, 30.0]), 4)
    assert places[-1].tolist() == [3, -1, -1, 2, 0]
    assert places[2].tolist() == [2, 0, -1, -1, -1]
