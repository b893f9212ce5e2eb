"""Reads the newest scores of another model that were published and not undone."""

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
from components.postgres.retry import retried
from components.postgres.rows import records
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.history import rebuilt_rows
from components.publishing.publication_log import LogEntry, PublicationLog, read_log

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class PreviousScores:
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
class PreviousState:
    """Whether a model published what is shown, and what another one published last.

    Attributes:
        published: Whether the table shows a publication of that model.
        other: The state after the newest publication of another model that was not undone.
        missing: Why there is no `other`; empty where there is one.
    """

    published: bool
    other: PreviousScores | None
    missing: str = ""


@dataclass(frozen=True)
class _Score:
    """The score of one account; of existing rows anything may be missing."""

    account_id: str
    churn_probability: float | None
    risk_category: str | None


def read_previous(model_version: str, patience_s: float) -> PreviousState:
    """Reads the log and the state in one read-only transaction.

    Args:
        model_version: Of the model whose publications are not looked for.
        patience_s: Seconds for which a server that does not answer is waited for.

    Raises:
        DatabaseUnreachable: As connect does, or the server went away.
        ContractBroken: A table or the right to read it is missing.
    """
    return retried(lambda: _read_previous(model_version), patience_s=patience_s)


def _read_previous(model_version: str) -> PreviousState:
    with closing(connect("tens-insight review")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with explained(connection), connection, connection.cursor() as cursor:
            log = read_log(cursor, ACCOUNT_RISK_SCORES)
            published = log.newest is not None and log.newest.model_version == model_version
            other = _other(cursor, log, model_version)
    if isinstance(other, str):
        return PreviousState(published, None, other)
    return PreviousState(published, other)


def _other(cursor: Cursor, log: PublicationLog, model_version: str) -> PreviousScores | str:
    others = [entry for entry in log.not_undone if entry.model_version != model_version]
    if not others:
        return "There are no scores of another model: none were published, or all were undone."
    entry = others[-1]
    layers = log.layers(entry)
    named = f"Publication {entry.publication_id} of model {entry.model_version}"
    if layers is None:
        return (
            f"{named} is the newest of another model, and its rows were dropped "
            "(TENS_INSIGHT_HISTORY_DAYS says when)."
        )
    rows = rebuilt_rows(ACCOUNT_RISK_SCORES, layers)
    cursor.execute(sql.SQL(_QUERIES["scores_of_state"]).format(rows=rows))
    return _scores(entry, records(cursor, _Score), named)


def _scores(entry: LogEntry, rows: list[_Score], named: str) -> PreviousScores | str:
    if not rows:
        return f"{named} is the newest of another model, and holds no account."
    # Rows from before our first publication may be anybody's, and of any meaning.
    known = [
        (row.account_id, row.churn_probability, row.risk_category)
        for row in rows
        if row.churn_probability is not None
        and 0 <= row.churn_probability <= 1
        and row.risk_category is not None
    ]
    if len(known) < len(rows):
        return (
            f"{named} is the newest of another model, and {len(rows) - len(known)} of its "
            f"{len(rows)} rows have no probability from 0 to 1, or no category."
        )
    accounts, probabilities, categories = map(list, zip(*known, strict=True))
    as_of = entry.as_of.astimezone(timezone.utc)
    return PreviousScores(
        publication_id=entry.publication_id,
        model_version=entry.model_version,
        as_of=as_of,
        accounts=accounts,
        probabilities=probabilities,
        categories=categories,
    )
