"""Details of each score: written with it, shown as long as it is, undone with it.

Rows are kept by publication, and the view tens_insight.account_risk_details shows those of the
publications that account_risk_scores shows. So neither an undo nor the removal of departed
accounts has to touch them, and they cannot fall apart from their scores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.queries import queries
from components.postgres.rows import records, value
from components.postgres.tables import ACCOUNT_RISK_DETAILS, DetailTable, OutputTable
from components.publishing.copy_rows import Rows
from components.publishing.holdout import NOBODY, Holdout
from components.publishing.own_tables import require_rows
from components.publishing.publication_log import PublicationLog
from components.publishing.staging import BrokenRule, count_rows, stage
from components.publishing.written import append_to

_QUERIES: Final = queries(__package__)

_KEPT_COLUMNS: Final = (
    *ACCOUNT_RISK_DETAILS.column_names,
    "percentile",
    "lift",
    "base_rate",
    "holdout",
)
"""What is kept of each: what was staged, and what follows from the scores."""


@dataclass(frozen=True)
class Details:
    """The details of a publication of account scores.

    Attributes:
        rows: Returns them from the start, with the columns of ACCOUNT_RISK_DETAILS, JSON as
            its text; called again where a new attempt is necessary.
        horizon_days: The key of churn_by_horizon that holds churn_probability itself.
        holdout: Which accounts are marked to be left alone.
    """

    rows: Callable[[], Rows]
    horizon_days: int
    holdout: Holdout = NOBODY


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
    problems = [str(broken) for broken in records(cursor, BrokenRule)]
    if problems:
        raise PublicationRefused(
            f"The rows for account_risk_details are broken: {'; '.join(problems)}. Nothing was "
            "published; the scores are as they were."
        )
    return staging


def staged_horizons(cursor: Cursor, details: sql.Identifier) -> list[int]:
    """Returns the horizons that staged details answer for, in days, rising."""
    cursor.execute(sql.SQL(_QUERIES["detail_horizons"]).format(details=details))
    found: list[int] = value(cursor)
    return found


def append_details(
    cursor: Cursor,
    details: sql.Identifier,
    scores: sql.Identifier,
    base_rate: float | None,
    publication_id: int,
    holdout: Holdout = NOBODY,
) -> None:
    """Writes staged details beside the staged scores of the same publication.

    Raises:
        PublicationRefused: Their table did not take them as they are.
    """
    rows = sql.SQL(_QUERIES["detail_rows"]).format(
        details=details,
        scores=scores,
        base_rate=sql.Literal(base_rate),
        holdout=held_out_condition(holdout),
    )
    columns = sql.SQL(", ").join(map(sql.Identifier, _KEPT_COLUMNS))
    statement = sql.SQL(_QUERIES["append_details"]).format(columns=columns, rows=rows)
    table = ACCOUNT_RISK_DETAILS
    history = f"tens_insight.{table.history}"
    values = {"publication_id": publication_id}
    append_to(cursor, statement, history, count_rows(cursor, scores), values)
    written = ("publication_id", publication_id)
    require_rows(cursor, table, history, columns, rows, written)


def held_out_condition(holdout: Holdout) -> sql.Composable:
    """Returns the condition that `account_id` is held out: what Holdout.holds computes."""
    if not holdout.share:
        return sql.SQL("false")
    hashed = sql.SQL(
        "('x' || left(encode(sha256(convert_to({salt} || ':' || account_id, 'UTF8')), 'hex'), 8))"
        "::bit(32)::bigint < {limit}"
    )
    return hashed.format(salt=sql.Literal(holdout.salt), limit=sql.Literal(holdout.limit))


def count_details(cursor: Cursor, details: DetailTable) -> int:
    """Returns how many of the published rows have details."""
    return count_rows(cursor, details.view)


def drop_old_details(cursor: Cursor, table: OutputTable, log: PublicationLog) -> int:
    """Drops all details but those of the newest state and of the one that an undo restores.

    They are many times as large as the rows, whose history is kept for months.

    Args:
        cursor: Of a transaction that holds the lock of the table.
        table: The output table.
        log: Of the table.

    Returns:
        How many rows were dropped; none where the log does not tell what is needed.
    """
    layers = log.layers(log.previous)
    if table.details is None or log.newest is None or layers is None:
        return 0
    statement = sql.SQL(_QUERIES["drop_details"]).format(
        details=table.details.history_table,
        history=table.history_table,
        same=table.same_key("newer", "old"),
    )
    cursor.execute(statement, {"newest": log.newest.publication_id, "layers": layers})
    return cursor.rowcount
