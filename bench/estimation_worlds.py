"""Simulated worlds for bench.estimation: a model of ours, its publication, and what came of it.

Accounts, their states and their hazards are those of pipeline/demo/world_model.py; feedback is
drawn by week and not row by row. Each world trains a model on cutoffs whose windows closed before
its evaluation set was taken, and the publication comes when the evaluation set's window has closed.
Everything is counted in weeks: horizons of 28, 56 and 84 days hold 4, 8 and 12 chances to leave.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.demo import world_model as model
from pipeline.demo.world import (
    BLOCK,
    WEEK_SECONDS,
    Accounts,
    World,
    draw_accounts,
    draw_course,
    draw_incident_starts,
    incident_strength,
)
from serving_model.evaluation.recalibration import log_odds_of
from serving_model.learning.calibration import churned_within
from serving_model.learning.fitted_model import FittedModel, fit_model
from serving_model.learning.fitting import FitSettings
from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.network import NetworkShape
from serving_model.learning.person_periods import choose_horizons
from transforms.arrays import Booleans, Floats, Integers

HORIZONS: Final = (4, 8, 12)
"""In weeks."""
TARGET: Final = 1
"""Index of the horizon of churn_probability."""
TRAINING: Final = (28, 32, 36, 40)
EVALUATION: Final = 48
PUBLICATION: Final = 56
EARLIER: Final = (48, 52)
"""Publications whose whole window has closed four weeks after PUBLICATION."""
WEEKS: Final = 68
RATES: Final = {"2 %": -1.2, "6 %": -0.1, "20 %": 1.8, "65 %": 4.2}
"""Shift of the churn logit of WORLD that leads to about this base rate."""
SIGN_UPS: Final = {"2 %": 6_000, "6 %": 4_000, "20 %": 4_000, "65 %": 20_000}
RENEWAL_WEEKS: Final = 13
RENEWAL: Final = 1.6
"""Added to the churn logit in the week of a renewal; half of it is taken off in the others."""
ONBOARDING: Final = 3.0
"""Effect of having just signed up, fading over eight weeks: hazards fall for new accounts alone."""
KINDS: Final = ("base", "strong", "renewal", "onboarding")
NO_DRIFT, LEVEL, MEANING = "none", "level", "meaning"
LEVEL_SHIFT: Final = 0.8
_LINEAR: Final = FitSettings(
    network=NetworkShape(hidden_units=(), l2=0.0, dropout=0.0, members=1),
    seed=1,
    batch_size=256,
    learning_rate=1e-3,
    epochs=1,
)


class Snapshot(NamedTuple):
    """The n accounts that are there at a week."""

    features: NDArray[np.float32]
    """[n, columns]."""
    weeks_left: Integers
    """[n], weeks until the account has left; WEEKS for never."""
    tier: Integers
    region: Integers
    account: Integers
    """[n], number in the world."""
    weeks_known: Integers
    """[n], weeks since the first row."""
    silent: Booleans
    """[n], whether there was no row in the last eight weeks."""

    def left(self, horizon: int) -> Booleans:
        """Whether each account leaves within so many weeks, [n]."""
        return self.weeks_left <= horizon

    def of(self, rows: NDArray[np.generic]) -> "Snapshot":
        """Returns some of the accounts."""
        return Snapshot(*(column[rows] for column in self))


class Scored(NamedTuple):
    """A snapshot with a model's answers."""

    snapshot: Snapshot
    probabilities: Floats
    """[n, horizons]."""


class Trial(NamedTuple):
    """What one world gives: a model's evaluation set, publications, and their outcomes."""

    rate: str
    kind: str
    evaluation: Scored
    earlier: tuple[Scored, ...]
    published: Scored
    drifted: Mapping[str, Integers]
    """By kind of concept drift, weeks_left of the published accounts if it begins then."""


