"""Writes a simulated world into Postgres: feedback_enriched and account_churn.

One transaction does it all, so that a killed simulation leaves what was there before.
"""

import io
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple

import numpy as np
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.copying import copy_in
from components.postgres.failures import explained
from components.postgres.migrate import migrate
from components.postgres.queries import queries
from components.postgres.rows import value
from pipeline.demo.copy_text import (
    FeedbackColumns,
    account_names,
    churn_lines,
    feedback_columns,
    feedback_text,
)
from pipeline.demo.goinsight_shape import Reseller, goinsight_rows, odd_account_names
from pipeline.demo.plain_text import plain_text
from pipeline.demo.recorded_worlds import make_room
from pipeline.demo.world import Block, World, draw_blocks, draw_blocks_ahead
from pipeline.demo.world_model import SCENARIOS

PLAIN: Final = "plain"
GOINSIGHT: Final = "goinsight"
SHAPES: Final = (PLAIN, GOINSIGHT)


class ShapedBlock(NamedTuple):
    """Some accounts of a world, their ids, and the rows of feedback to write."""

    block: Block
    names: list[str]
    rows: FeedbackColumns


def shaped_blocks(
    world: World, shape: str, blocks: Iterable[Block] | None = None
) -> Iterator[ShapedBlock]:
    """Yields a world in blocks as it is to be written; memory is bounded by one.

    Args:
        world: What happens; the shape changes nothing in it.
        shape: plain or goinsight.
        blocks: Those of the world, if they are drawn elsewhere.
    """
    reseller: Reseller | None = None
    for block in draw_blocks(world) if blocks is None else blocks:
        if shape == PLAIN:
            names = account_names(block.accounts)
            yield ShapedBlock(block, names, feedback_columns(block, names))
            continue
        names = odd_account_names(world, block.accounts)
        reseller = reseller or Reseller.among(world, block, names)
        rows = feedback_columns(block, names)
        yield ShapedBlock(block, names, goinsight_rows(world, block, rows, reseller))


_QUERIES: Final = queries(__package__)

