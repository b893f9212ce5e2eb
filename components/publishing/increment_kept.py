"""A run publishes the state of its moment; what was published of a later one stays.

A run reads, scores and publishes for minutes. Accounts that were scored meanwhile have newer scores
than its own: these are set aside, and put back as an incremental publication upon that of the
run, in its transaction. No reader ever sees an older score in place of a newer one.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import one_record, value
from components.postgres.tables import ACCOUNT_RISK_DETAILS, ACCOUNT_RISK_SCORES, OutputTable
from components.publishing.details import KEPT_COLUMNS
from components.publishing.increment_line import split_of_line
from components.publishing.increment_write import growth_of, write_increment
from components.publishing.publication import PublishPolicy
from components.publishing.publication_log import read_log
from components.publishing.split import Split

_QUERIES: Final = queries(__package__)
_SCORES: Final = sql.Identifier("pg_temp", "newer_scores")
_DETAILS: Final = sql.Identifier("pg_temp", "newer_details")


@dataclass(frozen=True)
class Newer:
    """Scores that were set aside.

    Attributes:
        as_of: Of the newest of them.
        facts: What the line of the last increment says whatever its rows are.
        split: By which two models made them; None where one did.
    """

    as_of: datetime
    facts: dict[str, Any]
    split: Split | None = None


@dataclass(frozen=True)
class _Facts:
    """As the query line_facts returns them."""

    model_version: str
    label_source: str
    risk_bands: dict[str, Any] | None
    horizon_days: int | None
    horizons: list[int]
    horizons_judged: list[int] | None
    holdout: dict[str, Any] | None


def set_newer_aside(cursor: Cursor, table: OutputTable, as_of: datetime) -> Newer | None:
    """Keeps the rows that increments published of a later moment, until they are put back.

    Args:
        cursor: Of the transaction that holds the lock of the table.
        table: The output table.
        as_of: Of what is to be published.

    Returns:
        What was kept; None where there is nothing newer.
    """
    if table is not ACCOUNT_RISK_SCORES:
        return None
    increments = read_log(cursor, table).increments
    if not any(one.as_of > as_of for one in increments):
        return None
    values = {"as_of": as_of, "increments": [one.publication_id for one in increments]}
    scores = sql.SQL(_QUERIES["newer_scores"]).format(
        casts=table.casts, table=table.identifier, history=table.history_table
    )
    cursor.execute(scores, values)
    cursor.execute(sql.SQL("SELECT max(predicted_at) FROM {}").format(_SCORES))
    newest = value(cursor)
    if newest is None:
        return None
    columns = sql.SQL(", ").join(map(sql.Identifier, KEPT_COLUMNS))
    details = sql.SQL(_QUERIES["newer_details"]).format(
        columns=columns, details=ACCOUNT_RISK_DETAILS.history_table
    )
    cursor.execute(details, values)
    cursor.execute(_QUERIES["line_facts"], {"publication_id": increments[-1].publication_id})
    return Newer(newest, _facts(one_record(cursor, _Facts)), split_of_line(increments[-1]))


def put_newer_back(cursor: Cursor, newer: Newer, policy: PublishPolicy) -> int:
    """Publishes what was set aside upon the publication that was just written.

    Returns:
        The number of the incremental publication.

    Raises:
        PublicationRefused: A table does not hold what was written to it.
    """
    log = read_log(cursor, ACCOUNT_RISK_SCORES)
    layers = log.layers(log.newest_full)
    threshold = getattr(policy.limits, "moved_threshold", 1.0)
    growth = growth_of(cursor, _SCORES, layers or [], [], threshold)
    return write_increment(
        cursor,
        _SCORES,
        _DETAILS,
        log,
        as_of=newer.as_of,
        growth=growth,
        split=newer.split,
        facts=newer.facts,
    )


def _facts(found: _Facts) -> dict[str, Any]:
    as_text = {
        name: None if one is None else json.dumps(one)
        for name, one in (("risk_bands", found.risk_bands), ("holdout", found.holdout))
    }
    return {**vars(found), **as_text, "accepted_shift": None, "broken_limits": []}