class Record(NamedTuple):
    """All accounts of a world, by week."""

    accounts: Accounts
    last_week: Integers
    drifted: Mapping[str, Integers]
    counts: Floats
    """[4, weeks, n]: rows, negative, positive, critical ones."""
    present: Booleans


def trial(seed: int, rate: str, kind: str) -> Trial:
    """Draws a world, trains on it, and publishes.

    Args:
        seed: Of the world.
        rate: A name in RATES.
        kind: One of KINDS.
    """
    record = recorded(seed, rate, kind)
    training = [snapshot_at(record, week) for week in TRAINING]
    fitted = _fitted(training)
    scored = {week: _scored(fitted, snapshot_at(record, week)) for week in {*EARLIER, PUBLICATION}}
    published = scored[PUBLICATION]
    at = published.snapshot.account
    return Trial(
        rate,
        kind,
        scored[EVALUATION],
        tuple(scored[week] for week in EARLIER),
        published,
        {name: _weeks_left(last[at], PUBLICATION, WEEKS) for name, last in record.drifted.items()},
    )


def recorded(seed: int, rate: str, kind: str, weeks: int = WEEKS) -> Record:
    """Draws all accounts of a world.

    Args:
        seed: Of the world.
        rate: A name in RATES.
        kind: One of KINDS.
        weeks: Length of the record.
    """
    base = model.SCENARIOS["strong" if kind == "strong" else "base"]
    if kind == "onboarding":
        base = replace(base, newness=ONBOARDING)
    free, pro, enterprise = (one + RATES[rate] for one in base.intercepts)
    scenario = replace(base, intercepts=(free, pro, enterprise))
    world = World(scenario, SIGN_UPS[rate], weeks, seed)
    incidents = incident_strength(draw_incident_starts(world))
    parts = [
        _block(world, first, incidents, kind == "renewal")
        for first in range(0, world.accounts, BLOCK)
    ]
    accounts = Accounts(
        0,
        *(
            np.concatenate([getattr(part.accounts, name) for part in parts])
            for name in ("tier", "region", "signup", "interests", "frailty")
        ),
    )
    return Record(
        accounts,
        np.concatenate([part.last_week for part in parts]),
        {name: np.concatenate([part.drifted[name] for part in parts]) for name in (LEVEL, MEANING)},
        np.concatenate([part.counts for part in parts], axis=2),
        np.concatenate([part.present for part in parts], axis=1),
    )


def _block(world: World, first: int, incidents: Floats, renewals: bool) -> Record:
    accounts = draw_accounts(world, first)
    course = draw_course(world, accounts, incidents)
    z, e = course.satisfaction, course.engagement
    weeks = np.arange(world.weeks)[:, None]
    age = np.maximum(weeks - accounts.signup, 0)
    logit = log_odds_of(course.hazard)
    if renewals:
        due = age % RENEWAL_WEEKS == RENEWAL_WEEKS - 1
        logit = logit + np.where(due, RENEWAL, -RENEWAL / 2)
    chance = world.stream(3, first).random(logit.shape)
    later = weeks >= PUBLICATION
    last_week = _last_week(logit, chance)
    present = (weeks >= accounts.signup) & (weeks <= last_week)
    # The same rate for all, so that nothing the model knows tells anything any more.
    flat = log_odds_of(np.mean(model.sigmoid(logit[present & later]), keepdims=True))
    changes = {LEVEL: logit + LEVEL_SHIFT * later, MEANING: np.where(later, flat, logit)}
    return Record(
        accounts,
        last_week,
        {name: _last_week(changed, chance) for name, changed in changes.items()},
        _counts(world, accounts, z, e, present, incidents),
        present,
    )


def _last_week(logit: Floats, chance: Floats) -> Integers:
    leaves = chance < model.sigmoid(np.nan_to_num(logit, nan=-np.inf))
    return np.where(leaves.any(axis=0), leaves.argmax(axis=0), len(logit))


