"""Reads the published product areas over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import record, records

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class AreaPublication:
    """The publication whose state the table shows; moments are UTC.

    Attributes:
        publication_id: In the log.
        as_of: The moment that it speaks of.
        published_at: By the server's clock.
        run_id: The run that published.
        model_version: Of the weights.
    """

    publication_id: int
    as_of: datetime
    published_at: datetime
    run_id: str
    model_version: str


@dataclass(frozen=True)
class AreaMoment:
    """A pair of area and segment as one publication had it; the names are those of the table."""

    product_area: str
    segment: str
    as_of: datetime
    priority_score: float
    feedback_count: int
    avg_sentiment_score: float
    negative_count: int
    critical_count: int
    model_version: str


def area_publication(cursor: Cursor) -> AreaPublication | None:
    """Returns the newest publication of product areas that was not undone; None without one."""
    cursor.execute(_QUERIES["area_publication"])
    return record(cursor, AreaPublication)


def area_course(
    cursor: Cursor, pairs: Sequence[tuple[str, str]], since: datetime
) -> list[AreaMoment]:
    """Returns pairs over the publications that were not undone, oldest first.

    Args:
        cursor: Of any transaction.
        pairs: Product area and segment of each.
        since: Only what speaks of a later moment, UTC.
    """
    areas, segments = [one for one, _ in pairs], [one for _, one in pairs]
    values = {"areas": areas, "segments": segments, "since": since}
    cursor.execute(_QUERIES["area_course"], values)
    return records(cursor, AreaMoment)
