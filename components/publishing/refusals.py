"""What the circuit breaker refused: the rows are kept, so that somebody can look at them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.queries import queries
from components.postgres.tables import OutputTable
from components.publishing.actor import acted_by
from components.publishing.publication import Publication
from components.publishing.publish_guards import LastPublication
from components.publishing.staging import Summary

_QUERIES: Final = queries(__package__)

KEPT_REFUSALS: Final = 5
"""Of each table; older ones are dropped with their rows."""


@dataclass(frozen=True)
class Refusal:
    """One refusal; moments are UTC.

    Attributes:
        refusal_id: Later refusals have higher ones.
        table: Name of the output table.
        as_of: The run's now.
        refused_at: By the server's clock.
        rows_staged: Rows that are kept.
        mean_probability: Theirs, 0..1, where the table has probabilities.
        category_shares: Share of the rows per category, 0..1; may be empty.
        model_version: Of the rows.
        run_id: The run that wanted to publish.
        broken_limits: Why not, a sentence each.
        refused_by: Who ran it.
    """

    refusal_id: int
    table: str
    as_of: datetime
    refused_at: datetime
    rows_staged: int
    mean_probability: float | None
    category_shares: dict[str, float]
    model_version: str
    run_id: str
    broken_limits: list[str]
    refused_by: str


@dataclass(frozen=True)
class KeptRefusal:
    """What is needed to say that rows were refused and where they are."""

    refusal_id: int
    broken_limits: list[str]


def keep_refused(
    cursor: Cursor,
    target: OutputTable,
    staging: sql.Identifier,
    staged: Summary,
    publication: Publication,
    limits: list[str],
    attempt: str,
) -> KeptRefusal:
    """Records a refusal with its rows, and drops those that are too many by now."""
    record = {
        "attempt": attempt,
        "table": target.name,
        "as_of": publication.as_of,
        "model_version": publication.model_version,
        "run_id": publication.run_id,
        "rows": staged.count,
        "mean_probability": staged.mean_probability,
        "shares": json.dumps(staged.shares),
        "broken_limits": limits,
        "refused_by": acted_by(cursor),
    }
    cursor.execute(_QUERIES["record_refusal"], record)
    (refusal_id,) = cursor.fetchone() or (0,)
    columns = target.column_list
    statement = sql.SQL("INSERT INTO {} (refusal_id, {}) SELECT {}, {} FROM {}").format(
        target.refused_table, columns, sql.Literal(refusal_id), columns, staging
    )
    cursor.execute(statement)
    cursor.execute(
        _QUERIES["drop_old_refusals"],
        {"table": target.name, "keep": KEPT_REFUSALS},
    )
    return KeptRefusal(refusal_id, limits)


def find_refusal(cursor: Cursor, attempt: str) -> KeptRefusal | None:
    """Finds the refusal of an attempt whose answer was lost."""
    cursor.execute(_QUERIES["find_refusal"], {"attempt": attempt})
    row = cursor.fetchone()
    return None if row is None else KeptRefusal(*row)


def read_refusals(cursor: Cursor, target: OutputTable) -> list[Refusal]:
    """Reads the refusals of a table that are kept, oldest first."""
    cursor.execute(_QUERIES["refusals"], {"table": target.name})
    return [Refusal(*row) for row in cursor.fetchall()]


def refused(
    kept: KeptRefusal, target: OutputTable, last: LastPublication | None
) -> PublicationRefused:
    """Returns the error that says why, where the rows are and what to do."""
    against = ""
    if last is not None:
        against = (
            f" against run {last.run_id} of {last.as_of:%Y-%m-%d %H:%M %Z} "
            f"(model {last.model_version})"
        )
    return PublicationRefused(
        f"{target.name} would change too much{against}: {'; '.join(kept.broken_limits)}. Nothing "
        f"was published; the table is as it was. The rows are kept as refusal r{kept.refusal_id}: "
        f"look at `tens-insight publications diff now r{kept.refusal_id}`. If the change is real, "
        'run again with --accept-shift "REASON".'
    )
