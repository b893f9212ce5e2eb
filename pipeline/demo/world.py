"""Draws a simulated world, block by block of accounts, with its truth beside it.

Accounts are independent given the incidents, so a block needs no other. Each kind
of randomness has a stream of its own: two scenarios of one seed share their
accounts, states and incidents, and differ only by what the scenario changes.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np

from pipeline.demo import world_model as model
from pipeline.demo.world_model import Scenario
from serving_model.learning.blas import keep_blas_to_one_thread
from transforms.arrays import Booleans, Floats, Integers

BLOCK: Final = 2000
"""Accounts drawn at once; part of what a seed means."""
WEEK_SECONDS: Final = 7 * 86_400


@dataclass(frozen=True)
class World:
    """All that defines a world.

    Attributes:
        scenario: Its effects.
        accounts: How many accounts ever sign up.
        weeks: Length of the record.
        seed: Where its randomness starts.
    """

    scenario: Scenario
    accounts: int
    weeks: int
    seed: int

    def stream(self, *purpose: int) -> np.random.Generator:
        """Returns the random stream of one purpose."""
        return np.random.default_rng([self.seed, *purpose])


@dataclass(frozen=True)
class Accounts:
    """The lasting properties of n accounts; feedback shows their tier and region.

    Attributes:
        first: Number of the first of them in the world.
        tier: Codes, shape [n].
        region: Codes, shape [n].
        signup: Week of sign-up, negative before the record, shape [n].
        interests: Share of each product area, shape [n, areas].
        frailty: Factor of the volume, mean 1, shape [n].
    """

    first: int
    tier: Integers
    region: Integers
    signup: Integers
    interests: Floats
    frailty: Floats


@dataclass(frozen=True)
class Course:
    """What happens to n accounts over the weeks.

    Attributes:
        satisfaction: Shape [weeks, n]; NaN before sign-up.
        engagement: Shape [weeks, n]; NaN before sign-up.
        hazard: Chance of leaving at the end of the week, shape [weeks, n].
        last_week: Week at whose end the account leaves, `weeks` if it stays, shape [n].
        present: Whether the account is there in a week, shape [weeks, n].
    """

    satisfaction: Floats
    engagement: Floats
    hazard: Floats
    last_week: Integers
    present: Booleans


@dataclass(frozen=True)
class Feedback:
    """Rows of feedback, shape [rows] each.

    Attributes:
        account: Number within the block.
        second: Seconds since the start of the record.
        area: Codes of product areas.
        topic: Code of the topic within its area.
        source: Codes.
        sentiment: Codes: negative, neutral, positive.
        priority: 1 to 5.
        identified: Whether the row names its account.
    """

    account: Integers
    second: Integers
    area: Integers
    topic: Integers
    source: Integers
    sentiment: Integers
    priority: Integers
    identified: Booleans


@dataclass(frozen=True)
class Block:
    """Some accounts of a world, what became of them and what they wrote."""

    accounts: Accounts
    course: Course
    feedback: Feedback


def draw_incident_starts(world: World) -> Booleans:
    """Returns in which weeks an incident starts in which area, shape [weeks, areas]."""
    draws = world.stream(0).random((world.weeks, len(model.AREAS)))
    return np.asarray(draws < model.INCIDENT_PROBABILITY)


def incident_strength(starts: Booleans) -> Floats:
    """Returns how strong incidents are in each week; where two overlap, the stronger counts.

    Args:
        starts: Shape [weeks, ...].

    Returns:
        Strengths from 0 to 1, of the same shape.
    """
    strength = np.zeros(starts.shape)
    for later, share in enumerate(model.INCIDENT_COURSE[: len(starts)]):
        begun = starts[: len(starts) - later]
        strength[later:] = np.maximum(strength[later:], share * begun)
    return strength


def draw_blocks(world: World) -> Iterator[Block]:
    """Yields the world in blocks; memory is bounded by one."""
    incidents = incident_strength(draw_incident_starts(world))
    for first in range(0, world.accounts, BLOCK):
        yield draw_block(world, first, incidents)


def draw_blocks_ahead(world: World, threads: int) -> Generator[Block, None, None]:
    """Yields the blocks of draw_blocks, in order, while the next ones are drawn.

    Args:
        world: What is drawn.
        threads: How many blocks are drawn at once; as many and two more bound the memory.
    """
    incidents = incident_strength(draw_incident_starts(world))
    # The products are small: further threads of BLAS would wait in a loop for most of the time.
    keep_blas_to_one_thread()
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Block]] = deque()
        for first in range(0, world.accounts, BLOCK):
            ahead.append(pool.submit(draw_block, world, first, incidents))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def draw_block(world: World, first: int, incidents: Floats) -> Block:
    """Draws the block that starts with account number `first`.

    Args:
        world: Whose block it is.
        first: A multiple of BLOCK.
        incidents: What incident_strength returns for the world.
    """
    accounts = draw_accounts(world, first)
    course = draw_course(world, accounts, incidents)
    return Block(accounts, course, draw_feedback(world, accounts, course, incidents))


def draw_accounts(world: World, first: int) -> Accounts:
    """Draws the accounts of the block that starts with number `first`."""
    size = min(BLOCK, world.accounts - first)
    rng = world.stream(1, first)
    alpha = model.AREA_CONCENTRATION * np.array(model.AREA_SHARES)
    old = rng.random(size) < 0.5
    return Accounts(
        first=first,
        tier=rng.choice(len(model.TIERS), size, p=model.TIER_SHARES),
        region=rng.choice(len(model.REGIONS), size, p=model.REGION_SHARES),
        signup=np.where(
            old,
            rng.integers(-model.WEEKS_BEFORE_START, 0, size),
            rng.integers(0, world.weeks, size),
        ),
        interests=rng.dirichlet(alpha, size),
        frailty=rng.gamma(model.FRAILTY_SHAPE, 1 / model.FRAILTY_SHAPE, size),
    )


def draw_course(world: World, accounts: Accounts, incidents: Floats) -> Course:
    """Draws the states of each week, and the week in which each account leaves."""
    size, rng = len(accounts.tier), world.stream(2, accounts.first)
    exposure = incidents @ accounts.interests.T
    z = np.full((world.weeks, size), np.nan)
    e = np.full((world.weeks, size), np.nan)
    for week in range(world.weeks):
        new_z, new_e = model.stationary_state(rng, accounts.tier)
        old_z, old_e = model.next_state(
            rng, accounts.tier, z[week - 1], e[week - 1], exposure[week]
        )
        begins = np.maximum(accounts.signup, 0) == week
        z[week], e[week] = np.where(begins, new_z, old_z), np.where(begins, new_e, old_e)
    weeks = np.arange(world.weeks)[:, None]
    hazard = model.churn_hazard(
        world.scenario,
        accounts.tier,
        z,
        e,
        np.maximum(weeks - accounts.signup, 0),
        world.scenario.changed(weeks, world.weeks),
    )
    leaves = world.stream(3, accounts.first).random(hazard.shape) < hazard
    last_week = np.where(leaves.any(axis=0), leaves.argmax(axis=0), world.weeks)
    present = (weeks >= accounts.signup) & (weeks <= last_week)
    return Course(z, e, hazard, last_week, present)


def draw_feedback(world: World, accounts: Accounts, course: Course, incidents: Floats) -> Feedback:
    """Draws what the accounts write while they are there, in order of weeks."""
    weeks = np.arange(world.weeks)[:, None]
    exposure = incidents @ accounts.interests.T
    z, e = course.satisfaction, course.engagement
    expected = accounts.frailty * model.volume(accounts.tier, z, e, weeks, exposure)
    counts = world.stream(4, accounts.first).poisson(np.where(course.present, expected, 0.0))
    week, account = (np.repeat(index, counts[counts > 0]) for index in np.nonzero(counts))
    rng = world.stream(5, accounts.first)
    changed = world.scenario.changed(week, world.weeks)
    mood = z[week, account]
    shares = model.sentiment_shares(world.scenario, mood, changed)
    sentiment = pick(rng, (shares[..., kind] for kind in range(len(model.SENTIMENT_NAMES))))
    steps = rng.binomial(model.HIGHEST_PRIORITY_STEP, model.priority_chance(mood, sentiment == 0))
    second = week * WEEK_SECONDS + rng.integers(0, WEEK_SECONDS - 1, len(week))
    boosts = 1 + 4 * incidents
    interests = (
        own[account] * boost[week]
        for own, boost in zip(accounts.interests.T.copy(), boosts.T.copy(), strict=True)
    )
    area = pick(rng, interests)
    topic = rng.integers(0, len(model.TOPICS[0]), len(week))
    limits = np.cumsum(model.SOURCE_SHARES)
    source = np.searchsorted(limits, rng.random(len(week)) * limits[-1])
    return Feedback(
        account=account,
        second=second,
        area=area,
        topic=topic,
        source=source,
        sentiment=sentiment,
        priority=1 + steps,
        identified=rng.random(len(week)) >= model.UNIDENTIFIED_SHARE,
    )


def pick(rng: np.random.Generator, weights: Iterable[Floats]) -> Integers:
    """Draws a column for each row, in proportion to its weights.

    Args:
        rng: Where the randomness comes from.
        weights: By column, shape [rows].

    Returns:
        Codes of columns, shape [rows].
    """
    limits = list(accumulate(weights))
    drawn = rng.random(len(limits[-1])) * limits[-1]
    codes = np.zeros(len(drawn), np.int64)
    # No draw reaches the last limit: it is a share below 1 of it.
    for limit in limits[:-1]:
        codes += limit < drawn
    return codes
