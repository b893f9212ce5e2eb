"""What two models said of the same accounts, beside what became of these."""

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.undo import undo
from tests.components.outcome_recorder.published import put_publication
from tests.components.outcome_recorder.published import record as record_outcomes
from tests.components.shadow.shadows import paired, record, rows_of, shadow

Tables = Any
FIRST = datetime(2024, 3, 1, tzinfo=timezone.utc)
PUBLISHED = {"A": 0.5, "B": 0.75, "C": 0.125}
SHADOW = {"A": 0.25, "B": 0.5, "C": 0.0625}


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


@pytest.fixture
def world(feedback: Tables) -> Tables:
    """Accounts that go on writing for two months; B left on day 4."""
    feedback.add(
        {"account_id": account, "created_at": day(when)}
        for account in "ABC"
        for when in range(-5, 60, 3)
    )
    feedback.churn([("B", day(4)), ("Z", day(5))])
    return feedback


def test_the_published_model_is_paired_with_the_one_in_shadow(world: Tables) -> None:
    first = put_publication(world, day(0), PUBLISHED, model="new")
    record(first, shadow("old", SHADOW))
    assert len(paired(world.url, "new", "old")) == 0  # the window is open
    record_outcomes(day(11), first)
    expected = [(first, one, one == "B", PUBLISHED[one], SHADOW[one]) for one in ("A", "B", "C")]
    found = paired(world.url, "new", "old")
    assert rows_of(found) == expected
    assert set(found.as_of.tolist()) == {day(0).replace(tzinfo=None)}
    assert set(found.closed_at.tolist()) == {day(10).replace(tzinfo=None)}
    assert rows_of(paired(world.url, "old", "new")) == [
        (number, one, left, b, a) for number, one, left, a, b in expected
    ]
    assert len(paired(world.url, "new", "another")) == 0
    assert len(paired(world.url, "new", "new")) == 3


def test_two_models_in_shadow_are_paired_too(world: Tables) -> None:
    first = put_publication(world, day(0), PUBLISHED, model="third")
    record(first, shadow("a", SHADOW), shadow("b", {"A": 0.125, "B": 0.25}))
    record_outcomes(day(11), first)
    assert rows_of(paired(world.url, "a", "b")) == [
        (first, "A", False, 0.25, 0.125),
        (first, "B", True, 0.5, 0.25),
    ]


def test_copies_of_one_model_say_the_same(world: Tables) -> None:
    odd = {"A": 0.1, "B": 1 / 3, "C": 0.7}
    first = put_publication(world, day(0), odd, model="one")
    record(first, shadow("copy", odd))
    record_outcomes(day(11), first)
    found = paired(world.url, "one", "copy")
    assert np.array_equal(found.p_a, found.p_b)
    assert found.p_a == pytest.approx([0.1, 1 / 3, 0.7], rel=1e-7)


def test_each_horizon_has_its_own_windows(world: Tables) -> None:
    first = put_publication(world, day(0), PUBLISHED, model="new", horizons=(5, 10))
    record(first, shadow("old", SHADOW), shadow("older", SHADOW))
    record_outcomes(day(6), first)
    # The published probability within 5 days was not kept; those in shadow were.
    assert len(paired(world.url, "new", "old", 5)) == 0
    assert rows_of(paired(world.url, "old", "older", 5)) == [
        (first, one, one == "B", SHADOW[one] / 4, SHADOW[one] / 4) for one in "ABC"
    ]
    assert len(paired(world.url, "old", "older", 10)) == 0
    assert len(paired(world.url, "old", "older", 7)) == 0


def test_a_model_without_the_horizon_is_left_out(world: Tables) -> None:
    first = put_publication(world, day(0), PUBLISHED, model="new")
    record(first, shadow("old", SHADOW, horizons=(7,), horizon_days=7))
    record_outcomes(day(11), first)
    assert len(paired(world.url, "new", "old")) == 0