DAYS_A_WEEK = 7
DRAWN_AT_ONCE: Final = 2
"""Blocks: two threads draw faster than one server process stores."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SimulatedWorld:
    """What a simulation wrote.

    Attributes:
        rows: Rows of feedback.
        accounts: Accounts that ever signed up, writing or not.
        churned: Those of them that left.
        started_at: When week 0 begins, UTC.
        ended_at: When the last week ends, UTC.
    """

    rows: int
    accounts: int
    churned: int
    started_at: datetime
    ended_at: datetime


def no_progress(done: int, total: int) -> None:
    """Reports nothing."""


def simulate(
    connection: Connection,
    *,
    accounts: int,
    days: int,
    seed: int,
    scenario: str,
    shape: str = PLAIN,
    end: datetime | None = None,
    replace: bool = False,
    delete_foreign: bool = False,
    progress: Progress = no_progress,
) -> SimulatedWorld:
    """Simulates a world and writes it, creating the input tables where they are missing.

    The same arguments always write the same rows.

    Args:
        connection: Outside of a transaction.
        accounts: How many accounts ever sign up, at least 1.
        days: Length of the record, rounded up to whole weeks, at least 1.
        seed: Where the randomness starts, at least 0.
        scenario: A name in SCENARIOS.
        shape: plain, or goinsight for rows with all that real deployments have.
        end: When the last week ends, with a time zone; by default last midnight UTC.
        replace: Whether an earlier simulated world may be deleted.
        delete_foreign: Whether rows that no simulation wrote may be deleted.
        progress: Told after each block how many accounts are written, and how many there are.

    Returns:
        Counts and dates of what was written.

    Raises:
        ContractBroken: There are rows that may not be deleted, or rights are missing.
        DatabaseUnreachable: The server went away.
        ValueError: An argument is outside of what it may be.
    """
    world = describe_world(accounts=accounts, days=days, seed=seed, scenario=scenario)
    if shape not in SHAPES:
        raise ValueError(f"No shape is called {shape!r}; there are {', '.join(SHAPES)}.")
    ended_at = last_midnight() if end is None else in_utc(end)
    started_at = ended_at - timedelta(days=DAYS_A_WEEK * world.weeks)
    with explained(connection):
        migrate(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('feedback_enriched') IS NULL")
            is_new = value(cursor)
            cursor.execute(_QUERIES["create_inputs"])
            make_room(cursor, replace=replace, delete_foreign=delete_foreign)
            drop_indexes(cursor)
            rows, churned = write_world(cursor, world, shape, started_at, progress)
            named = scenario if shape == PLAIN else f"{scenario}, {shape}"
            record = {"seed": seed, "scenario": named, "accounts": accounts, "days": days}
            record |= {"started_at": started_at, "ended_at": ended_at, "rows": rows}
            cursor.execute(_QUERIES["record_world"], record)
            if is_new:  # the key of a table that was there is its owner's, and stays
                cursor.execute(_QUERIES["create_key"])
            cursor.execute(_QUERIES["create_indexes"])
    return SimulatedWorld(rows, accounts, churned, started_at, ended_at)


def describe_world(*, accounts: int, days: int, seed: int, scenario: str) -> World:
    """Returns the definition of a world.

    Raises:
        ValueError: An argument is outside of what it may be.
    """
    if scenario not in SCENARIOS:
        raise ValueError(f"No scenario is called {scenario!r}; there are {', '.join(SCENARIOS)}.")
    for name, given, least in (("accounts", accounts, 1), ("days", days, 1), ("seed", seed, 0)):
        if given < least:
            raise ValueError(f"{name} is {given}; expected {least} or more.")
    weeks = math.ceil(days / DAYS_A_WEEK)
    return World(SCENARIOS[scenario], accounts, weeks, seed)


def write_world(
    cursor: Cursor, world: World, shape: str, started_at: datetime, progress: Progress
) -> tuple[int, int]:
    """Copies a world into the input tables, block by block.

    Returns:
        How many rows of feedback were written, and how many accounts left.
    """
    rows = churned = 0
    with (
        ThreadPoolExecutor(1) as pool,
        closing(draw_blocks_ahead(world, DRAWN_AT_ONCE)) as blocks,
    ):
        written: Future[None] | None = None
        for block, count, feedback, left in _block_texts(world, shape, started_at, blocks):
            if written is not None:
                written.result()
            # The server stores a block while the next ones are drawn.
            written = pool.submit(_copy_block, cursor, feedback, left)
            rows += count
            churned += int(np.count_nonzero(block.course.last_week < world.weeks))
            progress(block.accounts.first + len(block.accounts.tier), world.accounts)
        if written is not None:
            written.result()
    return rows, churned


def _block_texts(
    world: World, shape: str, started_at: datetime, blocks: Iterable[Block]
) -> Iterator[tuple[Block, int, memoryview, bytes]]:
    """Yields each block with its number of rows and the text of its feedback and of its churn."""
    rows = 0
    if shape == PLAIN:
        for block in blocks:
            names = account_names(block.accounts)
            feedback = plain_text(block, names, started_at, rows + 1)
            count = len(block.feedback.second)
            yield block, count, feedback, _churn(block, names, started_at, world)
            rows += count
        return
    for block, names, columns in shaped_blocks(world, shape, blocks):
        feedback = feedback_text(columns, started_at, rows + 1)
        yield block, len(columns.second), feedback, _churn(block, names, started_at, world)
        rows += len(columns.second)


def _churn(block: Block, names: list[str], started_at: datetime, world: World) -> bytes:
    return "".join(churn_lines(block, names, started_at, world.weeks)).encode()


def drop_indexes(cursor: Cursor) -> None:
    """Drops those indexes that create_indexes will make again; the tables are empty."""
    cursor.execute(_QUERIES["own_indexes"])
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))


def _copy_block(cursor: Cursor, feedback: memoryview, churn: bytes) -> None:
    for name, text in (("copy_feedback", feedback), ("copy_churn", churn)):
        copy_in(cursor, _QUERIES[name], io.BytesIO(text))


def last_midnight() -> datetime:
    """Returns when today began, UTC."""
    return datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)


def in_utc(moment: datetime) -> datetime:
    """Returns the moment in UTC, whole seconds.

    Raises:
        ValueError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"The end {moment.isoformat()} has no time zone; add one, such as +00:00.")
    return moment.astimezone(timezone.utc).replace(microsecond=0)
