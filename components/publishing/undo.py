"""Undoes the newest publication: the table is as it was before it, to the last bit."""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.account_events.notification import notify_withdrawn
from components.errors import PublicationRefused
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import ServerBrokeOff, explained
from components.postgres.output_problems import require_output
from components.postgres.queries import queries
from components.postgres.rows import one_record
from components.postgres.tables import OutputTable
from components.publishing.details import count_details
from components.publishing.history import rebuilt_rows
from components.publishing.lock import lock_table, user_and_host, vacuum
from components.publishing.own_tables import (
    LOG,
    Counts,
    changes_so_far,
    line_of,
    require_changes,
    require_mark,
)
from components.publishing.publication_log import EXISTING, LogEntry, PublicationLog, read_log
from components.publishing.staging import count_rows, remove_departed, stage_query, upsert
from components.publishing.written import require_written, run_on_table

_QUERIES: Final = queries(__package__)

_KEPT = "Nothing was undone; the table is as it was."


@dataclass(frozen=True)
class Undone:
    """What an undo did.

    Attributes:
        entry: The publication that was undone.
        restored: The one whose state the table shows now; None for an empty table.
        rows: Rows in the table now.
        removed: Rows that only the undone publication had.
        details: Rows that have their details; None for a table without.
    """

    entry: LogEntry
    restored: LogEntry | None
    rows: int
    removed: int
    details: int | None = None


@dataclass(frozen=True)
class _Differing:
    """Rows of the table that are not those that were published, and the least key of them."""

    rows: int
    example: str | None


def undo(
    table: OutputTable, *, reason: str, publication_id: int | None = None, force: bool = False
) -> Undone:
    """Restores the rows of the previous publication, in one transaction.

    The publication stays in the log, marked; it counts no more for the guard against older
    runs and for the circuit breaker. Done again, it goes one publication further back.

    Args:
        table: The output table.
        reason: Why, for the log.
        publication_id: Which one must be the newest; None takes whichever is.
        force: Undo although the table was changed by others since.

    Raises:
        PublicationRefused: There is nothing to undo, another one is the newest, the history
            does not reach back, the table was changed, or somebody else is publishing.
        DatabaseUnreachable: No connection, or it was lost: it is not tried again, since an
            undo whose answer was lost may have been done.
        ContractBroken: A table, column or privilege is missing.
    """
    with closing(connect("tens-insight undo")) as connection:
        begin_writing(connection)
        try:
            with explained(connection):
                with connection, connection.cursor() as cursor:
                    lock_table(cursor, table)
                    require_output(cursor, table)
                    undone = _undo(cursor, table, reason, publication_id, force)
                vacuum(connection, table.name)
        except ServerBrokeOff as error:
            raise ServerBrokeOff(
                f"{error} Look at `tens-insight publications list` first: done again, an undo "
                "goes one publication further back."
            ) from error
    return undone


def _undo(
    cursor: Cursor, table: OutputTable, reason: str, publication_id: int | None, force: bool
) -> Undone:
    log = read_log(cursor, table)
    before = changes_so_far(cursor)
    entry = _to_undo(log, table, publication_id)
    layers = _layers_of_previous(log, table)
    if not force:
        _refuse_changed(cursor, table, log, entry)
    rebuilt = sql.SQL("{} AS rebuilt").format(rebuilt_rows(table, layers))
    staging = stage_query(cursor, table, rebuilt)
    upsert(cursor, table, staging)
    removed = remove_departed(cursor, table, staging)
    marks = {
        "publication_id": entry.publication_id,
        "reason": reason,
        "undone_by": user_and_host(cursor),
    }
    line = line_of(cursor, entry.publication_id)
    if run_on_table(cursor, sql.SQL(_QUERIES["mark_undone"]), LOG, marks) != 1:
        raise PublicationRefused(f"{LOG} did not take the mark: its triggers or rules. {_KEPT}")
    require_written(cursor, table, staging, untouched=_KEPT)
    require_changes(cursor, before, {LOG: Counts(updated=1)}, _KEPT)
    require_mark(cursor, marks, line, _KEPT)
    notify_withdrawn(cursor, entry.publication_id)
    details = count_details(cursor, table.details) if table.details else None
    return Undone(entry, log.previous, count_rows(cursor, staging), removed, details)


def _to_undo(log: PublicationLog, table: OutputTable, publication_id: int | None) -> LogEntry:
    newest = log.newest
    if newest is None:
        raise PublicationRefused(f"There is no publication to {table.name} to undo. {_KEPT}")
    if publication_id is not None and publication_id != newest.publication_id:
        raise PublicationRefused(
            f"Publication {publication_id} is not the newest one of {table.name} that was not "
            f"undone; that is {newest.publication_id}, and only that can be undone. {_KEPT}"
        )
    if newest.kind == EXISTING:
        raise PublicationRefused(
            f"{table.name} shows the rows that were there before the first publication "
            f"(recorded as {newest.publication_id}): there is no publication to undo. {_KEPT}"
        )
    return newest


def _layers_of_previous(log: PublicationLog, table: OutputTable) -> list[int]:
    layers, previous = log.layers(log.previous), log.previous
    if layers is None and previous is not None:
        raise PublicationRefused(
            f"The history that is needed to restore publication {previous.publication_id} of "
            f"{table.name} was dropped (TENS_INSIGHT_HISTORY_DAYS says when). {_KEPT} Publish "
            "again instead: `tens-insight run score`."
        )
    return layers or []


def _refuse_changed(
    cursor: Cursor, table: OutputTable, log: PublicationLog, entry: LogEntry
) -> None:
    """Compares the table with what the publications say must be in it."""
    layers = log.layers(entry)
    assert layers is not None, "retention keeps the two newest states"
    cursor.execute(_differing(table, rebuilt_rows(table, layers), table.rows))
    differing = one_record(cursor, _Differing)
    if differing.rows:
        raise PublicationRefused(
            f"{table.name} was changed since publication {entry.publication_id}, not by "
            f"Tens-Insight: {differing.rows} rows differ from what was published (first: "
            f"{differing.example!r}). "
            f"{_KEPT} --force undoes the publication and that change with it."
        )


def _differing(table: OutputTable, left: sql.Composable, right: sql.Composable) -> sql.Composed:
    return sql.SQL(_QUERIES["differing_rows"]).format(
        left=left,
        right=right,
        left_name=table.key_text("l"),
        right_name=table.key_text("r"),
        same=table.same_key("l", "r"),
    )
