"""The shapes of a simulated world: plain as ever, and goinsight with every kind of oddity."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from pipeline.demo import goinsight_shape as shape
from pipeline.demo import world_model as model
from pipeline.demo.copy_text import (
    FeedbackColumns,
    account_names,
    churn_lines,
    feedback_columns,
    feedback_text,
)
from pipeline.demo.goinsight_shape import ODD_IDS, odd_account_names
from pipeline.demo.simulate import GOINSIGHT, PLAIN, ShapedBlock, shaped_blocks
from pipeline.demo.world import BLOCK, WEEK_SECONDS, World, draw_blocks
from pipeline.demo.world_model import SCENARIOS

START = datetime(2025, 1, 6, tzinfo=timezone.utc)
WEEKS = 60
END = WEEKS * WEEK_SECONDS
WORLD = World(SCENARIOS["strong"], BLOCK + 300, WEEKS, 3)


@pytest.fixture(scope="module")
def plain() -> list[ShapedBlock]:
    return list(shaped_blocks(WORLD, PLAIN))


@pytest.fixture(scope="module")
def odd() -> list[ShapedBlock]:
    return list(shaped_blocks(WORLD, GOINSIGHT))


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def tuples(rows: FeedbackColumns) -> list[tuple[object, ...]]:
    return list(zip(*(getattr(rows, name) for name in rows.__annotations__), strict=True))


def lines_of(rows: FeedbackColumns, first_id: int) -> list[str]:
    *lines, rest = bytes(feedback_text(rows, START, first_id)).decode().split("\n")
    assert rest == ""
    return [f"{line}\n" for line in lines]


def test_plain_rows_are_those_of_the_world(plain: list[ShapedBlock]) -> None:
    """A line for each row, put together one by one."""
    for block in plain:
        rows, accounts = block.block.feedback, block.block.accounts
        assert block.names == account_names(accounts)
        lines = lines_of(block.rows, 5)
        assert len(lines) == len(rows.second)
        for place in range(0, len(lines), 7):
            account, area = rows.account[place], rows.area[place]
            topic = model.TOPICS[area][rows.topic[place]]
            moment = START + timedelta(seconds=int(rows.second[place]))
            expected = [
                f"SIM-{place + 5:09d}",
                f"{moment:%Y-%m-%d %H:%M:%S}Z",
                model.SOURCES[rows.source[place]],
                model.AREAS[area],
                model.SENTIMENT_NAMES[rows.sentiment[place]],
                str(rows.priority[place]),
                topic,
                model.REGIONS[accounts.region[account]],
                model.TIERS[accounts.tier[account]],
                f"ACC-{accounts.first + account + 1:06d}" if rows.identified[place] else "\\N",
                f"Feedback on {topic.replace('_', ' ')}, "
                f"concerning {model.AREAS[area].replace('_', ' ')}.",
            ]
            assert lines[place] == "\t".join(expected) + "\n"


def test_the_truth_is_that_of_the_plain_world(
    plain: list[ShapedBlock], odd: list[ShapedBlock]
) -> None:
    for one, other in zip(plain, odd, strict=True):
        left, left_too = (
            list(churn_lines(block.block, block.names, START, WEEKS)) for block in (one, other)
        )
        assert [line.split("\t")[-1] for line in left] == [
            line.split("\t")[-1] for line in left_too
        ]
        np.testing.assert_array_equal(one.block.course.last_week, other.block.course.last_week)


def test_a_seed_means_one_shape(odd: list[ShapedBlock]) -> None:
    for one, again in zip(odd, shaped_blocks(WORLD, GOINSIGHT), strict=True):
        assert one.names == again.names
        assert tuples(one.rows) == tuples(again.rows)


def test_memory_is_bounded_by_a_block(plain: list[ShapedBlock], odd: list[ShapedBlock]) -> None:
    for one, other in zip(plain, odd, strict=True):
        assert len(other.rows.second) < 1.05 * len(one.rows.second)


def test_ids_are_odd_and_different(odd: list[ShapedBlock]) -> None:
    names = [name for block in odd for name in block.names]
    assert len(set(names)) == len(names) == WORLD.accounts
    kinds = {kind("ACC-000002", "ACC-000001") for kind in ODD_IDS}
    assert len(kinds) == len(ODD_IDS)
    for part in ("/", '"', "'", "\\N", "\t", "\n", "\r", "日本", "e\u0301", "%"):
        assert any(part in name for name in names), part
    assert all(name.strip().upper().startswith("ACC-") for name in names)
    assert not any("\0" in name for name in names)


def test_the_id_of_another_block_stays(odd: list[ShapedBlock]) -> None:
    """A block needs no other: it names its accounts alone."""
    (_, second) = draw_blocks(WORLD)
    assert odd_account_names(WORLD, second.accounts) == odd[1].names


def test_copy_reads_back_what_an_id_holds() -> None:
    block = next(iter(draw_blocks(World(SCENARIOS["strong"], 2, 40, 1))))
    names = ["a\tb\nc\\d\re", "\\N"]
    one = feedback_columns(block, names).take(np.array([0, 0, 0]))
    three = one.where(np.ones(3, dtype=bool), account_id=[*names, None])
    written = [line.split("\t")[9] for line in lines_of(three, 1)]
    assert written == ["a\\tb\\nc\\\\d\\re", "\\\\N", "\\N"]


def test_changed_accounts_keep_their_newest_place(plain: list[ShapedBlock]) -> None:
    rows, accounts = plain[0].rows, plain[0].block.accounts
    changed = shape.change_tiers(rows, rng(), accounts.tier)
    differs = changed.customer_tier != rows.customer_tier
    several = set(rows.account[differs])
    assert 0.05 * BLOCK < len(several) < 0.2 * BLOCK
    for account in list(several)[:50]:
        own = np.flatnonzero(rows.account == account)
        newest = own[np.argmax(rows.second[own])]
        assert changed.customer_tier[newest] == model.TIERS[accounts.tier[account]]
    other = shape.change_regions(rows, rng(), accounts.region)
    assert (other.region != rows.region).any()
    assert (other.customer_tier == rows.customer_tier).all()


def test_some_accounts_are_left_with_their_newest_row(plain: list[ShapedBlock]) -> None:
    rows = plain[0].rows
    left = shape.leave_one_row(rows, rng(), BLOCK)
    before, after = (np.bincount(one.account, minlength=BLOCK) for one in (rows, left))
    cut = np.flatnonzero(after < before)
    assert cut.size > 10
    for account in cut:
        own = [row for row in tuples(rows) if row[0] == account and row[9] is not None]
        found = [row for row in tuples(left) if row[0] == account]
        assert [row[1] for row in found] == ([max(row[1] for row in own)] if own else [])


def test_late_words_are_nowhere_before(odd: list[ShapedBlock]) -> None:
    new = {shape.LATE_AREA, shape.LATE_SOURCE, *shape.LATE_TOPICS}
    seconds = [
        second
        for block in odd
        for second, *words in zip(
            block.rows.second, block.rows.product_area, block.rows.source, block.rows.topic,
            strict=True,
        )
        if new & {one.strip().lower() for one in words}
    ]  # fmt: skip
    assert len(seconds) > 50
    assert min(seconds) >= END - shape.LATE_DAYS * shape.DAY_SECONDS


def test_one_account_writes_a_hundredth(plain: list[ShapedBlock]) -> None:
    chosen = shape.Reseller("ACC-X", "pro", "EU", 5 * WEEK_SECONDS)
    rows = plain[0].rows
    added = shape.add_reseller(rows, rng(), chosen, END)
    own = added.account_id == "ACC-X"
    assert own.mean() == pytest.approx(0.01, abs=1e-4)
    assert set(added.customer_tier[own]) == {"pro"}
    assert set(added.region[own]) == {"EU"}
    assert added.second[own].min() >= chosen.since
    assert added.second[own].max() < END
    assert tuples(added.take(~own)) == tuples(rows)


def test_spellings_differ_by_case_and_blanks_only(plain: list[ShapedBlock]) -> None:
    rows = plain[0].rows
    spelled = shape.spell_differently(rows, rng())
    for column in shape.SPELLED_COLUMNS:
        before, after = getattr(rows, column), getattr(spelled, column)
        assert 0.005 < (before != after).mean() < 0.03
        assert [one.strip().lower() for one in after] == [one.lower() for one in before]
    assert (spelled.sentiment == rows.sentiment).all()


def test_rows_of_the_future_are_added(plain: list[ShapedBlock]) -> None:
    rows = plain[0].rows
    more = shape.date_in_future(rows, rng(), END)
    count = len(rows.second)
    assert tuples(more.take(np.arange(count))) == tuples(rows)
    assert len(more.second) > count
    assert more.second[count:].min() >= END + 30 * shape.DAY_SECONDS


def test_repetitions_are_equal_rows(plain: list[ShapedBlock]) -> None:
    rows = plain[0].rows
    more = tuples(shape.repeat(rows, rng()))
    assert more[: len(rows.second)] == tuples(rows)
    added = more[len(rows.second) :]
    assert added
    assert set(added) <= set(tuples(rows))
    assert max(added.count(row) for row in set(added)) == shape.MOST_REPETITIONS
