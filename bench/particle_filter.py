"""The best score that feedback allows: P(churn in the horizon | all written so far, still here).

A particle filter per account, over the equations that simulated the world. A week weighs
a particle by the number of rows (negative binomial: the account's frailty is integrated
out), by their sentiment and priority, and by the account having stayed.

Known to the filter, as to the best of readers: the scenario, the account's tier and week
of sign-up, and the incidents of the weeks that have begun; later incidents are drawn. One
thing is approximate: an account's interest in each area is its posterior mean given the
areas of its rows. A cutoff within a week is exact: the part of the week before it thins
the expected rows, and the churn at the week's end is still ahead.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammaln

from bench.weekly_counts import Observations, WeeklyCounts, count_weeks, weeks_begun
from pipeline.demo import world_model as model
from pipeline.demo.world import WEEK_SECONDS, World, draw_incident_starts, incident_strength
from transforms.arrays import Booleans, Floats, Integers

CHUNK: Final = 200
"""Accounts filtered at once: few enough for their particles to stay in the cache."""
DAY_SECONDS: Final = 86_400


@dataclass
class Particles:
    """The states that k accounts may be in, shape [k, particles] each.

    Attributes:
        z: Satisfaction.
        e: Engagement.
        log_weight: Not normalised.
        rate: Second parameter of the gamma distribution of the frailty.
    """

    z: Floats
    e: Floats
    log_weight: Floats
    rate: Floats


@dataclass(frozen=True)
class Chunk:
    """Some accounts of a world, in order of sign-up.

    Attributes:
        world: What the feedback was simulated from.
        tier: Shape [k, 1].
        signup: Shape [k, 1].
        counts: Of these accounts.
        rng: The filter's own randomness.
    """

    world: World
    tier: Integers
    signup: Integers
    counts: WeeklyCounts
    rng: np.random.Generator

    def signed_up(self, week: int) -> int:
        """Returns how many accounts were there in a week: the first ones."""
        return int(np.count_nonzero(np.maximum(self.signup, 0) <= week))

    def hazard(self, week: int, z: Floats, e: Floats) -> Floats:
        """Returns the chance of leaving at the end of a week, of the first accounts."""
        size = len(z)
        changed = self.world.scenario.changed(week, self.world.weeks)
        age = week - self.signup[:size]
        return model.churn_hazard(self.world.scenario, self.tier[:size], z, e, age, changed)


def particle_limit(
    world: World,
    observations: Observations,
    cutoff: int,
    horizon_days: int,
    particles: int = 400,
    seed: int = 0,
) -> Floats:
    """Returns the probability that each account leaves within the horizon.

    Args:
        world: What the feedback was simulated from.
        observations: The accounts and their rows; each signed up before the cutoff.
        cutoff: Seconds since the start of the record; later rows are ignored.
        horizon_days: Churn in [cutoff, cutoff + horizon) counts.
        particles: How many states stand for one account.
        seed: Where the filter's own randomness starts.

    Returns:
        Probabilities, shape [n].
    """
    starts = draw_incident_starts(world)[: weeks_begun(cutoff)]
    counts = count_weeks(observations, incident_strength(starts), cutoff)
    order = np.argsort(observations.signup, kind="stable")
    result = np.empty(len(order))
    for first in range(0, len(order), CHUNK):
        chosen = order[first : first + CHUNK]
        chunk = Chunk(
            world=world,
            tier=observations.tier[chosen][:, None],
            signup=observations.signup[chosen][:, None],
            counts=counts.of(chosen),
            rng=np.random.default_rng([seed, first]),
        )
        states = follow(chunk, incident_strength(starts), cutoff, particles)
        result[chosen] = forecast(
            chunk, states, starts, cutoff, cutoff + horizon_days * DAY_SECONDS
        )
    return result


def follow(chunk: Chunk, incidents: Floats, cutoff: int, particles: int) -> Particles:
    """Returns the particles at the cutoff, weighed by all that was seen before it."""
    size = len(chunk.tier)
    z, e = model.stationary_state(chunk.rng, np.repeat(chunk.tier, particles, axis=1))
    rate = np.full((size, particles), model.FRAILTY_SHAPE)
    states = Particles(z, e, np.zeros((size, particles)), rate)
    exposure = incidents @ chunk.counts.interests.T
    there = 0
    for week in range(len(incidents)):
        states.z[:there], states.e[:there] = model.next_state(
            chunk.rng,
            chunk.tier[:there],
            states.z[:there],
            states.e[:there],
            exposure[week, :there, None],
        )
        there = chunk.signed_up(week)
        observed = min(1.0, (cutoff - week * WEEK_SECONDS) / WEEK_SECONDS)
        weigh_by_rows(chunk, states, week, exposure[week, :there, None], observed)
        if leaving_moment(week) < cutoff:
            hazard = chunk.hazard(week, states.z[:there], states.e[:there])
            states.log_weight[:there] += np.log1p(-hazard)
        resample(chunk.rng, states)
    return states


def weigh_by_rows(
    chunk: Chunk, states: Particles, week: int, exposure: Floats, observed: float
) -> None:
    """Weighs the particles of the first accounts by the rows of one week.

    Args:
        chunk: The accounts.
        states: Their particles; weights and rates are changed.
        week: Which week.
        exposure: How much its incidents concern each account, shape [there, 1].
        observed: Share of the week that lies before the cutoff.
    """
    there = len(exposure)
    z, e = states.z[:there], states.e[:there]
    counts = chunk.counts.sentiment[week, :there]
    rows = counts.sum(axis=1)[:, None]
    written = chunk.counts.sentiment[:week, :there].sum(axis=(0, 2))[:, None]
    expected = model.volume(chunk.tier[:there], z, e, week, exposure)
    expected *= observed * (1 - model.UNIDENTIFIED_SHARE)
    shape, rate = model.FRAILTY_SHAPE + written, states.rate[:there]
    log_likelihood = gammaln(shape + rows) - gammaln(shape) + shape * np.log(rate)
    log_likelihood = log_likelihood - (shape + rows) * np.log(rate + expected)
    log_likelihood += rows * np.log(expected)
    states.rate[:there] += expected
    wrote = np.flatnonzero(rows[:, 0])
    log_likelihood[wrote] += log_likelihood_of_contents(chunk, week, wrote, z[wrote])
    states.log_weight[:there] += log_likelihood


def log_likelihood_of_contents(chunk: Chunk, week: int, accounts: Integers, z: Floats) -> Floats:
    """Returns how well states explain sentiment and priority, shape [accounts, particles]."""
    counts = chunk.counts.sentiment[week, accounts]
    steps = chunk.counts.steps[week, accounts]
    changed = chunk.world.scenario.changed(week, chunk.world.weeks)
    shares = model.sentiment_shares(chunk.world.scenario, z, changed)
    result = np.einsum("kps,ks->kp", np.log(shares), counts)
    rows = np.stack([counts[:, 0], counts[:, 1:].sum(axis=1)], axis=1)
    for kind, negative in enumerate((True, False)):
        chance = model.priority_chance(z, negative)
        missing = model.HIGHEST_PRIORITY_STEP * rows[:, kind] - steps[:, kind]
        result += steps[:, kind, None] * np.log(chance) + missing[:, None] * np.log1p(-chance)
    return np.asarray(result)


def leaving_moment(week: int) -> int:
    """Returns the second in which accounts leave at the end of a week."""
    return (week + 1) * WEEK_SECONDS - 1


def weights(states: Particles) -> Floats:
    """Returns the weights of each account's particles, summing to 1."""
    raw = np.exp(states.log_weight - states.log_weight.max(axis=1, keepdims=True))
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


