"""Reads back the published product areas, for summaries."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

import psycopg2.extensions

from components.postgres.failures import explained
from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)


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


def top_areas(connection: psycopg2.extensions.connection, limit: int) -> list[PublishedArea]:
    """Returns the pairs of the highest priority, highest first.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["top_areas"], {"limit": limit})
        return [PublishedArea(*row) for row in cursor.fetchall()]


def areas_as_of(connection: psycopg2.extensions.connection) -> datetime | None:
    """Returns the moment that the newest published areas speak of, UTC; None without rows.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    return area_rows(connection)[1]


def area_rows(connection: psycopg2.extensions.connection) -> tuple[int, datetime | None]:
    """Returns how many pairs are published, and areas_as_of.

    Raises:
        ContractBroken: The table or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["area_rows"])
        rows, moment = cursor.fetchone() or (0, None)
    return rows, moment.astimezone(timezone.utc) if moment else None
