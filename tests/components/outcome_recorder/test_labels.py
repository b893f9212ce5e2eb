"""Outcomes are the labels of FeedbackExampleGen, for every account and to the microsecond."""

from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.feedback_example_gen.examples import ExampleRules, take_examples
from components.feedback_example_gen.reading.feedback_reader import read_churn, read_feedback
from components.postgres.connection import connect
from components.postgres.rows import value
from tests.components.outcome_recorder.published import (
    CHURN,
    outcomes,
    put_publication,
    record,
    require_counts,
)
from tests.property_tests import cases

Tables = Any
FIRST = datetime(2024, 3, 1, tzinfo=timezone.utc)
TICK = timedelta(microseconds=1)
HORIZONS = (5, 8, 15)
SOURCES = ("account_churn", "inactivity")


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


def labelled(as_of: datetime, cutoff: datetime, source: str, horizon_days: int) -> dict[str, float]:
    """Returns days to churn of everybody in the population, -1 for never, by the real reader."""
    rules = ExampleRules(lookback_days=30, horizon_days=horizon_days, max_events=50)
    with closing(connect("tens-insight test")) as connection:
        feedback = read_feedback(connection, as_of)
        churn = None
        if source == "account_churn":
            churn = read_churn(connection, CHURN, as_of, feedback.account_ids)
    examples = take_examples(feedback, churn, cutoff, rules, as_of)
    assert examples.labels is not None
    names = [feedback.account_ids[int(place)].as_py().decode() for place in examples.account]
    return dict(zip(names, examples.labels.days_to_churn.tolist(), strict=True))


def compared(tables: Tables, as_of: datetime, cutoffs: list[datetime], source: str) -> int:
    """Publishes everybody at each cutoff, records, compares; returns how many left."""
    days = {cutoff: labelled(as_of, cutoff, source, HORIZONS[1]) for cutoff in cutoffs}
    days = {cutoff: found for cutoff, found in days.items() if found}
    if not days:
        return 0
    served = HORIZONS if source == "account_churn" else HORIZONS[1:]
    numbers = {
        cutoff: put_publication(
            tables, cutoff, list(found), label_source=source, horizons=served,
            horizon_days=HORIZONS[1],
        )
        for cutoff, found in days.items()
    }  # fmt: skip
    record(as_of, max(numbers.values()), label_source=source)
    expected = {
        (numbers[cutoff], horizon, account): "left" if 0 <= to_churn <= horizon else "stayed"
        for cutoff, found in days.items()
        for horizon in served
        for account, to_churn in found.items()
        if cutoff + timedelta(days=horizon) <= as_of
    }
    assert outcomes(tables) == expected
    require_counts(tables)
    return sum(one == "left" for one in expected.values())


# Moments where windows begin and end, where a silence is just long enough, and ties.
LATTICE = [
    day(at) + TICK * ticks for at in (-9, -1, 0, 3, 5, 7, 8, 13, 15, 16) for ticks in (-1, 0, 1)
]
MOMENTS = st.lists(st.sampled_from(LATTICE), max_size=7)
HISTORIES = st.lists(st.tuples(MOMENTS, MOMENTS), min_size=1, max_size=8)


@pytest.mark.slow
@settings(max_examples=cases(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories=HISTORIES, source=st.sampled_from(SOURCES))
def test_adversarial_histories(feedback: Tables, histories: Any, source: str) -> None:
    feedback.execute(
        "CREATE TABLE IF NOT EXISTS account_churn (account_id varchar, churned_at timestamptz)"
    )
    feedback.execute(
        "TRUNCATE feedback_enriched, account_churn, tens_insight.publications, "
        "tens_insight.account_risk_score_history, tens_insight.outcome_windows, "
        "tens_insight.account_departures, tens_insight.missing_accounts"
    )
    names = [f"ACC-{number}" for number in range(len(histories))]
    feedback.add(
        {"account_id": name, "created_at": moment}
        for name, (moments, _) in zip(names, histories, strict=True)
        for moment in [day(-20), *moments]
    )
    feedback.churn(
        (name, moment)
        for name, (_, churns) in zip(names, histories, strict=True)
        for moment in churns
    )
    compared(feedback, day(16), [day(0), day(1), day(8)], source)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_a_simulated_world(simulated_database: str, make_feedback: Any, source: str) -> None:
    tables = make_feedback.__new__(make_feedback)
    tables.url = simulated_database
    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT max(created_at) FROM feedback_enriched")
        newest = value(cursor)
    as_of = newest.replace(microsecond=0)
    rng = np.random.default_rng(3)
    cutoffs = [as_of - timedelta(days=8), as_of - timedelta(days=15)]
    cutoffs += [as_of - timedelta(days=float(back)) for back in rng.uniform(20, 120, 3)]
    left = compared(tables, as_of, cutoffs, source)
    assert left > 20
