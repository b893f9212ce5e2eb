"""What was published is read back as it stands in the table."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg2
import pytest

from components.errors import ContractBroken
from components.postgres.connection import connect
from components.publishing.published import (
    AccountRisk,
    ScoreCounts,
    highest_risks,
    score_counts,
)

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)


@pytest.fixture
def connection(migrated_database: str) -> Iterator[Any]:
    with closing(connect("tens-insight test")) as connection:
        yield connection


def write(url: str, rows: list[tuple[str, float, str, datetime, str]]) -> None:
    with closing(psycopg2.connect(url)) as writer, writer, writer.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO account_risk_scores (account_id, churn_probability, health_score, "
            "risk_category, predicted_at, model_version) VALUES (%s, %s, 1, %s, %s, %s)",
            rows,
        )


def test_nothing_published(connection: Any) -> None:
    assert highest_risks(connection, 10) == []
    empty = {"low": 0, "medium": 0, "high": 0, "critical": 0}
    assert score_counts(connection) == ScoreCounts(0, empty)


def test_what_was_published(migrated_database: str, connection: Any) -> None:
    earlier = AS_OF - timedelta(days=1)
    write(
        migrated_database,
        [
            ("A", 0.1, "low", earlier, "model-3"),
            ("B", 0.9, "critical", AS_OF, "model-2"),
            ("D", 0.6, "high", AS_OF, "model-2"),
            ("C", 0.6, "high", AS_OF, "model-2"),
            ("E", 0.3, "medium", AS_OF, "model-2"),
        ],
    )
    assert highest_risks(connection, 3) == [
        AccountRisk("B", 0.9, "critical"),
        AccountRisk("C", 0.6, "high"),
        AccountRisk("D", 0.6, "high"),
    ]
    assert len(highest_risks(connection, 100)) == 5
    counts = score_counts(connection)
    assert counts.rows == 5
    assert counts.categories == {"low": 1, "medium": 1, "high": 2, "critical": 1}


def test_without_the_table_the_remedy_is_named(migrated_database: str, connection: Any) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE account_risk_scores")
    with pytest.raises(ContractBroken, match="tens-insight db init"):
        score_counts(connection)
    connection.rollback()
    with pytest.raises(ContractBroken, match="tens-insight db init"):
        highest_risks(connection, 10)
