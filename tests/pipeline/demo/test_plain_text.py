"""The fast way to a world's lines writes those of the slow one, and the rows that a seed means."""

import hashlib
from datetime import datetime, timezone

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from pipeline.demo.copy_text import (
    account_names,
    churn_lines,
    feedback_columns,
    feedback_text,
)
from pipeline.demo.plain_text import plain_text
from pipeline.demo.simulate import SHAPES, describe_world, shaped_blocks
from pipeline.demo.world import BLOCK, World, draw_blocks, draw_blocks_ahead
from pipeline.demo.world_model import SCENARIOS

START = datetime(2025, 1, 1, tzinfo=timezone.utc)
ROWS_OF_A_SEED = {
    "plain": "4d9bb357571052fa91c22f0da7ac4f6d43e0ac23213c2665ef6db54b547fe370",
    "goinsight": "bb482e818da60e144368eacfd5eefb73d91132e42667b1b7ed5b0f182097f13a",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_seed_means_these_rows_and_no_others(shape: str) -> None:
    world = describe_world(accounts=300, days=60, seed=9, scenario="strong")
    digest, rows = hashlib.sha256(), 0
    for block, names, columns in shaped_blocks(world, shape):
        digest.update(feedback_text(columns, START, rows + 1))
        digest.update("".join(churn_lines(block, names, START, world.weeks)).encode())
        rows += len(columns.second)
    assert digest.hexdigest() == ROWS_OF_A_SEED[shape]


@pytest.mark.parametrize(
    ("accounts", "weeks", "first_id", "start"),
    [
        (300, 10, 1, START),
        (300, 60, 999_900, datetime(1969, 3, 1, 23, 59, 59, tzinfo=timezone.utc)),
        (300, 10, 999_999_000, START),
        (300, 10, 1_000_000_000, START),
        (1, 1, 1, START),
    ],
)
def test_lines_are_those_of_the_columns(
    accounts: int, weeks: int, first_id: int, start: datetime
) -> None:
    (block,) = draw_blocks(World(SCENARIOS["regime"], accounts, weeks, 1))
    names = account_names(block.accounts)
    names[0] = "tab\tand\\N\n"
    slow = feedback_text(feedback_columns(block, names), start, first_id)
    assert bytes(plain_text(block, names, start, first_id)) == bytes(slow)


def test_blocks_drawn_ahead_are_the_same_in_the_same_order() -> None:
    world = World(SCENARIOS["base"], 3 * BLOCK + 7, 10, 1)
    pairs = zip(draw_blocks(world), draw_blocks_ahead(world, 2), strict=True)
    for number, (one, other) in enumerate(pairs):
        assert one.accounts.first == other.accounts.first == number * BLOCK
        names = account_names(one.accounts)
        assert bytes(plain_text(one, names, START, 1)) == bytes(plain_text(other, names, START, 1))


def test_drawing_keeps_blas_to_one_thread() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    threadpool_limits(limits=2, user_api="blas")
    next(draw_blocks_ahead(World(SCENARIOS["base"], 10, 3, 1), 1))
    threads = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
    assert threads == [1] * len(threads) != []
