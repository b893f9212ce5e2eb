"""The aggregate against loops over plain rows, and the edges of its window."""

import itertools
import json
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from components.errors import ContractBroken
from components.feedback_example_gen.reading.area_counts import (
    AreaCounts,
    AreaWindow,
    area_counts,
    count_pairs,
    read_area_counts,
    read_pairs,
)
from components.feedback_example_gen.reading.feedback_reader import read_feedback_rows
from components.postgres.connection import connect
from transforms.product_area_impact import PairCounts

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
WINDOW = AreaWindow(days=90, critical_priority=4)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


def counts(window: AreaWindow = WINDOW) -> AreaCounts:
    """By the server; rows that name an account are counted in the process, too, and alike."""
    with closing(connect("tens-insight test")) as connection:
        found = read_area_counts(connection, AS_OF, window)
        if not nulls(connection):
            here = count_pairs(read_feedback_rows(connection, AS_OF), AS_OF, window)
            rest = read_pairs(connection, AS_OF, window, nameless=True)
            assert area_counts(AS_OF, window, [*here, *rest]) == found
    return found


def nulls(connection: Any) -> bool:
    """Whether a row that names an account lacks a column, with which a run ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) > 0 FROM feedback_enriched WHERE account_id <> '' AND num_nulls("
            "product_area, customer_tier, sentiment, priority, source, topic, region) > 0"
        )
        ((found,),) = cursor.fetchall()
    return bool(found)


def test_every_combination_is_counted_as_loops_would(feedback: Any) -> None:
    areas, tiers, ages = ("billing", "ui_ux"), ("free", "enterprise"), (1, 6, 8, 89, 91)
    sentiments, priorities, accounts = ("positive", "neutral", "negative"), range(1, 6), ("A", None)
    combinations = itertools.product(areas, tiers, ages, sentiments, priorities, accounts)
    rows = feedback.add(
        {
            "product_area": area,
            "customer_tier": tier,
            "created_at": AS_OF - age * DAY,
            "sentiment": sentiment,
            "priority": priority,
            "account_id": account,
        }
        for number, (area, tier, age, sentiment, priority, account) in enumerate(combinations)
        if number % 7
    )
    window = AreaWindow(days=90, critical_priority=3)
    expected = []
    for area, tier in sorted(itertools.product(areas, tiers)):
        own = [
            row
            for row in rows
            if (row["product_area"], row["customer_tier"]) == (area, tier)
            and row["created_at"] >= AS_OF - 90 * DAY
        ]
        expected.append(
            PairCounts(
                area,
                tier,
                feedback=len(own),
                negative=sum(row["sentiment"] == "negative" for row in own),
                positive=sum(row["sentiment"] == "positive" for row in own),
                critical=sum(row["priority"] >= 3 for row in own),
                p5=sum(row["priority"] == 5 for row in own),
                recent=sum(row["created_at"] >= AS_OF - 7 * DAY for row in own),
            )
        )
    assert counts(window) == AreaCounts(AS_OF, window, tuple(expected), 0, 0)


def test_the_window_is_closed_at_its_start_and_open_at_as_of(feedback: Any) -> None:
    moments = {
        "first": AS_OF - 90 * DAY,
        "before": AS_OF - 90 * DAY - MICROSECOND,
        "last": AS_OF - MICROSECOND,
        "now": AS_OF,
        "recent": AS_OF - 7 * DAY,
        "not recent": AS_OF - 7 * DAY - MICROSECOND,
    }
    feedback.add({"product_area": area, "created_at": at} for area, at in moments.items())
    found = {pair.product_area: pair.recent for pair in counts().pairs}
    assert found == {"first": 0, "last": 1, "recent": 1, "not recent": 0}


def test_impossible_dates_are_outside_every_window(feedback: Any) -> None:
    feedback.add([{}])
    for moment in ("infinity", "-infinity", "0044-03-15 BC"):
        feedback.add([{"created_at": moment}])
    feedback.add([{"created_at": None}])
    (pair,) = counts().pairs
    assert pair.feedback == 1


def test_rows_without_area_or_tier_are_in_no_pair_and_counted(feedback: Any) -> None:
    feedback.add([{}, {"product_area": None}, {"product_area": ""}, {"customer_tier": None}])
    found = counts()
    assert [(pair.product_area, pair.segment) for pair in found.pairs] == [("billing", "pro")]
    assert found.unnamed_rows == 3


@pytest.mark.parametrize(
    "changes", [{"sentiment": "Negative"}, {"sentiment": None}, {"priority": 0}, {"priority": None}]
)
def test_values_that_the_contract_does_not_know_are_counted(
    feedback: Any, changes: dict[str, Any]
) -> None:
    feedback.add([{}, changes, {**changes, "created_at": AS_OF - 91 * DAY}])
    assert counts().unsound_rows == 1


def test_names_are_taken_as_they_are(feedback: Any) -> None:
    odd = sorted(["billing", "Billing", "billing ", "a/b", "it's", "日本", "😀", "a\nb"])
    feedback.add({"product_area": area, "customer_tier": area} for area in odd)
    assert [(pair.product_area, pair.segment) for pair in counts().pairs] == [
        (area, area) for area in odd
    ]


def test_no_feedback_has_no_pairs(feedback: Any) -> None:
    assert counts() == AreaCounts(AS_OF, WINDOW, (), 0, 0)


def test_counts_survive_json(feedback: Any) -> None:
    feedback.add([{}, {"product_area": "日本", "account_id": None}])
    found = counts()
    assert AreaCounts.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_one_scan_of_the_table(feedback: Any) -> None:
    feedback.add([{}])
    with closing(connect("tens-insight test")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_numscans('feedback_enriched'::regclass)")
        (before,) = cursor.fetchone() or ()
        read_area_counts(connection, AS_OF, WINDOW)
        cursor.execute("SELECT pg_stat_get_xact_numscans('feedback_enriched'::regclass)")
        assert cursor.fetchone() == (before + 1,)


def test_without_the_table_it_says_so(migrated_database: str) -> None:
    with pytest.raises(ContractBroken, match="feedback_enriched"):
        counts()
