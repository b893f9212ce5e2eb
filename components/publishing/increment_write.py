"""Writes staged scores of some accounts, and sums up what they change.

Both come from an increment, or from what a run set aside and puts back.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.queries import queries
from components.postgres.rows import one_record
from components.postgres.tables import ACCOUNT_RISK_DETAILS, ACCOUNT_RISK_SCORES, StagedTable
from components.publishing.details import KEPT_COLUMNS
from components.publishing.increment_line import Growth, Sums, grown_line, open_line
from components.publishing.lock import user_and_host
from components.publishing.own_tables import (
    LOG,
    NOTHING_PUBLISHED,
    Counts,
    changes_so_far,
    has_triggers,
    require_changes,
    require_line,
)
from components.publishing.publication_log import (
    LogEntry,
    PublicationLog,
    Recorded,
    record_publication,
)
from components.publishing.split import Split
from components.publishing.staging import count_rows, upsert
from components.publishing.written import (
    Untouched,
    append_to,
    fire_deferred,
    run_on_table,
    untouched_rows,
)

_QUERIES: Final = queries(__package__)
_TABLE: Final = ACCOUNT_RISK_SCORES
_HISTORY: Final = f"tens_insight.{_TABLE.history}"
_DETAIL_HISTORY: Final = f"tens_insight.{ACCOUNT_RISK_DETAILS.history}"


def growth_of(
    cursor: Cursor,
    scores: sql.Identifier,
    layers: Sequence[int],
    increments: Sequence[int],
    threshold: float,
) -> Growth:
    """Sums up what staged scores change.

    Args:
        cursor: Of the transaction.
        scores: The staged scores.
        layers: The publications that the base is made of.
        increments: Those that stand upon it.
        threshold: From which change of a probability on an account has moved far.
    """
    query = sql.SQL(_QUERIES["growth"]).format(staging=scores, history=_TABLE.history_table)
    values = {"layers": list(layers), "increments": list(increments), "threshold": threshold}
    cursor.execute(query, values)
    return one_record(cursor, Growth)


def write_increment(
    cursor: Cursor,
    scores: sql.Identifier,
    details: sql.Identifier,
    log: PublicationLog,
    *,
    as_of: datetime,
    growth: Growth,
    split: Split | None,
    facts: Mapping[str, Any],
) -> int:
    """Writes staged rows to the table, the histories and the line of their day, and compares all.

    Args:
        cursor: Of a transaction that holds the lock of the table.
        scores: Staged rows of account_risk_scores.
        details: Staged rows of their details, which may be of fewer accounts.
        log: Of the table.
        as_of: Of the newest of them.
        growth: What they change since the newest full publication.
        split: By which two models made them; None where one did.
        facts: What the line says whatever the rows are.

    Returns:
        The number of the incremental publication.

    Raises:
        PublicationRefused: A table does not hold what was written to it.
    """
    others_can_change = has_triggers(cursor, _TABLE.qualified)
    others = untouched_rows(cursor, _TABLE, scores) if others_can_change else None
    before = changes_so_far(cursor)
    upsert(cursor, _TABLE, scores)
    line = open_line(log, as_of, str(facts["model_version"]), split)
    newest = max(as_of, line.as_of) if line is not None else as_of
    replaced = _take_out(cursor, line.publication_id, scores) if line is not None else Sums()
    full = log.newest_full
    assert full is not None
    values = grown_line(line, full, growth, replaced, newest, split) | {
        **facts,
        "attempt": str(uuid.uuid4()),
        "table": _TABLE.name,
        "as_of": newest,
        "published_by": user_and_host(cursor),
    }
    recorded = _record(cursor, line, values)
    count, detailed = count_rows(cursor, scores), count_rows(cursor, details)
    _append(cursor, recorded.publication_id, scores, details, (count, detailed))
    _require_written(cursor, scores)
    if others is not None:
        _require_untouched(cursor, scores, others)
    meant = {
        LOG: Counts(inserted=1) if line is None else Counts(updated=1),
        _HISTORY: Counts(inserted=count, deleted=replaced.rows),
        _DETAIL_HISTORY: Counts(inserted=detailed, deleted=replaced.details),
    }
    require_changes(cursor, before, meant)
    require_line(cursor, values, recorded.publication_id)
    return recorded.publication_id


def _take_out(cursor: Cursor, publication_id: int, scores: sql.Identifier) -> Sums:
    """Takes the rows that are replaced out of the histories of their line."""
    query = sql.SQL(_QUERIES["take_out"]).format(
        history=_TABLE.history_table,
        details=ACCOUNT_RISK_DETAILS.history_table,
        staging=scores,
    )
    run_on_table(cursor, query, _HISTORY, {"publication_id": publication_id})
    return one_record(cursor, Sums)


def _record(cursor: Cursor, line: LogEntry | None, values: Mapping[str, Any]) -> Recorded:
    if line is None:
        return record_publication(cursor, values)
    statement = sql.SQL(_QUERIES["grow_publication"])
    known = {**values, "publication_id": line.publication_id}
    if run_on_table(cursor, statement, LOG, known) != 1:
        raise PublicationRefused(f"{LOG} did not take the change. {NOTHING_PUBLISHED}")
    return one_record(cursor, Recorded)


def _append(
    cursor: Cursor,
    publication_id: int,
    scores: sql.Identifier,
    details: sql.Identifier,
    counts: tuple[int, int],
) -> None:
    number = sql.Literal(publication_id)
    history = sql.SQL("INSERT INTO {} (publication_id, {}) SELECT {}, {} FROM {}").format(
        _TABLE.history_table, _TABLE.column_list, number, _TABLE.column_list, scores
    )
    append_to(cursor, history, _HISTORY, counts[0])
    columns = sql.SQL(", ").join(map(sql.Identifier, KEPT_COLUMNS))
    values = sql.SQL(", ").join(
        sql.SQL("{}::boolean" if name == "holdout" else "{}").format(sql.Identifier(name))
        for name in KEPT_COLUMNS
    )
    statement = sql.SQL("INSERT INTO {} (publication_id, {}) SELECT {}, {} FROM {}").format(
        ACCOUNT_RISK_DETAILS.history_table, columns, number, values, details
    )
    append_to(cursor, statement, _DETAIL_HISTORY, counts[1])
    for table, name, listed, rows in (
        (_TABLE, _HISTORY, _TABLE.column_list, scores),
        (ACCOUNT_RISK_DETAILS, _DETAIL_HISTORY, ACCOUNT_RISK_DETAILS.column_list, details),
    ):
        if has_triggers(cursor, name):
            _require_kept(cursor, table, name, listed, rows, publication_id)


def _require_kept(
    cursor: Cursor,
    table: StagedTable,
    name: str,
    columns: sql.Composable,
    rows: sql.Identifier,
    publication_id: int,
) -> None:
    """Compares what a history holds of the staged accounts with what was written to it."""
    fire_deferred(cursor, name)
    query = sql.SQL(_QUERIES["differing_increment"]).format(
        columns=columns,
        staging=rows,
        history=sql.Identifier(*name.split(".")),
        same=table.same_key("l", "r"),
        key=sql.Identifier("l", table.key[0]),
    )
    cursor.execute(query, {"publication_id": publication_id})
    _refuse_different(cursor, name)


def _require_written(cursor: Cursor, scores: sql.Identifier) -> None:
    """Compares the table with the staged rows, to the last bit."""
    fire_deferred(cursor, _TABLE.qualified)
    query = sql.SQL(_QUERIES["differing_staged"]).format(
        staging=scores,
        table=_TABLE.identifier,
        casts=_TABLE.casts,
        same=_TABLE.same_key("published", "staged"),
        same_sides=_TABLE.same_key("l", "r"),
        key=sql.Identifier("l", _TABLE.key[0]),
    )
    cursor.execute(query)
    _refuse_different(cursor, _TABLE.qualified)


def _require_untouched(cursor: Cursor, scores: sql.Identifier, others: Untouched) -> None:
    """Compares the rows of accounts that are not staged with what they were."""
    if untouched_rows(cursor, _TABLE, scores) != others:
        raise PublicationRefused(
            f"{_TABLE.qualified} does not hold what was written to it: rows of other accounts have "
            f"changed. Its triggers do that. {NOTHING_PUBLISHED} Its owner must drop them."
        )


def _refuse_different(cursor: Cursor, name: str) -> None:
    differing, example = cursor.fetchone() or (0, None)
    if differing:
        raise PublicationRefused(
            f"{name} does not hold what was written to it: {differing} rows differ (first: "
            f"{example!r}). Its triggers or rules change them. {NOTHING_PUBLISHED} Its owner must "
            "drop them."
        )