def test_what_is_not_known_and_what_was_undone_do_not_count(world: Tables) -> None:
    world.add([{"account_id": "D", "created_at": day(-3)}])
    first = put_publication(world, day(0), PUBLISHED | {"D": 0.25}, model="new")
    record(first, shadow("old", SHADOW | {"D": 0.25}))
    world.execute("DELETE FROM feedback_enriched WHERE account_id = 'D'")
    record_outcomes(day(11), put_publication(world, day(11), PUBLISHED))
    assert [one[1] for one in rows_of(paired(world.url, "new", "old"))] == ["A", "B", "C"]
    world.execute("UPDATE tens_insight.outcome_windows SET not_known = 'churn dates missing'")
    assert len(paired(world.url, "new", "old")) == 0
    world.execute("UPDATE tens_insight.outcome_windows SET not_known = NULL")
    world.execute("UPDATE tens_insight.publications SET dropped_up_to = 7")
    assert len(paired(world.url, "new", "old")) == 0
    world.execute("UPDATE tens_insight.publications SET dropped_up_to = NULL")
    assert len(paired(world.url, "new", "old")) == 3
    world.execute(
        "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'x', undo_reason = 'x'"
    )
    assert len(paired(world.url, "new", "old")) == 0


def test_independent_windows_of_one_account_do_not_overlap(world: Tables) -> None:
    """The first of each month with the model in shadow; C appears in the second one."""
    numbers = []
    for when in (20, 22, 31, 33, 45):  # March 21 and 23, April 1, 3 and 15
        scores = PUBLISHED if when > 22 else {"A": 0.5, "B": 0.75}
        number = put_publication(world, day(when), scores, model="new")
        record(number, shadow("old", {one: SHADOW[one] for one in scores}))
        record_outcomes(day(when), number)
        numbers.append(number)
    record_outcomes(day(56), numbers[-1])
    every = paired(world.url, "new", "old")
    assert len(every) == 2 + 3 + 3  # the others were not the first of their week, and are dropped
    assert np.all(np.diff(every.closed_at.astype(np.int64)) >= 0)
    apart = paired(world.url, "new", "old", independent=True)
    assert [one[:2] for one in rows_of(apart)] == [
        (number, account)
        for number, accounts in ((numbers[0], "AB"), (numbers[2], "ABC"))
        for account in accounts
    ]
    early = paired(world.url, "new", "old", independent=True, as_of=day(40))
    assert [one[0] for one in rows_of(early)] == [numbers[0]] * 2


def test_an_account_waits_until_its_window_is_closed(world: Tables) -> None:
    """Months are shorter than the window: the second month begins inside of it, the third not."""
    numbers = []
    for when in (20, 31, 61):
        number = put_publication(
            world, day(when), PUBLISHED, model="new", horizons=(20,), horizon_days=20
        )
        record(number, shadow("old", SHADOW, horizons=(20,), horizon_days=20))
        numbers.append(number)
    world.add({"account_id": one, "created_at": day(80)} for one in "ABC")
    record_outcomes(day(81), numbers[-1])
    apart = paired(world.url, "new", "old", 20, independent=True)
    assert [one[0] for one in rows_of(apart)] == [numbers[0]] * 3 + [numbers[2]] * 3
    assert len(paired(world.url, "new", "old", 20)) == 9


def test_thinning_leaves_what_a_sequential_test_has_seen(world: Tables) -> None:
    def days_later(last: int) -> list[tuple[Any, ...]]:
        for when in range(len(numbers), last):
            number = put_publication(world, day(when), PUBLISHED, model="new")
            record(number, shadow("old", SHADOW))
            record_outcomes(day(when), number)
            numbers.append(number)
        return rows_of(paired(world.url, "new", "old", independent=True))

    numbers: list[int] = []
    former = days_later(12)
    assert {one[0] for one in former} == {numbers[0]}
    later = days_later(58)
    assert later[:3] == former
    assert {one[0] for one in later} == {numbers[0], numbers[31]}
    kept = world.execute("SELECT DISTINCT publication_id FROM tens_insight.shadow_scores")
    assert len(kept) < 20
    lines = world.execute("SELECT count(*) FROM tens_insight.shadow_models")
    assert lines == [(58,)]


def test_an_undo_of_the_newest_leaves_the_one_before(world: Tables) -> None:
    first = put_publication(world, day(0), PUBLISHED, model="new")
    record(first, shadow("old", SHADOW))
    second = put_publication(world, day(1), PUBLISHED, model="new")
    record(second, shadow("old", SHADOW))
    undo(ACCOUNT_RISK_SCORES, reason="a test", force=True)
    record_outcomes(day(12), first)
    assert {one[0] for one in rows_of(paired(world.url, "new", "old"))} == {first}
    assert record(second, shadow("old", SHADOW)) is None
