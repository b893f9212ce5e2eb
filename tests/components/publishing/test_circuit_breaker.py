"""The circuit breaker: what it refuses is kept, what is published in spite of it is explained."""

from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish import publish, publish_once
from components.publishing.refusals import KEPT_REFUSALS
from tests.components.publishing.policies import policy_with, publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
LAX = publish_policy(max_count_change=9.0)
TEN = {f"ACC-{number}": 0.1 for number in range(10)}


def rows_of(probabilities: dict[str, float], day: int) -> list[tuple[Any, ...]]:
    as_of = AS_OF + timedelta(days=day)
    return [
        (name, p, 100 * (1 - p), ("low", "medium", "high", "critical")[min(int(p * 4), 3)],
         as_of, f"model-{day}")
        for name, p in probabilities.items()
    ]  # fmt: skip


def publication(day: int, rows: int) -> Publication:
    return Publication(AS_OF + timedelta(days=day), f"model-{day}", "none", f"run-{day}", rows)


def publish_scores(day: int, probabilities: dict[str, float], policy: PublishPolicy) -> Any:
    rows = rows_of(probabilities, day)
    return publish(
        ACCOUNT_RISK_SCORES,
        lambda: rows,
        publication=publication(day, len(rows)),
        policy=policy,
    )


def query(statement: str) -> list[tuple[Any, ...]]:
    with closing(connect("tens-insight test")) as reader, reader, reader.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def refused_rows() -> list[tuple[Any, ...]]:
    return query(
        "SELECT refusal_id, count(*) FROM tens_insight.account_risk_scores_refused "
        "GROUP BY 1 ORDER BY 1"
    )


@pytest.mark.parametrize(
    ("limit", "value", "change", "said"),
    [
        ("max_count_change", 0.1, {"new": 0.1, "newer": 0.1}, r"12 rows after 10.* of 20.0%"),
        ("max_mean_shift", 0.01, {"ACC-0": 0.21}, "mean probability 0.1110 after 0.1000"),
        ("max_category_shift", 0.1, {"ACC-0": 0.3, "ACC-1": 0.3}, "80.0% low after 100.0%"),
        ("max_category_shift", 0.1, {"ACC-0": 0.3, "ACC-1": 0.3}, "20.0% medium after 0.0%"),
        ("max_moved_share", 0.1, {"ACC-0": 0.41, "ACC-1": 0.41}, r"2 of 10 accounts move .* 0\.3"),
    ],
)
def test_each_limit_alone_opens_it(
    migrated_database: str, limit: str, value: float, change: dict[str, float], said: str
) -> None:
    publish_scores(1, TEN, LAX)
    before = query("SELECT * FROM public.account_risk_scores ORDER BY 1")
    with pytest.raises(PublicationRefused, match=f"{said}.*diff now r1.*--accept-shift"):
        publish_scores(2, TEN | change, policy_with(LAX, **{limit: value}))
    assert query("SELECT * FROM public.account_risk_scores ORDER BY 1") == before
    assert query("SELECT count(*) FROM tens_insight.publications") == [(1,)]
    assert refused_rows() == [(1, len(TEN | change))]
    publish_scores(3, TEN | change, LAX)


@pytest.mark.parametrize(
    ("limit", "value", "change"),
    [
        ("max_count_change", 0.2, {"new": 0.1, "newer": 0.1}),
        ("max_category_shift", 0.2, {"ACC-0": 0.3, "ACC-1": 0.3}),
        ("max_moved_share", 0.2, {"ACC-0": 0.41, "ACC-1": 0.41}),
        ("max_moved_share", 0.0, {"ACC-0": 0.39, "new": 0.9}),
    ],
)
def test_up_to_its_limit_it_stays_closed(
    migrated_database: str, limit: str, value: float, change: dict[str, float]
) -> None:
    publish_scores(1, TEN, LAX)
    publish_scores(2, TEN | change, policy_with(LAX, **{limit: value}))
    assert refused_rows() == []


def test_an_accepted_shift_is_recorded_with_reason_person_and_limits(
    migrated_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish_scores(1, TEN, LAX)
    strict = publish_policy(0.0, accept_shift="The import of May was repaired.")
    publish_scores(2, TEN | {"new": 0.1}, strict)
    ((reason, by, limits),) = query(
        "SELECT accepted_shift, published_by, broken_limits FROM tens_insight.publications "
        "WHERE run_id = 'run-2'"
    )
    assert reason == "The import of May was repaired."
    assert by.startswith("postgres@local socket (")
    assert limits == [
        "11 rows after 10, a change of 10.0% (max_count_change is 0.0%)",
    ]
    assert refused_rows() == []
    assert "in spite of the circuit breaker" in caplog.text


def test_the_newest_refusals_keep_their_rows(migrated_database: str) -> None:
    publish_scores(1, TEN, LAX)
    for _ in range(KEPT_REFUSALS + 2):
        with pytest.raises(PublicationRefused):
            publish_scores(2, TEN | {"new": 0.1}, publish_policy(0.0))
    kept = refused_rows()
    assert [rows for _, rows in kept] == [11] * KEPT_REFUSALS
    assert kept[-1][0] == KEPT_REFUSALS + 2


def test_a_refusal_whose_answer_was_lost_is_recorded_once(migrated_database: str) -> None:
    publish_scores(1, TEN, LAX)
    rows = rows_of(TEN | {"new": 0.1}, 2)
    attempt = "6f1c1f9e-6f0e-4a3e-9d3e-0d1a5a3f4b11"
    for _ in range(2):
        with pytest.raises(PublicationRefused, match="refusal r1"):
            publish_once(
                ACCOUNT_RISK_SCORES,
                lambda: rows,
                publication(2, len(rows)),
                publish_policy(0.0),
                attempt,
            )
    assert refused_rows() == [(1, 11)]


def test_other_refusals_keep_nothing(migrated_database: str) -> None:
    publish_scores(2, TEN, LAX)
    for day, probabilities in ((1, TEN), (3, {"ACC-0": 1.5}), (3, {})):
        with pytest.raises(PublicationRefused):
            publish_scores(day, probabilities, LAX)
    assert query("SELECT count(*) FROM tens_insight.refusals") == [(0,)]
