"""Reads back what was published, for summaries: scores, product areas, and by model."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

import psycopg2.extensions
from psycopg2 import sql

from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.rows import one_record, records
from components.postgres.tables import PRODUCT_AREA_IMPACT, OutputTable

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


@dataclass(frozen=True)
class _Counts:
    """Rows of account_risk_scores, all and by category, their newest moment and its model."""

    rows: int
    low: int
    medium: int
    high: int
    critical: int
    predicted_at: datetime | None
    model_version: str | None


@dataclass(frozen=True)
class TableState:
    """Rows of an output table, and the newest moment that they speak of, UTC."""

    rows: int
    as_of: datetime | None


@dataclass(frozen=True)
class PublishedArea:
    """One published row: score 0..100, average sentiment -1..1."""

    product_area: str
    segment: str
    priority_score: float
    feedback_count: int
    avg_sentiment_score: float
    negative_count: int
    critical_count: int


@dataclass(frozen=True)
class PublishedWith:
    """What was published with one model.

    Attributes:
        rows: Account scores, summed over all publications.
        last_as_of: Of the newest publication, UTC.
    """

    rows: int
    last_as_of: datetime


@dataclass(frozen=True)
class _ByModel:
    """PublishedWith, and the model."""

    model_version: str
    rows: int
    last_as_of: datetime


def highest_risks(connection: psycopg2.extensions.connection, limit: int) -> list[AccountRisk]:
    """Returns the accounts most at risk, highest probability first.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["highest_risks"], {"limit": limit})
        return records(cursor, AccountRisk)


def score_counts(connection: psycopg2.extensions.connection) -> ScoreCounts:
    """Counts the published scores.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["score_counts"])
        counts = one_record(cursor, _Counts)
    return ScoreCounts(
        rows=counts.rows,
        categories={name: getattr(counts, name) for name in ("low", "medium", "high", "critical")},
        predicted_at=counts.predicted_at,
        model_version=counts.model_version,
    )


def top_areas(connection: psycopg2.extensions.connection, limit: int) -> list[PublishedArea]:
    """Returns the pairs of the highest priority, highest first.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["top_areas"], {"limit": limit})
        return records(cursor, PublishedArea)


def areas_as_of(connection: psycopg2.extensions.connection) -> datetime | None:
    """Returns the moment that the newest published areas speak of, UTC; None without rows.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    return table_state(connection, PRODUCT_AREA_IMPACT).as_of


def table_state(connection: psycopg2.extensions.connection, table: OutputTable) -> TableState:
    """Returns how many rows an output table holds, and the moment that they speak of.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(sql.SQL(_QUERIES["table_state"]).format(table=table.identifier))
        state = one_record(cursor, TableState)
    return TableState(state.rows, state.as_of and state.as_of.astimezone(timezone.utc))


def published_models(connection: psycopg2.extensions.connection) -> dict[str, PublishedWith]:
    """Returns what was published by model version.

    Raises:
        ContractBroken: The log of publications or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["publications_by_model"])
        rows = records(cursor, _ByModel)
    return {row.model_version: PublishedWith(row.rows, row.last_as_of) for row in rows}
