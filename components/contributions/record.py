"""Writes what the scores of a publication are made of, drops what is too old, once and again.

The scores are published already. So a failure here leaves them as they are, and the same call
later writes what is missing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.contributions.mean_change import (
    MeanChange,
    PartsNotKept,
    change_of_sums,
    divide_model,
    find_side,
)
from components.contributions.retention import Dated, Retention, expired
from components.contributions.row_sums import others, sums_to_rows
from components.contributions.shard_rows import Rows
from components.errors import PublicationRefused
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.retry import retried
from components.postgres.rows import one_record, record, records
from components.postgres.tables import ACCOUNT_CONTRIBUTIONS, ACCOUNT_RISK_SCORES
from components.publishing.binary_rows import binary_rows
from components.publishing.lock import lock_table, vacuum_aside
from components.publishing.own_tables import has_triggers
from components.publishing.staging import stage_binary
from components.publishing.written import copy_to_table, run_on_table

_QUERIES: Final = queries(__package__)
TABLE: Final = f"tens_insight.{ACCOUNT_CONTRIBUTIONS.name}"
LAYOUTS: Final = "tens_insight.contribution_layouts"
CHANGES: Final = "tens_insight.score_changes"
_PUBLISHED: Final = "The scores are published; what they are made of was not recorded."


@dataclass(frozen=True)
class Recorded:
    """What was done.

    Attributes:
        accounts: Rows of the publication.
        written: Whether they were written; False where they were there as they are.
        dropped: Publications whose rows were dropped since they are too old.
        change: Why the mean changed since the publication before; None where nothing was written,
            or where there is none before it.
    """

    accounts: int
    written: bool
    dropped: tuple[int, ...]
    change: MeanChange | None = None


@dataclass(frozen=True)
class _Publication:
    """What the log says of it; as_of is UTC."""

    as_of: datetime
    model_version: str
    undone: bool


@dataclass(frozen=True)
class _Digest:
    """How many rows, and a number for what they hold."""

    accounts: int
    digest: int


def record_contributions(
    publication_id: int, rows: Rows | None, retention: Retention, *, patience_s: float
) -> Recorded | None:
    """Records what the scores of a publication are made of.

    Done again with the same rows it changes nothing; with others it replaces what was there.

    Args:
        publication_id: Of account_risk_scores.
        rows: Of the shards of its PublishedScores; None where no account was scored.
        retention: What is kept of older publications.
        patience_s: Seconds for which a server that does not answer is waited for.

    Returns:
        None where nothing was to be recorded: no account was scored, or the publication was undone.

    Raises:
        PublicationRefused: The rows are not of this publication, triggers change what is
            written, or another publication is running.
        DatabaseUnreachable: No connection, or lost for good.
        ContractBroken: A table or privilege is missing.
    """
    if rows is None:
        return None
    return retried(lambda: _record(publication_id, rows, retention), patience_s=patience_s)


def keep_up() -> None:
    """Vacuums what was written, beside what follows; whatever happens to that is logged alone."""
    vacuum_aside(ACCOUNT_CONTRIBUTIONS.name, "tens_insight")


def _record(publication_id: int, rows: Rows, retention: Retention) -> Recorded | None:
    with closing(connect("tens-insight monitor")) as connection:
        begin_writing(connection)
        with explained(connection), connection, connection.cursor() as cursor:
            # Publishing, undoing and forgetting wait: rows and log belong together.
            lock_table(cursor, ACCOUNT_RISK_SCORES)
            if not _is_published(cursor, publication_id):
                return None
            written = write_rows(cursor, publication_id, rows)
            change = record_change(cursor, publication_id, rows) if written else None
            dropped = drop_expired(cursor, retention)
    return Recorded(rows.accounts, written, tuple(dropped), change)


def _is_published(cursor: Cursor, publication_id: int) -> bool:
    """Tells whether the publication counts; one that is not in the log is an error."""
    cursor.execute(_QUERIES["publication_to_record"], {"publication_id": publication_id})
    found = record(cursor, _Publication)
    if found is None:
        raise PublicationRefused(
            f"There is no publication {publication_id} of account_risk_scores in "
            f"tens_insight.publications: was the database restored meanwhile? {_PUBLISHED}"
        )
    return not found.undone


def write_rows(cursor: Cursor, publication_id: int, rows: Rows) -> bool:
    """Writes the rows of a publication, in the caller's transaction, under the table's lock.

    They go straight into the table: what is wrong with them takes them back with the transaction.

    Returns:
        Whether they were written; False where the same rows were there.

    Raises:
        PublicationRefused: They are not of this publication, or the table did not take them as
            they are.
    """
    named = {"publication_id": publication_id}
    cursor.execute(_QUERIES["recorded_rows"], named)
    parts = list(binary_rows(rows.tables, publication_id))
    former, own = record(cursor, _Digest), _Digest(rows.accounts, _digest(rows, parts))
    if former == own:
        return False
    _refuse_others(cursor, publication_id, rows)
    if former is not None:
        drop(cursor, [publication_id])
    columns = ACCOUNT_CONTRIBUTIONS.column_list
    copy = sql.SQL("COPY {} (publication_id, {}) FROM STDIN (FORMAT binary)")
    statement = copy.format(sql.Identifier("tens_insight", ACCOUNT_CONTRIBUTIONS.name), columns)
    taken = copy_to_table(cursor, statement, TABLE, parts)
    if taken != rows.accounts:
        raise _altered(TABLE, f"it took {taken} of {rows.accounts} rows")
    _require_written(cursor, rows, publication_id)
    layout = {
        **named,
        "horizons": list(rows.layout.horizons),
        "horizon_days": rows.layout.horizon_days,
        "groups": list(rows.layout.groups),
        "accounts": own.accounts,
        "digest": own.digest,
    }
    _append(cursor, "record_layout", LAYOUTS, 1, layout)
    return True


def _digest(rows: Rows, parts: Iterable[bytes]) -> int:
    """Returns a number for the rows in their order, and for what the places of their arrays are."""
    hashed = hashlib.blake2b(repr(rows.layout).encode(), digest_size=8)
    for part in parts:
        hashed.update(part)
    return int.from_bytes(hashed.digest(), "big")


def record_change(cursor: Cursor, publication_id: int, rows: Rows) -> MeanChange | None:
    """Records why the mean changed since the publication before, whose parts must be kept.

    Args:
        cursor: Of the transaction that wrote the rows.
        publication_id: Of which they are.
        rows: As they were written.

    Returns:
        None where there is none before it that holds an account.
    """
    named = {"publication_id": publication_id}
    cursor.execute(_QUERIES["former_with_parts"], named)
    former = cursor.fetchone()
    run_on_table(cursor, sql.SQL(_QUERIES["drop_change"]), CHANGES, named)
    if former is None:
        return None
    try:
        sides = find_side(cursor, former[0]), find_side(cursor, publication_id)
        change = change_of_sums(*sides, sums_to_rows(cursor, *sides, rows))
        change = divide_model(cursor, change)
    except PartsNotKept:
        return None  # all its accounts were forgotten
    columns = {
        name: [getattr(one, name) for one in change.parts]
        for name in ("part", "feature_group", "accounts", "change")
    }
    values = {**named, "former": former[0], **columns}
    _append(cursor, "append_changes", CHANGES, len(change.parts), values)
    return change


def drop_expired(cursor: Cursor, retention: Retention) -> list[int]:
    """Drops the parts of publications that are too old; returns which."""
    days = {"days": retention.months_for_days}
    run_on_table(cursor, sql.SQL(_QUERIES["drop_old_changes"]), CHANGES, days)
    cursor.execute(_QUERIES["publications_with_parts"])
    ids = expired(records(cursor, Dated), retention)
    if ids:
        drop(cursor, ids)
    return ids


def drop(cursor: Cursor, publications: list[int]) -> None:
    """Drops what is kept of publications."""
    run_on_table(cursor, sql.SQL(_QUERIES["drop_contributions"]), TABLE, {"expired": publications})


def _refuse_others(cursor: Cursor, publication_id: int, rows: Rows) -> None:
    """Compares the accounts and their scores with what was published."""
    found = others(cursor, publication_id, rows)
    if found.accounts:
        raise PublicationRefused(
            f"The shards of the run hold other scores than publication {publication_id} of "
            f"account_risk_scores: {found.accounts} accounts are in one of them alone or differ "
            f"(first: {found.example!r}). {_PUBLISHED}"
        )


def _append(cursor: Cursor, query: str, table: str, rows: int, values: Mapping[str, Any]) -> None:
    taken = run_on_table(cursor, sql.SQL(_QUERIES[query]), table, values)
    if taken != rows:
        raise _altered(table, f"it took {taken} of {rows} rows")


def _require_written(cursor: Cursor, rows: Rows, publication_id: int) -> None:
    """Refuses rows that a trigger changed, at once or at the commit."""
    if not has_triggers(cursor, TABLE):
        return
    run_on_table(cursor, "SET CONSTRAINTS ALL IMMEDIATE", TABLE)
    staging = stage_binary(cursor, ACCOUNT_CONTRIBUTIONS, binary_rows(rows.tables))
    cursor.execute(sql.SQL(_QUERIES["digest_of_rows"]).format(staging=staging))
    given = one_record(cursor, _Digest)
    columns = ACCOUNT_CONTRIBUTIONS.column_list
    statement = sql.SQL(_QUERIES["digest_of_written"]).format(columns=columns)
    cursor.execute(statement, {"publication_id": publication_id})
    if (written := one_record(cursor, _Digest)) != given:
        what = f"{written.accounts} rows of {given.accounts}, or their values differ"
        raise _altered(TABLE, what)


def _altered(table: str, what: str) -> PublicationRefused:
    return PublicationRefused(
        f"{table} does not hold what was written to it: {what}. Its triggers or rules change what "
        f"is kept; its owner must drop them. {_PUBLISHED}"
    )
