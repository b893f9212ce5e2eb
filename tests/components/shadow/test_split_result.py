"""What came of a split, from outcomes and treatments, each account once."""

import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg2
import pytest

from components.publishing.split import Split
from components.shadow.split_result import SplitResult, recorded_splits, split_result
from tests.components.outcome_recorder.published import put_publication
from tests.components.outcome_recorder.published import record as record_outcomes

Tables = Any
FIRST = datetime(2024, 3, 1, tzinfo=timezone.utc)
NAMES = [f"ACC-{number:04d}" for number in range(600)]
DIVIDED = Split(7, "one", "two", 0.5, "split-7-1")
ACTIONS = ("actions", "account_id", "acted_at", "kind")


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


@pytest.fixture
def world(feedback: Tables) -> Tables:
    """600 accounts; those of the first model that are asked for half leave, none of the second."""
    feedback.add(
        {"account_id": name, "created_at": day(when)} for name in NAMES for when in (-3, 12, 45)
    )
    left = [name for name in NAMES if not DIVIDED.is_second(name)][::2]
    feedback.churn([(name, day(4)) for name in left])
    feedback.execute("CREATE TABLE actions (account_id text, acted_at timestamptz, kind text)")
    acted = [name for name in NAMES if DIVIDED.is_second(name)][:100]
    for name in acted:
        feedback.execute("INSERT INTO actions VALUES (%s, %s, 'call')", name, day(1))
    return feedback


def publish(tables: Tables, when: float, names: list[str], split: Split = DIVIDED) -> int:
    """Writes a publication that two models made."""
    number = put_publication(tables, day(when), dict.fromkeys(names, 0.3), model=split.a)
    second = [name for name in names if split.is_second(name)]
    tables.execute(
        "UPDATE tens_insight.account_risk_score_history SET model_version = %s "
        "WHERE publication_id = %s AND account_id = ANY (%s)",
        split.b, number, second,
    )  # fmt: skip
    recorded = split.recorded(len(second), len(names))
    tables.execute(
        "UPDATE tens_insight.publications SET split = %s WHERE publication_id = %s",
        recorded, number,
    )  # fmt: skip
    return number


def result(tables: Tables, actions: Any = None) -> SplitResult | None:
    with closing(psycopg2.connect(tables.url)) as connection, connection.cursor() as cursor:
        newest, *_ = recorded_splits(cursor)
        return split_result(cursor, newest, actions)


def test_the_shares_of_both_models_are_compared(world: Tables) -> None:
    first = publish(world, 0, NAMES)
    assert result(world) is None  # no window has closed
    record_outcomes(day(12), first)
    found = result(world, ACTIONS)
    assert found is not None
    second = sum(map(DIVIDED.is_second, NAMES))
    assert found.accounts == (600 - second, second)
    assert found.left.first.value == pytest.approx(0.5, abs=0.01)
    assert found.left.second.value == 0
    assert found.left.difference.high < -0.4
    assert found.flagged.first.value == found.flagged.second.value == 1
    assert found.acted is not None
    assert found.acted.second.value == 100 / second
    assert result(world).acted is None  # type: ignore[union-attr]
    assert found.sequential.is_worse
    assert found.verdict == "accounts of two leave less often: the split may be ended"
    assert json.dumps(found.as_json(), default=str)


def test_each_account_counts_once(world: Tables) -> None:
    """Daily publications; an account that comes later counts in the month that it came in."""
    numbers = [publish(world, when, NAMES[:500]) for when in (0, 1, 7)]
    numbers.append(publish(world, 31, NAMES))
    record_outcomes(day(46), numbers[-1])
    found = result(world)
    assert found is not None
    assert sum(found.accounts) == 600
    assert found.sequential.windows == 2
    assert found.split.publications == 4
    # One that was undone counts no more, and the next of its month takes its place.
    world.execute(
        "UPDATE tens_insight.publications SET undone_at = now(), undone_by = 'x', "
        "undo_reason = 'x' WHERE publication_id = %s",
        numbers[0],
    )
    again = result(world)
    assert again is not None
    assert sum(again.accounts) == 600
    assert again.split.publications == 3


def test_another_split_is_another_experiment(world: Tables) -> None:
    record_outcomes(day(12), publish(world, 0, NAMES))
    other = Split(9, "two", "three", 0.5, "split-9-1")
    publish(world, 13, NAMES, other)
    with closing(psycopg2.connect(world.url)) as connection, connection.cursor() as cursor:
        newest, former = recorded_splits(cursor)
        assert (newest.number, former.number) == (9, 7)
        assert split_result(cursor, newest) is None
        assert split_result(cursor, former) is not None


def test_sizes_that_are_no_accident_allow_no_conclusion(world: Tables) -> None:
    lopsided = [name for name in NAMES if not DIVIDED.is_second(name)] + [
        name for name in NAMES if DIVIDED.is_second(name)
    ][:150]
    record_outcomes(day(12), publish(world, 0, lopsided))
    found = result(world)
    assert found is not None
    assert found.mismatch < 0.001
    assert found.verdict.startswith("nothing: the sizes of the two groups are no accident")
