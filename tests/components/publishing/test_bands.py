"""Categories are checked under every rule of the bands, recorded, and not compared across rules."""

import logging
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication import Publication, Published, PublishPolicy
from components.publishing.publication_log import read_log
from components.publishing.publish import publish
from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands
from tests.components.publishing.policies import policy_with, publish_policy
from tests.property_tests import cases

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
LOOSE = publish_policy(max_count_change=99.0)
STRICT = policy_with(LOOSE, max_category_shift=0.1)
LIFT = RiskBands("lift", lifts=(1.5, 2.5, 4.0), base_rate=0.04)
CAPACITY = RiskBands("capacity", capacity=(1, 2, 1), base_rate=0.04)
PROBABILITIES = {"é": 0.05, "a": 0.2, "b": 0.1, "B": 0.1, "c": 0.02, "d": 0.1, "e": 0.06}
RULES = {"probability": CONTRACT_BANDS, "lift": LIFT, "capacity": CAPACITY}


def publish_day(
    day: int,
    probabilities: dict[str, float],
    bands: RiskBands,
    policy: PublishPolicy = LOOSE,
    categories: dict[str, str] | None = None,
) -> Published:
    as_of, model, accounts = AS_OF + timedelta(days=day), f"model-{day}", list(probabilities)
    given = bands.categories(list(probabilities.values()), accounts).tolist()
    named = dict(zip(accounts, given, strict=True)) | (categories or {})
    rows = [
        (account, p, 100 * (1 - p), named[account], as_of, model)
        for account, p in probabilities.items()
    ]
    publication = Publication(as_of, model, "none", f"run-{day}", len(rows), bands=bands)
    return publish(ACCOUNT_RISK_SCORES, lambda: rows, publication=publication, policy=policy)


def query(statement: str) -> list[tuple[Any, ...]]:
    with closing(connect("tens-insight test")) as one, one, one.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def categories() -> dict[str, str]:
    return dict(query("SELECT account_id, risk_category FROM public.account_risk_scores"))


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        (CONTRACT_BANDS, dict.fromkeys(PROBABILITIES, "low")),
        (LIFT, {"a": "critical", "b": "high", "B": "high", "d": "high", "e": "medium",
                "é": "low", "c": "low"}),
        # Of three equals the first two by id, where capitals come first.
        (CAPACITY, {"a": "critical", "B": "high", "b": "high", "d": "medium", "e": "low",
                    "é": "low", "c": "low"}),
    ],
)  # fmt: skip
def test_categories_follow_the_rule(
    migrated_database: str, bands: RiskBands, expected: dict[str, str]
) -> None:
    publish_day(1, PROBABILITIES, bands)
    assert categories() == expected
    assert query("SELECT risk_bands FROM tens_insight.publications") == [(bands.applied(),)]


@pytest.mark.parametrize(
    ("bands", "wrong"),
    [
        (CONTRACT_BANDS, {"a": "critical"}),
        (LIFT, {"e": "low"}),
        (LIFT, {"a": "high"}),
        (CAPACITY, {"a": "high", "B": "critical"}),  # counts agree, the order does not
        (CAPACITY, {"d": "high", "b": "medium"}),  # a tie, divided the other way
        (CAPACITY, {"e": "medium"}),  # one too many
        (CAPACITY, {"d": "low"}),  # one too few
        (CAPACITY, {"c": "severe"}),
    ],
)
def test_a_category_that_breaks_the_rule_is_refused(
    migrated_database: str, bands: RiskBands, wrong: dict[str, str]
) -> None:
    with pytest.raises(PublicationRefused, match="risk_category does not follow"):
        publish_day(1, PROBABILITIES, bands, categories=wrong)
    assert categories() == {}


@settings(
    max_examples=cases(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(
        st.sampled_from(["a", "B", "é", "ß", "😀", "z", "Z", " ", "-", "aa"]),
        st.sampled_from([0.0, -0.0, 0.06, 0.04 * 2.5, 0.16, 0.25, 0.5, 0.75, 1.0])
        | st.floats(0, 1),
        min_size=1,
    ),
    st.sampled_from(sorted(RULES)),
)
def test_the_check_agrees_with_the_rule_to_the_last_bit(
    migrated_database: str, probabilities: dict[str, float], rule: str
) -> None:
    """The check is written in SQL on its own: both see the same cuts, places and ties."""
    query("TRUNCATE public.account_risk_scores, tens_insight.publications")
    publish_day(1, probabilities, RULES[rule])
    ranked = query(
        "SELECT risk_category FROM public.account_risk_scores ORDER BY churn_probability DESC"
    )
    order = [("critical", "high", "medium", "low").index(name) for (name,) in ranked]
    by_equal = query(
        "SELECT count(DISTINCT risk_category) FROM public.account_risk_scores "
        "GROUP BY churn_probability"
    )
    if rule != "capacity":
        assert order == sorted(order)
        assert set(by_equal) == {(1,)}
    else:
        counts = [order.count(place) for place in range(3)]
        assert counts == [min(1, len(order)), *_next(len(order) - 1)]


def _next(left: int) -> list[int]:
    high = min(2, max(left, 0))
    return [high, min(1, max(left - high, 0))]


def test_another_rule_is_said_and_categories_are_not_compared(
    migrated_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish_day(1, PROBABILITIES, CONTRACT_BANDS, STRICT)
    with caplog.at_level(logging.WARNING):
        published = publish_day(2, PROBABILITIES, LIFT, STRICT)
    assert published.former_bands == CONTRACT_BANDS
    assert "changed from {'mode': 'probability'} to {'mode': 'lift'" in caplog.text
    assert "does not compare the categories" in caplog.text
    recorded = query("SELECT risk_bands -> 'changed_from' FROM tens_insight.publications")
    assert recorded == [(None,), ({"mode": "probability"},)]


def test_within_one_rule_categories_are_compared(migrated_database: str) -> None:
    publish_day(1, PROBABILITIES, LIFT, STRICT)
    shifted = {account: p * 2 for account, p in PROBABILITIES.items()}
    # Another model with another base rate is no other rule.
    with pytest.raises(PublicationRefused, match="max_category_shift"):
        publish_day(2, shifted, LIFT.against(0.041), STRICT)
    published = publish_day(3, PROBABILITIES, LIFT.against(0.041), LOOSE)
    assert published.former_bands is None


def test_the_other_limits_hold_across_rules(migrated_database: str) -> None:
    publish_day(1, PROBABILITIES, CONTRACT_BANDS)
    with pytest.raises(PublicationRefused, match="max_mean_shift"):
        publish_day(
            2, dict.fromkeys(PROBABILITIES, 0.9), LIFT, policy_with(STRICT, max_mean_shift=0.1)
        )


def test_publications_of_before_count_as_the_contracts(migrated_database: str) -> None:
    publish_day(1, PROBABILITIES, CONTRACT_BANDS)
    query("UPDATE tens_insight.publications SET risk_bands = NULL")
    assert publish_day(2, PROBABILITIES, CONTRACT_BANDS).former_bands is None
    assert publish_day(3, PROBABILITIES, CAPACITY).former_bands == CONTRACT_BANDS
    with closing(connect("tens-insight test")) as one, one, one.cursor() as cursor:
        newest = read_log(cursor, ACCOUNT_RISK_SCORES).newest
    assert newest is not None
    assert newest.risk_bands == CAPACITY.applied() | {"changed_from": {"mode": "probability"}}
