"""Simulated years as Monitor sees them: the arrays and facts of one run after the other.

Accounts and events are those of the simulated world, with a weekly rhythm; the scores are those
of a fixed rule of the same kind as the model's. A change may be planted on a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Final

import numpy as np

from components.monitor.observed import STATE, Observed, Scored, Words
from components.registry.node_costs import DONE, NodeCost
from pipeline.demo import world_model as model
from pipeline.demo.world import (
    BLOCK,
    WEEK_SECONDS,
    World,
    draw_block,
    draw_incident_starts,
    incident_strength,
)
from transforms.arrays import Booleans, Integers

DAY: Final = 86_400
WARM_WEEKS: Final = 40
"""Of the record before the first run."""
LOOKBACK_DAYS: Final = 180
PROFILE_DAYS: Final = 63
"""Days from the evaluation set of the champion to the first run."""
STATES: Final = ("new", "active", "quiet", "silent")
TOPICS: Final = tuple(topic for area in model.TOPICS for topic in area)
CHANGES: Final = (
    "source renamed",
    "tier lost",
    "topics lost",
    "sentiment harsher",
    "area doubled",
    "late ETL",
    "region silent",
    "price rise",
)
LOST_TOPICS: Final = 0.3
"""Share of the topics that are blank after `topics lost`."""
LATE_DAYS: Final = 2.0
_HARSHER: Final = 0.35
_PRICE: Final = 0.8
_RENAMED: Final = model.SOURCES.index("email")
_DOUBLED: Final = model.AREAS.index("performance")
_SILENT: Final = model.REGIONS.index("EU")
_NODES: Final = {"FeedbackExampleGen": 1.2, "StatisticsGen": 1.4, "AccountScorer": 2.1}


@dataclass(frozen=True)
class Kind:
    """What kind of business a world is; tuning and reporting draw other ones.

    Attributes:
        accounts: That ever sign up; about half of them are scored.
        weekend: Share of the usual rows that come on a day of the weekend.
        season: Further swing of the volume over a year, as a fraction.
        incidents: Chance that an incident begins in an area in a week.
        every_days: Days between two runs.
        days: Length of what is monitored.
    """

    accounts: int = 4_000
    weekend: float = 0.35
    season: float = 0.0
    incidents: float = model.INCIDENT_PROBABILITY
    every_days: int = 1
    days: int = 364


@dataclass(frozen=True)
class Run:
    """One run of a simulated year.

    Attributes:
        day: Since the first run.
        observed: Accounts and events.
        scored: Scores.
        categories: Accounts by risk band.
        age_days: Of the newest feedback.
        rows: Rows of feedback so far.
        rows_week: Of the last seven days.
        unnamed: Rows without an account so far.
        churned: Dates of churn so far.
        with_feedback: Accounts that ever wrote.
        costs: What the nodes took.
    """

    day: float
    observed: Observed
    scored: Scored
    categories: dict[str, int]
    age_days: float
    rows: int
    rows_week: int
    unnamed: int
    churned: int
    with_feedback: int
    costs: tuple[NodeCost, ...] = ()


@dataclass
class _Rows:
    """Rows of feedback in the order of time, [rows] each."""

    account: Integers
    second: Integers
    area: Integers
    topic: Integers
    source: Integers
    sentiment: Integers
    priority: Integers
    tier: Integers
    region: Integers
    named: Booleans
    arrives: Integers

    def take(self, of: Integers | Booleans) -> "_Rows":
        return _Rows(**{name: values[of] for name, values in vars(self).items()})


def simulated_runs(kind: Kind, seed: int, change: str = "", on_day: int = 0) -> Iterator[Run]:
    """Yields what the champion learnt from, and then the runs of a year.

    Args:
        kind: Of the business.
        seed: Where the randomness starts.
        change: One of CHANGES; nothing changes if it is empty.
        on_day: The day from which it holds.
    """
    weeks = WARM_WEEKS + -(-kind.days // 7) + 1
    at_week = WARM_WEEKS + on_day / 7
    scenario = replace(
        model.BASE,
        change_at=at_week / weeks,
        negative_shift=_HARSHER if change == "sentiment harsher" else 0.0,
        hazard_shift=_PRICE if change == "price rise" else 0.0,
    )
    world = World(scenario, kind.accounts, weeks, seed)
    rows, left = _draw(world, kind)
    start = WARM_WEEKS * 7 * DAY
    rows = _changed(rows, change, start + on_day * DAY, np.random.default_rng([seed, 77]))
    yield from _runs(kind, rows, left, start, np.random.default_rng([seed, 78]))


def _draw(world: World, kind: Kind) -> tuple[_Rows, Integers]:
    """Returns all rows, and the second at which each account leaves."""
    starts = draw_incident_starts(world)
    if kind.incidents != model.INCIDENT_PROBABILITY:
        starts = world.stream(0).random(starts.shape) < kind.incidents
    strength = incident_strength(starts)
    parts, left = [], []
    for first in range(0, world.accounts, BLOCK):
        block = draw_block(world, first, strength)
        one = block.feedback
        tier, region = block.accounts.tier, block.accounts.region
        parts.append(
            (
                one.account + first,
                one.second,
                one.area,
                one.area * len(model.TOPICS[0]) + one.topic,
                one.source,
                one.sentiment,
                one.priority,
                tier[one.account],
                region[one.account],
                one.identified,
            )
        )
        gone = np.where(
            block.course.last_week < world.weeks,
            (block.course.last_week + 1) * WEEK_SECONDS,
            np.iinfo(np.int64).max,
        )
        left.append(gone)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    columns.append(columns[1])  # nothing arrives late
    rows = _Rows(*columns)
    rng = np.random.default_rng([world.seed, 76])
    day = rows.second // DAY
    chance = np.where(day % 7 >= 5, kind.weekend, 1.0)
    chance = chance * (1 - kind.season * (1 + np.cos(2 * np.pi * day / 364)) / 2)
    rows = rows.take(rng.random(len(day)) < chance)
    return rows.take(np.argsort(rows.second, kind="stable")), np.concatenate(left)


def _changed(rows: _Rows, change: str, moment: int, rng: np.random.Generator) -> _Rows:
    after = rows.second >= moment
    if change == "source renamed":
        rows.source[after & (rows.source == _RENAMED)] = len(model.SOURCES)
    elif change == "tier lost":
        rows.tier[after] = -1
    elif change == "topics lost":
        rows.topic[after & (rng.random(len(after)) < LOST_TOPICS)] = -1
    elif change == "area doubled":
        again = rows.take(after & (rows.area == _DOUBLED))
        again.second = again.second // WEEK_SECONDS * WEEK_SECONDS + rng.integers(
            0, WEEK_SECONDS, len(again.second)
        )
        again.arrives = again.second
        both = _Rows(
            **{
                name: np.concatenate([values, vars(again)[name]])
                for name, values in vars(rows).items()
            }
        )
        rows = both.take(np.argsort(both.second, kind="stable"))
    elif change == "late ETL":
        rows.arrives = np.where(after, rows.second + int(LATE_DAYS * DAY), rows.second)
    elif change == "region silent":
        rows = rows.take(~(after & (rows.region == _SILENT)))
    return rows


class _Accounts:
    """What is known of each account so far."""

    def __init__(self, count: int):
        self.first = np.full(count, np.inf)
        self.last = np.full(count, -np.inf)
        self.counts = np.zeros((4, count))
        self.tier = np.full(count, -1)
        self.region = np.full(count, -1)

    def add(self, rows: _Rows) -> None:
        """Adds rows, in the order of time."""
        rows = rows.take(rows.named)
        account = rows.account
        np.minimum.at(self.first, account, rows.second)
        self.last[account] = np.maximum(self.last[account], rows.second)
        size = len(self.first)
        self.counts[0] += np.bincount(account, minlength=size)
        for code in range(3):
            self.counts[code + 1] += np.bincount(account[rows.sentiment == code], minlength=size)
        self.tier[account], self.region[account] = rows.tier, rows.region


def _runs(
    kind: Kind, rows: _Rows, left: Integers, start: int, rng: np.random.Generator
) -> Iterator[Run]:
    named = rows.take(rows.named)
    known = _Accounts(len(left))
    arrived = np.maximum.accumulate(rows.arrives)
    done = unnamed = 0
    for day in (-PROFILE_DAYS, *range(0, kind.days, kind.every_days)):
        now = start + day * DAY
        end = int(np.searchsorted(arrived, now))
        new = rows.take(np.arange(done, end))
        known.add(new)
        unnamed += int(np.count_nonzero(~new.named))
        done = end
        yield _run(day, now, end, unnamed, rows, named, known, left, rng)


def _run(
    day: int,
    now: int,
    end: int,
    unnamed: int,
    rows: _Rows,
    named: _Rows,
    known: _Accounts,
    left: Integers,
    rng: np.random.Generator,
) -> Run:
    gone = (left < now) & (known.last < left)
    alive = np.isfinite(known.first) & ~gone
    place = np.cumsum(alive) - 1
    begin = int(np.searchsorted(named.second, now - LOOKBACK_DAYS * DAY))
    until = int(np.count_nonzero(rows.named[:end]))
    inside = begin + np.flatnonzero(alive[named.account[begin:until]])
    names = ("account", "second", "area", "topic", "source", "sentiment", "priority")
    recent = SimpleNamespace(**{name: vars(named)[name][inside] for name in names})
    account, age = place[recent.account], (now - recent.second) / DAY
    size = int(alive.sum())
    tenure, silence = (now - known.first[alive]) / DAY, (now - known.last[alive]) / DAY
    counts = ("lifetime_count", *(f"lifetime_{one}_count" for one in model.SENTIMENT_NAMES))
    words = {
        "tier": Words(known.tier[alive], model.TIERS),
        "region": Words(known.region[alive], model.REGIONS),
    }
    observed = Observed(
        numbers={
            "tenure_days": tenure,
            "days_since_last_event": silence,
            **dict(zip(counts, known.counts[:, alive], strict=True)),
        },
        account_words=words,
        event_account=account,
        event_age=age,
        event_numbers={"priority": recent.priority.astype(np.float64)},
        event_words={
            "sentiment": Words(recent.sentiment, model.SENTIMENT_NAMES),
            "area": Words(recent.area, model.AREAS),
            "source": Words(recent.source, (*model.SOURCES, "mail")),
            "topic": Words(recent.topic, TOPICS),
        },
    )
    scored = _scored(observed, recent, words)
    edges = np.digitize(scored.probability, (0.25, 0.5, 0.75))
    bands = np.bincount(edges, minlength=4).tolist()
    week = int(np.searchsorted(rows.second[:end], now - 7 * DAY))
    return Run(
        day=float(day),
        observed=observed,
        scored=scored,
        categories=dict(zip(("low", "medium", "high", "critical"), bands, strict=True)),
        age_days=(now - int(rows.second[:end].max(initial=0))) / DAY,
        rows=end,
        rows_week=end - week,
        unnamed=unnamed,
        churned=int(np.count_nonzero(left < now)),
        with_feedback=int(np.isfinite(known.first).sum()),
        costs=tuple(_costs(rng, size)),
    )


def _scored(observed: Observed, recent: SimpleNamespace, words: dict[str, Words]) -> Scored:
    size = observed.accounts
    quarter = observed.event_age < 90
    account = observed.event_account[quarter]
    count = np.bincount(account, minlength=size)
    negative = np.bincount(account[recent.sentiment[quarter] == 0], minlength=size)
    tenure, silence = observed.numbers["tenure_days"], observed.numbers["days_since_last_event"]
    tier = words["tier"].codes
    contributions = {
        "silence": 0.35 * (np.log1p(silence) - 2.5),
        "volume": -0.3 * (np.log1p(count) - 1.5),
        "negative_feedback": 1.5 * (negative / (count + 2) - 0.25),
        "tenure": 0.9 * np.exp(-tenure / 56),
        "tier": np.array([0.1, -0.2, -0.6, 0.0])[tier],
    }
    log_odds = -2.6 + sum(contributions.values())
    states = np.select([silence >= LOOKBACK_DAYS, tenure < 30, silence > 45], [3, 0, 2], default=1)
    return Scored(
        log_odds=log_odds,
        probability=1 / (1 + np.exp(-log_odds)),
        words={**words, STATE: Words(states, STATES)},
        contributions=contributions,
    )


def _costs(rng: np.random.Generator, accounts: int) -> Iterator[NodeCost]:
    """Durations on a shared machine: now and then it is busy with something else."""
    for name, seconds in _NODES.items():
        busy = 3.0 if rng.random() < 0.01 else 1.0
        noise = float(np.exp(0.12 * rng.standard_t(4)))
        memory = 700 + accounts / 100 + 8 * float(rng.standard_normal())
        yield NodeCost(name, DONE, round(seconds * busy * noise, 2), round(memory, 1))
