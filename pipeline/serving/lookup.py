"""What is known of accounts beside their events, by one statement.

The clock, what is published of them, and what tells an old answer from a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from psycopg2 import sql
from psycopg2.errors import CharacterNotInRepertoire, UntranslatableCharacter
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import records, value
from pipeline.serving.cache import Stamp

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class PublishedScore:
    """A row of account_risk_scores; as_of is UTC."""

    account_id: str
    churn_probability: float | None
    health_score: float | None
    risk_category: str | None
    as_of: datetime
    model_version: str | None


@dataclass(frozen=True)
class LookedUp:
    """What the database has of an account, but its events; a field for each column."""

    account_id: str
    now: datetime
    churn_probability: float | None
    health_score: float | None
    risk_category: str | None
    predicted_at: datetime | None
    model_version: str | None
    rows: int | None
    newest: datetime | None
    churned: datetime | None

    @property
    def stamp(self) -> Stamp:
        """What tells an old answer from a new one."""
        return Stamp(self.account_id, self.rows or 0, self.newest, self.churned)

    @property
    def published(self) -> PublishedScore | None:
        """Its row of account_risk_scores."""
        if self.predicted_at is None:
            return None
        return PublishedScore(
            account_id=self.account_id,
            churn_probability=self.churn_probability,
            health_score=self.health_score,
            risk_category=self.risk_category,
            as_of=self.predicted_at,
            model_version=self.model_version,
        )


def published_values(row: PublishedScore | None) -> dict[str, Any] | None:
    """Returns what is answered of a published score."""
    if row is None:
        return None
    return {
        "probability": row.churn_probability,
        "health_score": row.health_score,
        "risk_band": row.risk_category,
        "as_of": row.as_of.astimezone(timezone.utc).isoformat(),
        "model_version": row.model_version,
    }


class ImpossibleIdError(Exception):
    """An id has letters that the encoding of the database does not have."""


def look_up(
    connection: Connection, accounts: Sequence[str], churn: ChurnSource | None, with_stamps: bool
) -> dict[str, LookedUp]:
    """Looks accounts up, by the same clock.

    Args:
        connection: Open, with time zone UTC.
        accounts: Their ids, each once.
        churn: The ground truth; None where the label is inactivity.
        with_stamps: Whether to count what they wrote, too.

    Raises:
        ImpossibleIdError: The database cannot hold one of the ids.
    """
    query = _look_up_query(connection, churn, with_stamps)
    with connection.cursor() as cursor:
        try:
            cursor.execute(query, {"accounts": accounts})
        except (UntranslatableCharacter, CharacterNotInRepertoire):
            raise ImpossibleIdError from None
        return {one.account_id: one for one in records(cursor, LookedUp)}


def clock(connection: Connection) -> datetime:
    """Returns the server's clock, UTC, in whole seconds."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["now"])
        now: datetime = value(cursor)
    return now.astimezone(timezone.utc)


_COMPOSED: Final[dict[tuple[ChurnSource | None, bool], str]] = {}
"""Statements: to compose one takes as long as to run it."""


def _look_up_query(connection: Connection, churn: ChurnSource | None, with_stamps: bool) -> str:
    if (churn, with_stamps) not in _COMPOSED:
        of_churn = with_stamps and churn is not None
        stamps = ["wrote.rows, newest" if with_stamps else "NULL AS rows, NULL AS newest"]
        stamps.append("churned" if of_churn else "NULL AS churned")
        joins: list[sql.Composable] = [sql.SQL(_QUERIES["wrote"])] if with_stamps else []
        if with_stamps and churn is not None:
            joins.append(
                sql.SQL(_QUERIES["churned"]).format(
                    table=table_identifier(churn.table),
                    account_column=sql.Identifier(churn.account_column),
                    date_column=sql.Identifier(churn.date_column),
                )
            )
        query = sql.SQL(_QUERIES["looked_up"]).format(
            stamps=sql.SQL(", ".join(stamps)), joins=sql.SQL("").join(joins)
        )
        _COMPOSED[churn, with_stamps] = query.as_string(connection)
    return _COMPOSED[churn, with_stamps]
