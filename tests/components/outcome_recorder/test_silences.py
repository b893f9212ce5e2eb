"""Silences that are looked for where they may have changed are those of a whole look."""

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from components.publishing.erasure import erase_account
from pipeline.erasure.names import eraser
from tests.components.outcome_recorder.published import put_publication, record, require_counts

Tables = Any
FIRST = datetime(2024, 3, 1, tzinfo=timezone.utc)
SILENCES = (
    "SELECT account_id, gone_from, gone_until FROM tens_insight.account_departures ORDER BY 1, 2"
)


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


def looked(tables: Tables, at: float, number: int, *, whole: bool) -> Any:
    """Records, and compares what was found with a look at everything; returns the corrections."""
    found = record(day(at), number, label_source="inactivity").corrections
    ((whole_as_of,),) = tables.execute("SELECT whole_as_of FROM tens_insight.silence_marks")
    assert (whole_as_of == day(at)) is whole
    kept = tables.execute(SILENCES)
    tables.execute("DELETE FROM tens_insight.silence_marks")
    assert record(day(at), number, label_source="inactivity").corrections == []
    assert tables.execute(SILENCES) == kept
    tables.execute("UPDATE tens_insight.silence_marks SET whole_as_of = %s", whole_as_of)
    return found


@pytest.fixture
def world(feedback: Tables) -> Tables:
    feedback.add(
        {"account_id": account, "created_at": day(when)}
        for account, moments in {"A": (-9, -5, 3), "B": (-1,), "C": (-8, -1, 1, 2)}.items()
        for when in moments
    )
    return feedback


def publish(tables: Tables, at: float, accounts: str) -> int:
    return put_publication(tables, day(at), accounts, label_source="inactivity", horizons=(10,))


def test_day_by_day(world: Tables) -> None:
    number = publish(world, 0, "ABC")
    looked(world, 9, number, whole=True)
    assert world.execute(SILENCES) == []
    looked(world, 12, number, whole=False)  # B has been silent for ten days
    assert [row[0] for row in world.execute(SILENCES)] == ["B"]
    world.add([{"account_id": "B", "created_at": day(13)}])
    looked(world, 14, number, whole=False)  # and is back, and so is the silence of C, and of A
    ends = {name: end for name, _, end in world.execute(SILENCES)}
    assert ends["B"] == day(13)
    assert {*ends} == {"A", "B", "C"}
    looked(world, 14, number, whole=False)
    looked(world, 45, number, whole=True)  # not for four weeks
    require_counts(world)


def test_an_account_that_is_scored_for_the_first_time_is_looked_at(world: Tables) -> None:
    looked(world, 13, publish(world, 0, "AC"), whole=True)
    assert "B" not in {row[0] for row in world.execute(SILENCES)}
    looked(world, 13.5, publish(world, 13.2, "ABC"), whole=False)
    assert "B" in {row[0] for row in world.execute(SILENCES)}


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO feedback_enriched SELECT (jsonb_populate_record(one, "
        '\'{"id": "late", "created_at": "2024-03-07T00:00:00Z"}\')).* '
        "FROM feedback_enriched AS one WHERE account_id = 'B' LIMIT 1",
        "DELETE FROM feedback_enriched WHERE account_id = 'A' AND created_at > '2024-03-01'",
        "UPDATE feedback_enriched SET created_at = created_at - interval '1 microsecond' "
        "WHERE account_id = 'B'",
        "UPDATE feedback_enriched SET account_id = CASE account_id WHEN 'A' THEN 'B' ELSE 'A' END "
        "WHERE account_id < 'C'",
        "DELETE FROM tens_insight.account_departures WHERE account_id = 'B'",
    ],
    ids=["late", "gone", "moved", "exchanged", "departure"],
)
def test_what_changed_in_the_past_is_noticed(world: Tables, change: str) -> None:
    number = publish(world, 0, "ABC")
    looked(world, 12.5, number, whole=True)
    world.execute(change)
    looked(world, 12.6, number, whole=True)


def test_a_forgotten_account_stays_forgotten(world: Tables) -> None:
    number = publish(world, 0, "ABC")
    looked(world, 12, number, whole=True)
    erase_account("B", eraser("B"))
    looked(world, 12.5, number, whole=True)
    assert "B" not in {row[0] for row in world.execute(SILENCES)}


def test_another_horizon_or_an_older_publication_is_a_new_start(world: Tables) -> None:
    number = publish(world, 0, "ABC")
    looked(world, 12, number, whole=True)
    put_publication(world, day(1), "ABC", label_source="inactivity", horizons=(5,), horizon_days=5)
    looked(world, 12.1, number, whole=True)
    publish(world, -2, "ABC")
    looked(world, 12.2, number, whole=True)
    looked(world, 11, number, whole=True)  # a run of the past


def test_random_worlds(feedback: Tables) -> None:
    rng = np.random.default_rng(5)
    names = [f"ACC-{number}" for number in range(60)]
    moments = rng.exponential(6, [60, 30]).cumsum(axis=1) - 40

    def add(begin: float, end: float) -> None:
        feedback.add(
            {"account_id": name, "created_at": day(float(when))}
            for name, own in zip(names, moments, strict=True)
            for when in own
            if begin <= when < end
        )

    add(-100, 0)
    looked(feedback, 0, publish(feedback, 0, names[:40]), whole=True)
    for at in range(1, 25, 3):
        add(at - 3 if at > 1 else 0, at)
        number = publish(feedback, at, names[: 40 + at // 2])
        looked(feedback, at, number, whole=False)
        require_counts(feedback)
    assert len(feedback.execute(SILENCES)) > 30
