"""What a team did for flagged accounts, from its table of actions, on a real Postgres."""

import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from components.outcome_recorder.config import OutcomeRecorderConfig
from components.postgres.connection import connect
from components.postgres.contract import check_contract
from components.publishing.holdout import Holdout
from tests.components.outcome_recorder.published import put_publication, record

Tables = Any
FIRST = datetime(2024, 3, 4, tzinfo=timezone.utc)
HOLDOUT = Holdout(0.3, "a-salt")
ACCOUNTS = [f"ACC-{number:04d}" for number in range(2_000)]
CHANCE = 0.6
SAVED = 0.5
ACTIONS = ("crm_actions", "customer", "at", "what")


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


@pytest.fixture
def world(feedback: Tables) -> tuple[Tables, int, set[str], set[str]]:
    """2,000 flagged accounts; a call halves the churn of those that are not held out."""
    random = np.random.default_rng(3)
    drawn = random.uniform(size=(2, len(ACCOUNTS)))
    acted = {one for one in ACCOUNTS if not HOLDOUT.holds(one)}
    left = {
        one for place, one in enumerate(ACCOUNTS)
        if drawn[0, place] < CHANCE and not (one in acted and drawn[1, place] < SAVED)
    }  # fmt: skip
    feedback.add({"account_id": one, "created_at": day(-1)} for one in ACCOUNTS)
    feedback.churn((one, day(5)) for one in left)
    feedback.execute("CREATE TABLE crm_actions (customer text, at timestamptz, what text)")
    feedback.execute(
        "INSERT INTO crm_actions SELECT one, %s, 'call' FROM unnest(%s::text[]) AS one "
        "UNION ALL SELECT one, %s, 'mail' FROM unnest(%s::text[]) AS one",
        day(1), sorted(acted), day(-1), ACCOUNTS,
    )  # fmt: skip
    number = put_publication(feedback, day(0), dict.fromkeys(ACCOUNTS, CHANCE))
    feedback.execute("UPDATE tens_insight.publications SET holdout = %s", HOLDOUT.recorded)
    return feedback, number, acted, left


def rows(tables: Tables, band: str) -> dict[str, tuple[Any, ...]]:
    found = tables.execute(
        "SELECT metric, value, low, high FROM tens_insight.model_performance WHERE band = %s", band
    )
    return {metric: tuple(values) for metric, *values in found}


def test_what_was_planted_is_found_and_naive_precision_is_not_it(world: Any) -> None:
    tables, number, acted, left = world
    record(day(10), number, actions=ACTIONS)
    found = rows(tables, "flagged")
    assert found["acted_upon"] == found["acted_upon: call"] == (len(acted), None, None)
    assert "acted_upon: mail" not in found  # before the window
    assert found["false_positives_acted_upon"][0] == len(acted - left)
    assert found["held_out"][0] == len(ACCOUNTS) - len(acted)
    assert found["held_out_acted_upon"][0] == 0
    value, low, high = found["precision_untreated"]
    assert low < CHANCE < high
    value, low, high = found["saved_share"]
    assert low < CHANCE * SAVED < high
    assert low > 0
    naive = rows(tables, "high")["precision"]
    assert naive[2] < CHANCE


def test_without_the_table_nothing_is_claimed(world: Any) -> None:
    tables, number, _, _ = world
    record(day(10), number)
    assert rows(tables, "flagged") == {}
    assert not rows(tables, "high").keys() & {"saved_share", "held_out", "acted_upon"}


def test_without_a_holdout_no_effect_is_claimed(world: Any) -> None:
    tables, number, acted, _ = world
    tables.execute("UPDATE tens_insight.publications SET holdout = NULL")
    record(day(10), number, actions=ACTIONS)
    found = rows(tables, "flagged")
    assert found["acted_upon"][0] == len(acted)
    assert not found.keys() & {"saved_share", "precision_untreated", "held_out"}


def said(tables: Tables, **changes: Any) -> list[str]:
    config = OutcomeRecorderConfig(**changes)
    with closing(connect("tens-insight test")) as connection:
        report = check_contract(
            connection,
            churn_table="account_churn",
            churn_account_column="account_id",
            churn_date_column="churned_at",
            actions=config.actions,
        )
    return list(report.problems)


def test_a_table_that_is_named_must_be_there(world: Any) -> None:
    tables, *_ = world
    columns = {"actions_account_column": "customer", "actions_date_column": "at"}
    assert said(tables) == []
    assert said(tables, actions_table="crm_actions", actions_kind_column="what", **columns) == []
    (problem,) = said(tables, actions_table="nowhere", **columns)
    assert "Table nowhere does not exist: correct TENS_INSIGHT_ACTIONS_TABLE" in problem
    (problem,) = said(tables, actions_table="crm_actions", **columns)
    assert "Column crm_actions.kind does not exist" in problem


def test_what_is_recorded_of_a_holdout_can_be_read_again() -> None:
    assert json.loads(HOLDOUT.recorded or "") == {"share": 0.3, "salt": "a-salt"}
