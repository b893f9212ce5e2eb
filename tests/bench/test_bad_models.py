"""What the bad models of bench/bad_models.py learn from is wrong, each in its own way."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from importlib import resources
from typing import Any

import psycopg2
import pytest

from bench.bad_models import KINDS, Found, lines
from components.postgres.queries import named_queries

FEEDBACK = "SELECT sentiment, priority, count(*) FROM feedback_enriched GROUP BY 1, 2"
DATES = "SELECT array_agg(churned_at ORDER BY churned_at) FROM account_churn"
LEFT = "SELECT account_id, churned_at FROM account_churn"
SPAN = "SELECT min(created_at), max(created_at) FROM feedback_enriched"
LEAKED = """
    SELECT count(*), bool_and(churned_at - created_at BETWEEN '1 day' AND '59 days')
    FROM feedback_enriched JOIN account_churn USING (account_id) WHERE source = 'cancellation_form'
"""


@pytest.fixture
def cursor(simulated_database: str) -> Iterator[Any]:
    with closing(psycopg2.connect(simulated_database)) as connection, connection.cursor() as one:
        yield one


def asked(cursor: Any, query: str) -> list[Any]:
    cursor.execute(query)
    return list(cursor.fetchall())


def counts(cursor: Any) -> dict[tuple[str, int], int]:
    return {(tone, priority): rows for tone, priority, rows in asked(cursor, FEEDBACK)}


def test_each_kind_of_input_is_wrong_in_its_own_way(cursor: Any) -> None:
    statements = named_queries((resources.files("bench") / "bad_models.sql").read_text("utf-8"))
    assert set(statements) == set(KINDS)
    ((first, until),) = asked(cursor, SPAN)
    before, dates, left = counts(cursor), asked(cursor, DATES), set(asked(cursor, LEFT))

    def make(kind: str) -> None:
        cursor.connection.rollback()
        cursor.execute(statements[kind], {"until": until})

    make("constant")
    assert asked(cursor, DATES) == dates
    assert len(left & set(asked(cursor, LEFT))) < len(left) / 10
    make("inverted")
    other = {"positive": "negative", "negative": "positive"}
    assert counts(cursor) == {
        (other.get(tone, tone), 6 - priority): rows for (tone, priority), rows in before.items()
    }
    make("leak")
    ((leaked, in_time),) = asked(cursor, LEAKED)
    assert in_time
    assert leaked > len(left) / 2
    make("stale")
    ((stale_first, stale_until),) = asked(cursor, SPAN)
    assert stale_first - first == timedelta(days=182)
    assert stale_until < until
    make("harsher")
    now = counts(cursor)
    assert "neutral" not in {tone for tone, _ in now}
    assert sum(now.values()) == sum(before.values())


def test_a_model_that_is_not_rolled_back_has_no_table_to_compare() -> None:
    found = [
        Found("leak", "m-1", "passed", 1, "worse", equal=True),
        Found("stale", "m-2", "passed", 0, "not known", equal=None),
    ]
    assert list(lines(found))[2:] == [
        "| leak | passed | 1 window | equal | worse |",
        "| stale | passed | not within a year |  | not known |",
    ]
