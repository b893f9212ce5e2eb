"""What the circuit breaker refused: the rows are kept, so that somebody can look at them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.queries import queries
from components.postgres.rows import record, records, value
from components.postgres.tables import OutputTable
from components.publishing.lock import user_and_host
from components.publishing.own_tables import require_rows
from components.publishing.publication_log import LogEntry
from components.publishing.staging import Replacement
from components.publishing.written import append_to

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
        risk_bands: The rule of the categories; None for a table without.
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
    risk_bands: dict[str, Any] | None = None


@dataclass(frozen=True)
class KeptRefusal:
    """What is needed to say that rows were refused and where they are."""

    refusal_id: int
    broken_limits: list[str]


def keep_refused(replacement: Replacement, limits: list[str]) -> KeptRefusal:
    """Records a refusal with its rows, and drops those that are too many by now.

    Args:
        replacement: What was refused.
        limits: Why not, a sentence each.

    Raises:
        PublicationRefused: Their tables did not take them as they are.
    """
    cursor, table, summary = replacement.cursor, replacement.table, replacement.summary
    line = {
        "attempt": replacement.attempt,
        "table": table.name,
        "as_of": replacement.publication.as_of,
        "model_version": replacement.publication.model_version,
        "run_id": replacement.publication.run_id,
        "rows": summary.count,
        "mean_probability": summary.mean_probability,
        "shares": json.dumps(summary.shares),
        "broken_limits": limits,
        "refused_by": user_and_host(cursor),
        "risk_bands": replacement.bands_record(),
    }
    append_to(cursor, sql.SQL(_QUERIES["record_refusal"]), "tens_insight.refusals", 1, line)
    refusal_id = int(value(cursor))
    columns, staging = table.column_list, replacement.staging
    statement = sql.SQL("INSERT INTO {} (refusal_id, {}) SELECT {}, {} FROM {}").format(
        table.refused_table, columns, sql.Literal(refusal_id), columns, staging
    )
    refused_rows = f"tens_insight.{table.refused}"
    append_to(cursor, statement, refused_rows, summary.count)
    require_rows(cursor, table, refused_rows, columns, staging, ("refusal_id", refusal_id))
    cursor.execute(_QUERIES["drop_old_refusals"], {"table": table.name, "keep": KEPT_REFUSALS})
    return KeptRefusal(refusal_id, limits)


def find_refusal(cursor: Cursor, attempt: str) -> KeptRefusal | None:
    """Finds the refusal of an attempt whose answer was lost."""
    cursor.execute(_QUERIES["find_refusal"], {"attempt": attempt})
    return record(cursor, KeptRefusal)


def read_refusals(cursor: Cursor, table: OutputTable) -> list[Refusal]:
    """Reads the refusals of a table that are kept, oldest first."""
    cursor.execute(_QUERIES["refusals"], {"table": table.name})
    return records(cursor, Refusal)


def refused(
    kept: KeptRefusal,
    table: OutputTable,
    last: LogEntry | None,
    if_real: str = 'run again with --accept-shift "REASON"',
) -> PublicationRefused:
    """Returns the error that says why, where the rows are and what to do.

    Args:
        kept: The refusal.
        table: Of which table.
        last: What the rows were compared with.
        if_real: What to do where the change is real, as a verb.
    """
    against = ""
    if last is not None:
        against = (
            f" against run {last.run_id} of {last.as_of:%Y-%m-%d %H:%M %Z} "
            f"(model {last.model_version})"
        )
    return PublicationRefused(
        f"{table.name} would change too much{against}: {'; '.join(kept.broken_limits)}. Nothing "
        f"was published; the table is as it was. The rows are kept as refusal r{kept.refusal_id}: "
        f"look at `tens-insight publications diff now r{kept.refusal_id}`. If the change is real, "
        f"{if_real}."
    )
