"""Reads back what was published, for summaries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg2.extensions

from components.postgres.failures import explained
from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class AccountRisk:
    """One published row: probability in [0, 1]."""

    account_id: str
    churn_probability: float
    risk_category: str


@dataclass(frozen=True)
class ScoreCounts:
    """State of account_risk_scores.

    Attributes:
        rows: Accounts with a score.
        categories: How many in each risk category.
        predicted_at: Newest as_of, UTC; None without rows.
        model_version: Of the newest rows; None without rows.
    """

    rows: int
    categories: dict[str, int]
    predicted_at: datetime | None
    model_version: str | None


def highest_risks(connection: psycopg2.extensions.connection, limit: int) -> list[AccountRisk]:
    """Returns the accounts most at risk, highest probability first.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["highest_risks"], {"limit": limit})
        return [AccountRisk(*row) for row in cursor.fetchall()]


def score_counts(connection: psycopg2.extensions.connection) -> ScoreCounts:
    """Counts the published scores.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["score_counts"])
        row = cursor.fetchone()
    assert row is not None
    rows, low, medium, high, critical, predicted_at, version = row
    categories = {"low": low, "medium": medium, "high": high, "critical": critical}
    return ScoreCounts(rows, categories, predicted_at, version)
