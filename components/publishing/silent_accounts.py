"""The accounts that are not scored since they are silent: computed, not stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.moments import EARLIEST
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import records
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.publication_log import LogEntry, last_publication

_QUERIES: Final = queries(__package__)
INACTIVITY: Final = "inactivity"
"""The label of a publication where silence is churn."""


@dataclass(frozen=True)
class SilentAccount:
    """An account that no churn date says has left, and that is silent for too long.

    Attributes:
        account_id: As the database holds it.
        newest: Its newest feedback, UTC.
        days_since_last_event: Days from it to the publication's as_of.
        events: Rows of feedback, also those that repeat another.
        customer_tier: Of the newest row.
        region: Likewise.
        matching: How many such accounts there are, whatever the limit.
    """

    account_id: str
    newest: datetime
    days_since_last_event: float
    events: int
    customer_tier: str | None
    region: str | None
    matching: int


@dataclass(frozen=True)
class SilentList:
    """Who is silent as of the newest publication.

    Attributes:
        publication: The newest one; None before the first.
        accounts: Silent for longest first; none where nobody is too silent to be scored.
        matching: How many there are, whatever the limit.
    """

    publication: LogEntry | None
    accounts: Sequence[SilentAccount]
    matching: int

    @property
    def days(self) -> int | None:
        """Days without feedback beyond which an account is silent; None where nobody is."""
        return silent_after(self.publication)


def silent_after(publication: LogEntry | None) -> int | None:
    """Returns after how many days an account was silent for a publication; None where none was."""
    population = publication.population if publication else None
    return population["active_within_days"] if population else None


def list_silent(cursor: Cursor, churn: tuple[str, str, str], limit: int | None) -> SilentList:
    """Lists who is silent, inside the caller's transaction.

    Args:
        cursor: Of a transaction that sees one snapshot, with time zone UTC.
        churn: Table of churn dates, its columns of accounts and dates. Not read where the label
            is inactivity: then silence is churn, and nobody is listed.
        limit: How many accounts at most; None for all.
    """
    publication = last_publication(cursor, ACCOUNT_RISK_SCORES)
    days = silent_after(publication)
    if publication is None or days is None or publication.label_source == INACTIVITY:
        return SilentList(publication, (), 0)
    table, account_column, date_column = churn
    statement = sql.SQL(_QUERIES["silent_accounts"]).format(
        table=table_identifier(table),
        account_column=sql.Identifier(account_column),
        date_column=sql.Identifier(date_column),
    )
    population = publication.population or {}
    values = {
        "as_of": publication.as_of,
        "days": days,
        "earliest": EARLIEST,
        "is_final": population["rows_after_churn"] == "final",
        "limit": limit,
    }
    cursor.execute(statement, values)
    found = records(cursor, SilentAccount)
    return SilentList(publication, found, found[0].matching if found else 0)
