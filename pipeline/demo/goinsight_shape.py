"""The same world as GoInsight's deployments would have written it: with all that goes wrong.

Every kind is a small function from rows to rows with a random stream of its own. What
happens in the world, and who leaves, is as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from pipeline.demo import world_model as model
from pipeline.demo.copy_text import FeedbackColumns, account_names
from pipeline.demo.world import WEEK_SECONDS, Accounts, Block, World
from transforms.arrays import Booleans, Integers

SHAPE_STREAM: Final = 6
"""The world's random streams 0 to 5 are its own; those of what is written begin here."""
ODD_ID_SHARE: Final = 0.10
ODD_IDS: Final[tuple[Callable[[str, str], str], ...]] = (
    # The arguments are the account's plain id and that of the account before it.
    lambda own, _: f"{own}/eu",
    lambda own, _: f'{own} "Zoë & Co."',
    lambda own, _: f"{own}-O'Größe",
    lambda own, _: f"{own}-日本-😀",
    lambda own, _: f"{own}\\N\\.",
    lambda own, _: f"{own}\ttab",
    lambda own, _: f"{own}\r\nline\n",
    lambda own, _: f"{own}%2F..?#",
    lambda own, _: f"{own}-e\u0301",
    lambda _, before: before.lower(),
    lambda _, before: f"{before} ",
    lambda _, before: f" {before}",
)


def odd_account_names(world: World, accounts: Accounts) -> list[str]:
    """Returns the account ids of a block; some of every second account are odd.

    Some of those differ from the account before them by case or blanks only.
    """
    names, rng = account_names(accounts), world.stream(SHAPE_STREAM, 0, accounts.first)
    odd = rng.random(len(names)) < 2 * ODD_ID_SHARE
    kinds = rng.integers(0, len(ODD_IDS), len(names))
    for index in range(1, len(names), 2):
        if odd[index]:
            names[index] = ODD_IDS[kinds[index]](names[index], names[index - 1])
    return names


DAY_SECONDS: Final = 86_400
LATE_DAYS: Final = 60
"""The newest days of the record, in which words appear that nobody wrote before."""
LATE_AREA: Final = "ai_assistant"
LATE_TOPICS: Final = ("hallucination", "prompt_limit", "tone")
LATE_SOURCE: Final = "slack"

CHANGED_TIER_SHARE: Final = 0.15
CHANGED_REGION_SHARE: Final = 0.05
LATE_SHARE: Final = 0.10
SINGLE_ROW_SHARE: Final = 0.02
RESELLER_SHARE: Final = 0.01
SPELLED_SHARE: Final = 0.02
FUTURE_SHARE: Final = 0.002
REPEATED_SHARE: Final = 0.005
MOST_REPETITIONS: Final = 4

SPELLED_COLUMNS: Final = ("product_area", "source", "topic", "region", "customer_tier")
SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (
    str.upper,
    str.title,
    str.lower,
    " {}".format,
    "{}  ".format,
    lambda word: f" {word.upper()} ",
)


@dataclass(frozen=True)
class Reseller:
    """The account that writes one row of a hundred, from its sign-up to the end of the record."""

    name: str
    tier: str
    region: str
    since: int

    @classmethod
    def among(cls, world: World, block: Block, names: list[str]) -> "Reseller":
        """Chooses the account of a block that is there the longest and writes the least."""
        weeks = block.course.present.sum(axis=0)
        stays = block.course.last_week == world.weeks
        account = int(np.lexsort((block.accounts.frailty, -np.where(stays, weeks, -1)))[0])
        signup = int(block.accounts.signup[account])
        return cls(
            name=names[account],
            tier=model.TIERS[block.accounts.tier[account]],
            region=model.REGIONS[block.accounts.region[account]],
            since=max(signup, 0) * WEEK_SECONDS,
        )


def goinsight_rows(
    world: World, block: Block, rows: FeedbackColumns, reseller: Reseller
) -> FeedbackColumns:
    """Returns the rows of a block as they would be found.

    Args:
        world: Whose block it is.
        block: What happened.
        rows: Its rows as the world has them.
        reseller: The account of one row in a hundred.
    """
    end, size = world.weeks * WEEK_SECONDS, len(block.accounts.tier)
    kinds: tuple[Callable[[FeedbackColumns, np.random.Generator], FeedbackColumns], ...] = (
        partial(change_tiers, tiers=block.accounts.tier),
        partial(change_regions, regions=block.accounts.region),
        partial(leave_one_row, accounts=size),
        partial(add_reseller, reseller=reseller, end=end),
        # After what copies rows to other moments: no late word may be written early.
        partial(write_late_words, end=end),
        spell_differently,
        partial(date_in_future, end=end),
        repeat,
    )
    for number, kind in enumerate(kinds, 1):
        rows = kind(rows, world.stream(SHAPE_STREAM, number, block.accounts.first))
    return rows


