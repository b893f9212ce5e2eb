"""Reads the newest scores of another model that were published and not undone."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.connection import connect
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.retry import retried
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.history import rebuilt_rows
from components.publishing.publication_log import LogEntry, PublicationLog, read_log

_QUERIES: Final = queries(__package__)
_SCORE_COLUMNS: Final = pa.schema(
    [
        ("account_id", pa.string()),
        ("churn_probability", pa.float64()),
        ("risk_category", pa.string()),
    ]
)
_ROWS_AT_A_TIME: Final = 16_384


@dataclass(frozen=True)
class Scores:
    """Scores of accounts, column by column: rows of Python would take ten times the memory.

    Attributes:
        accounts: Ids, Arrow strings [n].
        probabilities: Of churn, [n], [0, 1].
        categories: Risk bands, str [n].
    """

    accounts: pa.Array
    probabilities: NDArray[np.float64]
    categories: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.accounts)

    def rows(self, places: NDArray[np.integer[Any]]) -> "Scores":
        """Returns the scores at some places, in their order."""
        return Scores(
            self.accounts.take(pa.array(places)),
            self.probabilities[places],
            self.categories[places],
        )


@dataclass(frozen=True)
class PreviousScores:
    """What account_risk_scores held after a publication.

    Attributes:
        publication_id: The newest that it shows.
        model_version: Of that one; rows that it left alone may be of others.
        as_of: Likewise, UTC.
        scores: Of at least one account, by account id.
    """

    publication_id: int
    model_version: str
    as_of: datetime
    scores: Scores


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
    query = sql.SQL(_QUERIES["scores_of_state"]).format(rows=rows)
    return _scores(entry, _read_columns(cursor.connection, query), named)


def _read_columns(connection: Connection, query: sql.Composable) -> pa.Table:
    """Reads account, probability and category: of existing rows anything may be missing."""
    parts = [_SCORE_COLUMNS.empty_table()]
    with connection.cursor(name="scores_of_state") as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            columns = [
                pa.array(values, kind)
                for values, kind in zip(zip(*rows, strict=True), _SCORE_COLUMNS.types, strict=True)
            ]
            parts.append(pa.Table.from_arrays(columns, schema=_SCORE_COLUMNS))
    return pa.concat_tables(parts)


def _scores(entry: LogEntry, table: pa.Table, named: str) -> PreviousScores | str:
    if not len(table):
        return f"{named} is the newest of another model, and holds no account."
    accounts, numbers, words = (one.combine_chunks() for one in table.columns)
    probabilities = numbers.fill_null(np.nan).to_numpy()
    # Rows from before our first publication may be anybody's, and of any meaning.
    named_band = words.is_valid().to_numpy(zero_copy_only=False)
    known = (probabilities >= 0) & (probabilities <= 1) & named_band
    if not known.all():
        return (
            f"{named} is the newest of another model, and {len(known) - int(known.sum())} of its "
            f"{len(known)} rows have no probability from 0 to 1, or no category."
        )
    return PreviousScores(
        publication_id=entry.publication_id,
        model_version=entry.model_version,
        as_of=entry.as_of.astimezone(timezone.utc),
        scores=Scores(accounts, probabilities, np.array(words.to_pylist(), np.str_)),
    )
