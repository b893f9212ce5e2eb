"""Details of each score: written with it, shown as long as it is, undone with it.

Rows are kept by publication, and the view tens_insight.account_risk_details shows those of the
publications that account_risk_scores shows. So neither an undo nor the removal of departed
accounts has to touch them, and they cannot fall apart from their scores.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import psycopg2
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.queries import queries
from components.postgres.rows import records, value
from components.postgres.tables import (
    ACCOUNT_RISK_DETAILS,
    Column,
    DetailTable,
    OutputTable,
    StagedTable,
)
from components.publishing.copy_rows import Rows
from components.publishing.holdout import NOBODY, Holdout
from components.publishing.own_tables import has_triggers, require_rows
from components.publishing.publication_log import PublicationLog
from components.publishing.staging import BrokenRule, copy_rows, count_rows, stage
from components.publishing.written import append_to
from transforms.arrays import Floats

_QUERIES: Final = queries(__package__)

_DERIVED: Final = ("percentile", "lift", "base_rate", "holdout")
"""What follows from the scores."""
KEPT_COLUMNS: Final = (*ACCOUNT_RISK_DETAILS.column_names, *_DERIVED)
"""What is kept of each."""
_HISTORY: Final = f"tens_insight.{ACCOUNT_RISK_DETAILS.history}"
DERIVED_COLUMNS: Final = (
    Column("percentile", "double precision"),
    Column("lift", "double precision", nullable=True),
    Column("base_rate", "double precision", nullable=True),
    Column("holdout", "text"),  # true or false, as COPY reads a boolean
)
_KEPT: Final = StagedTable(
    name=ACCOUNT_RISK_DETAILS.name,
    columns=(
        Column("publication_id", "integer"),
        *ACCOUNT_RISK_DETAILS.columns,
        *DERIVED_COLUMNS,
    ),
    key=ACCOUNT_RISK_DETAILS.key,
)
_NAMED_BY_STAGING: Final = (
    psycopg2.DataError,
    psycopg2.IntegrityError,
    psycopg2.NotSupportedError,  # COPY into a table with policies for rows
)
"""Where the history does not take rows by COPY: staged, they are named, or inserted."""


@dataclass(frozen=True)
class Details:
    """The details of a publication of account scores.

    Attributes:
        rows: Returns them from the start, with the columns of ACCOUNT_RISK_DETAILS, JSON as
            its text; called again where a new attempt is necessary.
        kept: Returns tables of the same rows with KEPT_COLUMNS, holdout as text, for COPY straight
            into the history; None for rows that are staged first, where the database computes
            what follows from the scores.
        horizon_days: The key of churn_by_horizon that holds churn_probability itself.
        holdout: Which accounts are marked to be left alone.
        horizons_judged: The keys of churn_by_horizon that the model gate judged; None if that is
            not known.
    """

    rows: Callable[[], Rows]
    horizon_days: int
    holdout: Holdout = NOBODY
    kept: Callable[[], Iterable[pa.Table]] | None = None
    horizons_judged: tuple[int, ...] | None = None


@dataclass(frozen=True)
class ReadyDetails:
    """Details that are checked, or will be when they are written.

    Attributes:
        horizons: That they answer for, in days, rising.
        write: Writes them with the scores of a publication, by its id.
    """

    horizons: list[int]
    write: Callable[[int], None]


def prepare_details(
    cursor: Cursor, details: Details, scores: sql.Identifier, base_rate: float | None
) -> ReadyDetails:
    """Stages details; those that the history can take by COPY only once they are written.

    Args:
        cursor: Of the publication's transaction.
        details: Of the scores.
        scores: The staged scores.
        base_rate: That a lift is a multiple of.

    Raises:
        PublicationRefused: As stage_details.
    """

    def stage_and_append(publication_id: int) -> None:
        staged = stage_details(cursor, details, scores)
        append_details(cursor, staged, scores, base_rate, publication_id, details.holdout)

    if details.kept is not None and not has_triggers(cursor, _HISTORY):
        tables = iter(details.kept())
        first = next(tables, None)
        horizons = _horizons_of(first)
        if first is not None and horizons:
            whole = chain([first], tables)
            return ReadyDetails(
                horizons,
                lambda publication_id: _copy_details(
                    cursor, details, whole, scores, publication_id, stage_and_append
                ),
            )
    staged = stage_details(cursor, details, scores)
    return ReadyDetails(
        staged_horizons(cursor, staged),
        lambda publication_id: append_details(
            cursor, staged, scores, base_rate, publication_id, details.holdout
        ),
    )


def _horizons_of(table: pa.Table | None) -> list[int]:
    """Returns the horizons of the first row, in days, rising; none where it says nothing sound."""
    if table is None or not table.num_rows:
        return []
    try:
        return sorted(map(int, json.loads(table["churn_by_horizon"][0].as_py())))
    except (TypeError, ValueError):
        return []  # staging says what is wrong


def _copy_details(
    cursor: Cursor,
    details: Details,
    tables: Iterable[pa.Table],
    scores: sql.Identifier,
    publication_id: int,
    otherwise: Callable[[int], None],
) -> None:
    """Copies details into their history and checks them there; staged ones are written twice."""
    columns = sql.SQL(", ").join(map(sql.Identifier, _KEPT.column_names))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        ACCOUNT_RISK_DETAILS.history_table, columns
    )
    numbered = (_numbered(table, publication_id) for table in tables)
    cursor.execute("SAVEPOINT details")
    try:
        copy_rows(cursor, statement, _KEPT, numbered)
    except _NAMED_BY_STAGING:
        cursor.execute("ROLLBACK TO SAVEPOINT details")
        otherwise(publication_id)
        return
    cursor.execute("RELEASE SAVEPOINT details")
    written = sql.SQL("(SELECT * FROM {} WHERE publication_id = {}) AS written").format(
        ACCOUNT_RISK_DETAILS.history_table, sql.Literal(publication_id)
    )
    refuse_broken_details(cursor, details.horizon_days, written, scores)


def _numbered(table: pa.Table, publication_id: int) -> pa.Table:
    column = pa.repeat(pa.scalar(publication_id, pa.int64()), table.num_rows)
    return table.add_column(0, "publication_id", column)


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
    refuse_broken_details(cursor, details.horizon_days, staging, scores)
    return staging


def refuse_broken_details(
    cursor: Cursor, horizon_days: int, rows: sql.Composable, scores: sql.Identifier
) -> None:
    """Compares details with the staged scores that they are of.

    Args:
        cursor: Of the publication's transaction.
        horizon_days: The key of churn_by_horizon that holds churn_probability itself.
        rows: FROM item of the details.
        scores: The staged scores.

    Raises:
        PublicationRefused: They are not of the same accounts, or break a rule.
    """
    check = sql.SQL(_QUERIES["account_risk_details_check"])
    cursor.execute(check.format(details=rows, scores=scores), {"horizon": str(horizon_days)})
    problems = [str(broken) for broken in records(cursor, BrokenRule)]
    if problems:
        raise PublicationRefused(
            f"The rows for account_risk_details are broken: {'; '.join(problems)}. Nothing was "
            "published; the scores are as they were."
        )


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
    columns = sql.SQL(", ").join(map(sql.Identifier, KEPT_COLUMNS))
    statement = sql.SQL(_QUERIES["append_details"]).format(columns=columns, rows=rows)
    table = ACCOUNT_RISK_DETAILS
    values = {"publication_id": publication_id}
    append_to(cursor, statement, _HISTORY, count_rows(cursor, scores), values)
    written = ("publication_id", publication_id)
    require_rows(cursor, table, _HISTORY, columns, rows, written)


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
    layers, full = log.layers(log.before_full), log.newest_full
    if table.details is None or full is None or layers is None:
        return 0
    statement = sql.SQL(_QUERIES["drop_details"]).format(
        details=table.details.history_table,
        history=table.history_table,
        same=table.same_key("newer", "old"),
    )
    newest = [entry.publication_id for entry in (full, *log.increments)]
    cursor.execute(statement, {"newest": newest, "layers": layers})
    return cursor.rowcount


def percentiles_of(probabilities: Floats) -> Floats:
    """Returns 100 times the share of the others that lie below each, [n]; as percent_rank does."""
    below = np.searchsorted(np.sort(probabilities), probabilities, side="left")
    return np.asarray(100 * (below / max(1, len(probabilities) - 1)))