def change_tiers(
    rows: FeedbackColumns, rng: np.random.Generator, tiers: Integers
) -> FeedbackColumns:
    """Gives older rows of some accounts another tier; the newest keep the true one."""
    former = _former(rng, tiers, len(model.TIERS))
    older = _older(rows, rng, len(tiers), CHANGED_TIER_SHARE)
    names = np.array(model.TIERS, dtype=object)[former]
    return rows.where(older, customer_tier=names[rows.account[older]])


def change_regions(
    rows: FeedbackColumns, rng: np.random.Generator, regions: Integers
) -> FeedbackColumns:
    """Gives older rows of some accounts another region; the newest keep the true one."""
    former = _former(rng, regions, len(model.REGIONS))
    older = _older(rows, rng, len(regions), CHANGED_REGION_SHARE)
    names = np.array(model.REGIONS, dtype=object)[former]
    return rows.where(older, region=names[rows.account[older]])


def leave_one_row(
    rows: FeedbackColumns, rng: np.random.Generator, accounts: int
) -> FeedbackColumns:
    """Takes all rows but the newest from some accounts."""
    single = rng.random(accounts) < SINGLE_ROW_SHARE
    by_time = np.argsort(rows.second, kind="stable")
    by_time = by_time[rows.named()[by_time]]
    newest = np.full(accounts, -1)
    newest[rows.account[by_time]] = by_time
    place = np.arange(len(rows.second))
    return rows.take(~single[rows.account] | (place == newest[rows.account]))


def write_late_words(rows: FeedbackColumns, rng: np.random.Generator, end: int) -> FeedbackColumns:
    """Moves some of the newest rows to an area, topics and a source that are new."""
    late = rows.second >= end - min(LATE_DAYS * DAY_SECONDS, end // 4)
    moved = late & (rng.random(len(late)) < LATE_SHARE)
    topics = np.array(LATE_TOPICS, dtype=object)[rng.integers(0, len(LATE_TOPICS), len(late))]
    rows = rows.where(moved, product_area=LATE_AREA, topic=topics[moved])
    return rows.where(late & (rng.random(len(late)) < LATE_SHARE), source=LATE_SOURCE)


def add_reseller(
    rows: FeedbackColumns, rng: np.random.Generator, reseller: Reseller, end: int
) -> FeedbackColumns:
    """Adds rows of one account, like those of others, until it has its share of the block."""
    count = round(len(rows.second) * RESELLER_SHARE / (1 - RESELLER_SHARE))
    if not count:
        return rows
    added = rows.take(rng.integers(0, len(rows.second), count))
    own = added.where(
        np.ones(count, dtype=bool),
        account_id=reseller.name,
        customer_tier=reseller.tier,
        region=reseller.region,
    )
    seconds = rng.integers(reseller.since, end - 1, count)
    return rows.followed_by(replace(own, second=seconds))


def spell_differently(rows: FeedbackColumns, rng: np.random.Generator) -> FeedbackColumns:
    """Changes case and surrounding blanks of some values in each open set."""
    for column in SPELLED_COLUMNS:
        chosen = rng.random(len(rows.second)) < SPELLED_SHARE
        kinds = rng.integers(0, len(SPELLINGS), int(chosen.sum()))
        words = getattr(rows, column)[chosen]
        spelled = [SPELLINGS[kind](word) for kind, word in zip(kinds, words, strict=True)]
        rows = rows.where(chosen, **{column: spelled})
    return rows


def date_in_future(rows: FeedbackColumns, rng: np.random.Generator, end: int) -> FeedbackColumns:
    """Adds copies of some rows whose date lies one to thirteen months after the record."""
    copies = rows.take(rng.random(len(rows.second)) < FUTURE_SHARE)
    later = rng.integers(30 * DAY_SECONDS, 400 * DAY_SECONDS, len(copies.second))
    return rows.followed_by(replace(copies, second=end + later))


def repeat(rows: FeedbackColumns, rng: np.random.Generator) -> FeedbackColumns:
    """Adds some rows again, up to four times; they will get ids of their own."""
    times = rng.integers(1, MOST_REPETITIONS + 1, len(rows.second))
    times[rng.random(len(rows.second)) >= REPEATED_SHARE] = 0
    return rows.followed_by(rows.take(np.repeat(np.arange(len(times)), times)))


def _former(rng: np.random.Generator, codes: Integers, count: int) -> Integers:
    """Another code for each."""
    return np.asarray((codes + rng.integers(1, count, len(codes))) % count)


def _older(
    rows: FeedbackColumns, rng: np.random.Generator, accounts: int, share: float
) -> Booleans:
    """Rows before a random moment of the history of some accounts, bool [rows]."""
    changed = rng.random(accounts) < share
    newest = np.zeros(accounts, dtype=np.int64)
    np.maximum.at(newest, rows.account, rows.second)
    moment = np.where(changed, rng.random(accounts) * newest, -1)
    return np.asarray(rows.second < moment[rows.account])
