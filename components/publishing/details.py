"""What stands behind each score: written with it, shown as long as it is, undone with it.

Rows are kept by publication, and the view tens_insight.account_risk_details shows those of the
publications that account_risk_scores shows. So neither an undo nor the removal of departed
accounts has to touch them, and they cannot fall apart from their scores.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.queries import queries
from components.postgres.tables import ACCOUNT_RISK_DETAILS
from components.publishing.copy_rows import Row
from components.publishing.publication import Publication
from components.publishing.publication_log import PublicationLog
from components.publishing.staging import stage

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class Details:
    """The details of a publication of account scores.

    Attributes:
        rows: Returns them from the start, each a value per column of ACCOUNT_RISK_DETAILS,
            JSON as its text; called again where a new attempt is necessary.
        horizon_days: The key of churn_by_horizon that holds churn_probability itself.
    """

    rows: Callable[[], Iterable[Row]]
    horizon_days: int


def stage_details(cursor: Cursor, details: Details, scores: sql.Identifier) -> sql.Identifier:
    """Stages details and checks them against the staged scores.

    Args:
        cursor: Of the publication's transaction.
        details: To be staged.
        scores: The staged scores.

    Returns:
        The name of the temporary table.

    Raises:
        PublicationRefused: A value cannot be stored, they are not of the same accounts, or a
            rule of the table is broken.
    """
    staging = stage(cursor, ACCOUNT_RISK_DETAILS, details.rows())
    check = sql.SQL(_QUERIES["account_risk_details_check"])
    cursor.execute(
        check.format(details=staging, scores=scores), {"horizon": str(details.horizon_days)}
    )
    problems = [
        f"{problem}, in {count} rows (first: {example!r})"
        for problem, count, example in cursor.fetchall()
    ]
    if problems:
        raise PublicationRefused(
            f"The rows for account_risk_details are broken: {'; '.join(problems)}. Nothing was "
            "published; the scores are as they were."
        )
    return staging


def append_details(
    cursor: Cursor,
    details: sql.Identifier,
    scores: sql.Identifier,
    publication: Publication,
    publication_id: int,
) -> None:
    """Writes staged details beside the staged scores of the same publication."""
    statement = sql.SQL(_QUERIES["append_details"]).format(details=details, scores=scores)
    values = {"publication_id": publication_id, "base_rate": publication.bands.base_rate}
    cursor.execute(statement, values)


def count_details(cursor: Cursor) -> int:
    """Returns how many of the accounts that are shown have details."""
    cursor.execute("SELECT count(*) FROM tens_insight.account_risk_details")
    (count,) = cursor.fetchone() or (0,)
    return int(count)


def drop_old_details(cursor: Cursor, log: PublicationLog) -> int:
    """Drops all details but those of the newest state and of the one that an undo restores.

    They are many times as large as the scores, whose history is kept for months.

    Args:
        cursor: Of a transaction that holds the lock of account_risk_scores.
        log: Of account_risk_scores.

    Returns:
        How many rows were dropped; none where the log does not tell what is needed.
    """
    layers = log.layers(log.previous)
    if log.newest is None or layers is None:
        return 0
    kept = {"newest": log.newest.publication_id, "layers": layers}
    cursor.execute(_QUERIES["drop_details"], kept)
    return cursor.rowcount
