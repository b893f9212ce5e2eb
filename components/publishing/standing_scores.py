"""Reads the newest scores that another model published and that still stand."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.connection import connect
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.history import rebuilt_rows
from components.publishing.publication_log import LogEntry, PublicationLog, read_log

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class StandingScores:
    """What account_risk_scores held after a publication, by account id.

    Attributes:
        publication_id: The newest that it shows.
        model_version: Of that one; rows that it left alone may be of others.
        as_of: Likewise, UTC.
        accounts: Ids, [n], n at least 1.
        probabilities: Of churn, [n], [0, 1].
        categories: [n].
    """

    publication_id: int
    model_version: str
    as_of: datetime
    accounts: list[str]
    probabilities: list[float]
    categories: list[str]


@dataclass(frozen=True)
class StandingState:
    """Who published what stands, as one model sees it.

    Attributes:
        published: Whether the newest publication that stands is of that model.
        other: The state after the newest one that stands and is of another model.
        missing: Why there is no `other`; empty where there is one.
    """

    published: bool
    other: StandingScores | None
    missing: str = ""


def read_standing(model_version: str) -> StandingState:
    """Reads the log and the state in one read-only transaction.

    Args:
        model_version: Of the model whose publications are not looked for.

    Raises:
        DatabaseUnreachable: As connect does, or the server went away.
        ContractBroken: A table or the right to read it is missing.
    """
    with closing(connect("tens-insight review")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with explained(connection), connection, connection.cursor() as cursor:
            log = read_log(cursor, ACCOUNT_RISK_SCORES)
            published = log.newest is not None and log.newest.model_version == model_version
            found = _other(cursor, log, model_version)
    if isinstance(found, str):
        return StandingState(published, None, found)
    return StandingState(published, found)


def _other(cursor: Cursor, log: PublicationLog, model_version: str) -> StandingScores | str:
    others = [one for one in log.standing if one.model_version != model_version]
    if not others:
        return "No scores of another model stand: none were published, or all were undone."
    entry = others[-1]
    layers = log.layers(entry)
    named = f"Publication {entry.publication_id} of model {entry.model_version}"
    if layers is None:
        return (
            f"{named} is the newest of another model, and its rows were dropped "
            "(TENS_INSIGHT_HISTORY_DAYS says when)."
        )
    cursor.execute(_statement(layers))
    return _scores(entry, cursor.fetchall(), named)


def _statement(layers: list[int]) -> sql.Composed:
    rows = rebuilt_rows(ACCOUNT_RISK_SCORES, layers)
    return sql.SQL(_QUERIES["standing_scores"]).format(rows=rows)


def _scores(
    entry: LogEntry, rows: list[tuple[str, float | None, str | None]], named: str
) -> StandingScores | str:
    if not rows:
        return f"{named} is the newest of another model, and holds no account."
    # Rows that were found in the table may be anybody's, and of any meaning.
    known = [(a, p, c) for a, p, c in rows if p is not None and 0 <= p <= 1 and c is not None]
    if len(known) < len(rows):
        return (
            f"{named} is the newest of another model, and {len(rows) - len(known)} of its "
            f"{len(rows)} rows have no probability from 0 to 1, or no category."
        )
    accounts, probabilities, categories = (list(column) for column in zip(*known, strict=True))
    as_of = entry.as_of.astimezone(timezone.utc)
    return StandingScores(
        entry.publication_id, entry.model_version, as_of, accounts, probabilities, categories
    )
