"""What was ever published with each model."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg2.extensions

from components.postgres.failures import explained
from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class PublishedWith:
    """What was published with one model.

    Attributes:
        rows: Account scores, summed over all publications.
        last_as_of: Of the newest publication, UTC.
    """

    rows: int
    last_as_of: datetime


def published_models(connection: psycopg2.extensions.connection) -> dict[str, PublishedWith]:
    """Returns what was published by model version.

    Raises:
        ContractBroken: The log of publications or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["publications_by_model"])
        return {version: PublishedWith(*found) for version, *found in cursor.fetchall()}