def resample(rng: np.random.Generator, states: Particles) -> None:
    """Resamples the particles where fewer than half of them carry the weight."""
    weight = weights(states)
    particles = weight.shape[1]
    poor = np.flatnonzero(1 / (weight**2).sum(axis=1) < particles / 2)
    if not len(poor):
        return
    limits = np.cumsum(weight[poor], axis=1)
    limits[:, -1] = 1.0
    points = (rng.random((len(poor), 1)) + np.arange(particles)) / particles
    row = np.arange(len(poor))[:, None]
    # Adding the row's number makes all rows one rising sequence, searched at once.
    drawn = np.searchsorted((limits + row).ravel(), (points + row).ravel()).reshape(points.shape)
    drawn = np.minimum(drawn - row * particles, particles - 1)
    for values in (states.z, states.e, states.rate):
        values[poor] = np.take_along_axis(values[poor], drawn, axis=1)
    states.log_weight[poor] = 0.0


def forecast(
    chunk: Chunk, states: Particles, starts: Booleans, cutoff: int, closing: int
) -> Floats:
    """Returns the probability of leaving in [cutoff, closing), shape [k].

    Each particle meets incidents of its own in the weeks to come.
    """
    weight, staying = weights(states), np.ones_like(states.z)
    known = len(starts)
    week = cutoff // WEEK_SECONDS
    shape = (weeks_begun(closing) - known, starts.shape[1], weight.shape[1])
    coming = chunk.rng.random(shape) < model.INCIDENT_PROBABILITY
    seen = np.broadcast_to(starts[:, :, None], (*starts.shape, weight.shape[1]))
    incidents = incident_strength(np.concatenate([seen, coming]))
    while leaving_moment(week) < closing:
        if week >= known:
            exposure = chunk.counts.interests @ incidents[week]
            states.z, states.e = model.next_state(
                chunk.rng, chunk.tier, states.z, states.e, exposure
            )
        staying *= 1 - chunk.hazard(week, states.z, states.e)
        week += 1
    return np.asarray((weight * (1 - staying)).sum(axis=1))