def _counts(
    world: World, accounts: Accounts, z: Floats, e: Floats, present: Booleans, incidents: Floats
) -> Floats:
    """Rows that name their account, by week, drawn as the simulator draws them one by one."""
    rng = world.stream(4, accounts.first)
    weeks = np.arange(world.weeks)[:, None]
    exposure = incidents @ accounts.interests.T
    expected = accounts.frailty * model.volume(accounts.tier, z, e, weeks, exposure)
    named = 1 - model.UNIDENTIFIED_SHARE
    rows = rng.poisson(np.where(present, named * np.nan_to_num(expected), 0.0))
    shares = model.sentiment_shares(world.scenario, np.nan_to_num(z), False)
    negative = rng.binomial(rows, shares[..., 0])
    positive = rng.binomial(rows - negative, shares[..., 2] / (1 - shares[..., 0]))
    step = model.priority_chance(np.nan_to_num(z), False)
    critical = rng.binomial(rows, 4 * step**3 * (1 - step) + step**4)
    return np.stack([rows, negative, positive, critical]).astype(np.float64)


def snapshot_at(record: Record, week: int) -> Snapshot:
    """Features know the weeks before; nobody is there who never wrote."""
    before = record.counts[:, :week]
    wrote = before[0].any(axis=0)
    there = (record.accounts.signup < week) & (record.last_week >= week) & wrote
    before = before[:, :, there]
    first = before[0].astype(bool).argmax(axis=0)
    columns = [np.log1p(week - first), np.exp(-(week - first) / 8)]
    for length in (2, 4, 8, 13, 26):
        columns += list(np.log1p(before[:, week - length :].sum(axis=1)))
    for length in (8, 26):
        sums = before[:, week - length :].sum(axis=1)
        columns += [(one + 0.3) / (sums[0] + 1) for one in sums[1:]]
    for kind in before[:3]:
        since = np.where(kind.any(axis=0), kind[::-1].astype(bool).argmax(axis=0), week - first)
        columns.append(np.log1p(since))
    tier, region = record.accounts.tier[there], record.accounts.region[there]
    columns += [tier == code for code in range(len(model.TIERS))]
    columns += [region == code for code in range(len(model.REGIONS))]
    return Snapshot(
        np.stack(columns, axis=1).astype(np.float32),
        _weeks_left(record.last_week[there], week, len(record.present)),
        tier,
        region,
        np.flatnonzero(there),
        week - first,
        ~before[0, -8:].any(axis=0),
    )


def _weeks_left(last_week: Integers, week: int, weeks: int) -> Integers:
    return np.where(last_week < weeks, last_week - week + 1, weeks)


class _Model(NamedTuple):
    fitted: FittedModel
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


def _fitted(training: list[Snapshot]) -> _Model:
    features = np.concatenate([one.features for one in training])
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1).astype(np.float32)
    weeks = np.concatenate([one.weeks_left for one in training])
    cutoffs = np.repeat(TRAINING, [len(one.tier) for one in training])
    observed = EVALUATION - cutoffs
    seen = weeks <= observed
    examples = LabelledExamples(
        features=(features - mean) / deviation,
        labels=(weeks <= HORIZONS[TARGET]).astype(np.float32),
        cutoffs=cutoffs.astype(np.int64) * WEEK_SECONDS,
        accounts=np.concatenate([one.account for one in training]).astype("S").astype(object),
        days_to_churn=np.where(seen, 7 * weeks, -1).astype(np.float32),
        days_observed=(7 * observed).astype(np.float32),
    )
    days = tuple(7 * weeks for weeks in HORIZONS)
    horizons = choose_horizons(examples, days, days[TARGET], "account_churn")
    return _Model(fit_model(examples, horizons, _LINEAR, carried_shift=0.0), mean, deviation)


def _scored(found: _Model, snapshot: Snapshot) -> Scored:
    fitted = found.fitted
    linear = fitted.linear.log_odds((snapshot.features - found.mean) / found.deviation)
    return Scored(snapshot, churned_within(fitted.blend.log_odds(linear, None)))
