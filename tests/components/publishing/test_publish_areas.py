"""product_area_impact goes through the publisher of the account scores, with its own checks."""

import math
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from psycopg2 import sql

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.tables import PRODUCT_AREA_IMPACT
from components.publishing.checks import broken_rules_query
from components.publishing.publication import NO_LABEL, Publication, PublishPolicy
from components.publishing.publish import publish
from components.publishing.published import PublishedArea, areas_as_of, top_areas
from tests.components.publishing.policies import publish_policy

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
POLICY = publish_policy(max_count_change=0.5)


def area(name: str, segment: str = "pro", score: float = 50.0, **changes: Any) -> tuple[Any, ...]:
    row = {"feedback": 10, "sentiment": -0.1, "negative": 4, "critical": 3, "as_of": AS_OF}
    return (name, segment, score, *(row | changes).values(), "weights-1")


ROWS = [area("billing"), area("billing", "enterprise", 80.0), area("ui_ux", "pro", 0.0)]


def publish_rows(
    rows: list[Any], policy: PublishPolicy = POLICY, as_of: datetime = AS_OF, expected: int = -1
) -> Any:
    publication = Publication(
        as_of=as_of,
        model_version="weights-1",
        label_source=NO_LABEL,
        run_id="run-1",
        expected_rows=len(rows) if expected < 0 else expected,
    )
    return publish(PRODUCT_AREA_IMPACT, lambda: iter(rows), publication=publication, policy=policy)


def query(statement: str) -> list[tuple[Any, ...]]:
    with closing(connect("tens-insight test")) as reader, reader, reader.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def table() -> list[tuple[Any, ...]]:
    return query("SELECT * FROM public.product_area_impact ORDER BY product_area, segment")


def test_rows_arrive_are_recorded_and_read_back(migrated_database: str) -> None:
    published = publish_rows(ROWS)
    assert table() == sorted(ROWS)
    assert (published.written, published.removed, published.categories) == (3, 0, {})
    assert published.mean_probability is None
    assert query(
        "SELECT target_table, as_of, model_version, label_source, rows_written, "
        "mean_probability, category_shares, run_id FROM tens_insight.publications"
    ) == [("product_area_impact", AS_OF, "weights-1", NO_LABEL, 3, None, {}, "run-1")]
    with closing(connect("tens-insight test")) as connection:
        assert top_areas(connection, 1) == [
            PublishedArea("billing", "enterprise", 80.0, 10, -0.1, 4, 3)
        ]
        assert areas_as_of(connection) == AS_OF


def test_publishing_again_changes_nothing_and_pairs_that_vanished_go(
    migrated_database: str,
) -> None:
    publish_rows(ROWS)
    assert publish_rows(ROWS).removed == 0
    assert table() == sorted(ROWS)
    kept = publish_rows(ROWS[:2], publish_policy(0.5, remove_departed=False))
    assert (kept.removed, len(table())) == (0, 3)
    assert publish_rows(ROWS[:2]).removed == 1
    assert table() == sorted(ROWS[:2])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (area("x", score=100.1), "priority_score is not a number from 0 to 100"),
        (area("x", score=-0.1), "priority_score is not a number from 0 to 100"),
        (area("x", score=math.nan), "priority_score is not a number from 0 to 100"),
        (area("x", sentiment=-1.5), "avg_sentiment_score is not a number from -1 to 1"),
        (area("x", sentiment=math.nan), "avg_sentiment_score is not a number from -1 to 1"),
        (area("x", negative=-1), "a count is below 0"),
        (area("x", feedback=-1), "a count is below 0"),
        (area("x", critical=11), "a count is above feedback_count"),
        (area(""), "product_area or segment is empty"),
        (area("x", segment=""), "product_area or segment is empty"),
        (area("billing"), "product_area, segment .* comes 2 times"),
        (area("x", as_of=AS_OF - timedelta(days=1)), "predicted_at has several values"),
        ((*area("x")[:-1], "weights-2"), "model_version has several values"),
        (area(None), "product_area must be text"),  # type: ignore[arg-type]
        (area("x", feedback=None), "feedback_count must be a whole number"),
        (area("x", score=None), "priority_score must be a number"),  # type: ignore[arg-type]
    ],
)
def test_a_broken_row_publishes_nothing(
    migrated_database: str, row: tuple[Any, ...], said: str
) -> None:
    publish_rows(ROWS[:1])
    with pytest.raises(PublicationRefused, match=said):
        publish_rows([*ROWS, row], publish_policy(9.0))
    assert table() == ROWS[:1]


def test_the_checks_themselves_find_null(migrated_database: str) -> None:
    """COPY refuses None before; the checks must not rely on it."""
    columns = PRODUCT_AREA_IMPACT.columns
    nulls = ", ".join(f"NULL::{column.type} AS {column.name}" for column in columns)
    good = "'a' AS product_area, 'b' AS segment, 1.0::float8 AS priority_score, "
    good += "1 AS feedback_count, 0.0::float8 AS avg_sentiment_score, 0 AS negative_count, "
    good += "0 AS critical_count, now() AS predicted_at, 'v' AS model_version"
    found = {}
    with closing(connect("tens-insight test")) as connection:
        for name in PRODUCT_AREA_IMPACT.column_names:
            values = ", ".join(
                f"n.{one}" if one == name else f"g.{one}"
                for one in PRODUCT_AREA_IMPACT.column_names
            )
            rows = f"(SELECT {values} FROM (SELECT {good}) g, (SELECT {nulls}) n) AS staged"
            check = broken_rules_query(PRODUCT_AREA_IMPACT, sql.SQL(rows))
            found[name] = len(query(check.as_string(connection)))
    assert found == dict.fromkeys(PRODUCT_AREA_IMPACT.column_names, 1)


def test_the_circuit_breaker_looks_at_the_count_alone(migrated_database: str) -> None:
    publish_rows(ROWS)
    publish_rows([area(row[0], row[1], 100.0) for row in ROWS])
    with pytest.raises(PublicationRefused, match="1 rows after 3, a change of 66.7%"):
        publish_rows(ROWS[:1])
    assert len(table()) == 3
    publish_rows(ROWS[:1], publish_policy(0.5, accept_shift="A reason."))
    assert table() == ROWS[:1]


def test_an_older_run_never_replaces_a_newer_one(migrated_database: str) -> None:
    publish_rows(ROWS)
    with pytest.raises(PublicationRefused, match="an older run never replaces a newer one"):
        publish_rows(ROWS, as_of=AS_OF - timedelta(seconds=1))


def test_nothing_is_published_unless_nothing_is_meant(migrated_database: str) -> None:
    publish_rows(ROWS)
    with pytest.raises(PublicationRefused, match="no rows to publish"):
        publish_rows([])
    with pytest.raises(PublicationRefused, match="0 rows came .*, expected 3"):
        publish_rows([], publish_policy(0.5, allow_empty=True), expected=3)
    assert len(table()) == 3
    cleared = publish_rows([], publish_policy(0.5, allow_empty=True))
    assert (cleared.written, cleared.removed, table()) == (0, 3, [])
    assert publish_rows(ROWS).written == 3
