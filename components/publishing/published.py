"""Reads back what was published, for summaries: scores, product areas, and by model."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

import psycopg2.extensions

from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.rows import one_record, records
from components.postgres.tables import PRODUCT_AREA_IMPACT
from components.publishing.publication_log import read_log

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
    """

    rows: int
    categories: dict[str, int]


@dataclass(frozen=True)
class _Counts:
    """Rows of account_risk_scores, all and by category."""

    rows: int
    low: int
    medium: int
    high: int
    critical: int


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
    """Returns the moment that the published areas speak of, UTC; None where none are published.

    Raises:
        ContractBroken: The log of publications or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        newest = read_log(cursor, PRODUCT_AREA_IMPACT).newest
    return newest.as_of.astimezone(timezone.utc) if newest else None


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
