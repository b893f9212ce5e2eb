"""What was recorded of models in shadow, by model."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import records

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class RecordedShadow:
    """A model that scored without being published.

    Attributes:
        model_version: Of the model.
        publications: Beside how many publications that were not undone.
        kept: Of them, of how many its scores are kept.
        closed: Of these, of how many the window of its horizon has closed.
        accounts: Scores beside the newest of them.
        first_as_of: Of the oldest, UTC.
        last_as_of: Of the newest, UTC.
    """

    model_version: str
    publications: int
    kept: int
    closed: int
    accounts: int
    first_as_of: datetime
    last_as_of: datetime


def recorded_shadows(cursor: Cursor) -> list[RecordedShadow]:
    """Returns all models that ever scored in shadow."""
    cursor.execute(_QUERIES["recorded_shadows"])
    return records(cursor, RecordedShadow)
