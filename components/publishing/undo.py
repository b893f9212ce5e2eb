"""Takes the newest publication back: the table is as it was before it, to the last bit."""

from contextlib import closing
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.connection import connect
from components.postgres.failures import ServerBrokeOff, explained
from components.postgres.queries import queries
from components.postgres.tables import OutputTable
from components.publishing.actor import acted_by
from components.publishing.details import count_details
from components.publishing.history import rebuilt_rows, table_rows
from components.publishing.publication_log import EXISTING, LogEntry, PublicationLog, read_log
from components.publishing.publish_lock import lock_table
from components.publishing.staging import remove_departed, stage_query, upsert
from components.publishing.vacuum import vacuum

_QUERIES: Final = queries(__package__)

_KEPT = "Nothing was undone; the table is as it was."


@dataclass(frozen=True)
class Undone:
    """What an undo did.

    Attributes:
        entry: The publication that no longer stands.
        restored: The one whose state the table shows now; None for an empty table.
        rows: Rows in the table now.
        removed: Rows that only the undone publication had.
        details: Rows of account scores that have their details; None for another table.
    """

    entry: LogEntry
    restored: LogEntry | None
    rows: int
    removed: int
    details: int | None = None


def undo(
    target: OutputTable, *, reason: str, publication_id: int | None = None, force: bool = False
) -> Undone:
    """Restores the rows of before the newest publication, in one transaction.

    The publication stays in the log, marked; it counts no more for the guard against older
    runs and for the circuit breaker. Done again, it goes one publication further back.

    Args:
        target: The table.
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
        connection.set_session(isolation_level=ISOLATION_LEVEL_READ_COMMITTED, readonly=False)
        try:
            with explained(connection):
                with connection, connection.cursor() as cursor:
                    lock_table(cursor, target)
                    undone = _undo(cursor, target, reason, publication_id, force)
                vacuum(connection, target.name)
        except ServerBrokeOff as error:
            raise ServerBrokeOff(
                f"{error} Look at `tens-insight publications list` first: done again, an undo "
                "goes one publication further back."
            ) from error
    return undone


def _undo(
    cursor: Cursor, target: OutputTable, reason: str, publication_id: int | None, force: bool
) -> Undone:
    log = read_log(cursor, target)
    entry = _to_undo(log, target, publication_id)
    layers = _layers_of_previous(log, target)
    if not force:
        _refuse_changed(cursor, target, log, entry)
    rebuilt = sql.SQL("{} AS rebuilt").format(rebuilt_rows(target, layers))
    staging = stage_query(cursor, target, rebuilt)
    rows = upsert(cursor, target, staging)
    removed = remove_departed(cursor, target, staging)
    marks = {
        "publication_id": entry.publication_id,
        "reason": reason,
        "undone_by": acted_by(cursor),
    }
    cursor.execute(_QUERIES["mark_undone"], marks)
    details = count_details(cursor) if target.details is not None else None
    return Undone(entry, log.previous, rows, removed, details)


def _to_undo(log: PublicationLog, target: OutputTable, publication_id: int | None) -> LogEntry:
    newest = log.newest
    if newest is None:
        raise PublicationRefused(f"There is no publication to {target.name} to undo. {_KEPT}")
    if publication_id is not None and publication_id != newest.publication_id:
        raise PublicationRefused(
            f"Publication {publication_id} is not the newest one of {target.name} that stands; "
            f"that is {newest.publication_id}, and only that can be undone. {_KEPT}"
        )
    if newest.kind == EXISTING:
        raise PublicationRefused(
            f"{target.name} shows the rows that were there before the first publication "
            f"(recorded as {newest.publication_id}): there is no publication to undo. {_KEPT}"
        )
    return newest


def _layers_of_previous(log: PublicationLog, target: OutputTable) -> list[int]:
    layers, previous = log.layers(log.previous), log.previous
    if layers is None and previous is not None:
        raise PublicationRefused(
            f"The history that is needed to restore publication {previous.publication_id} of "
            f"{target.name} was dropped (TENS_INSIGHT_HISTORY_DAYS says when). {_KEPT} Publish "
            "again instead: `tens-insight run score`."
        )
    return layers or []


def _refuse_changed(
    cursor: Cursor, target: OutputTable, log: PublicationLog, entry: LogEntry
) -> None:
    """Compares the table with what the publications say must be in it."""
    layers = log.layers(entry)
    assert layers is not None, "retention keeps the two newest states"
    cursor.execute(_differing(target, rebuilt_rows(target, layers), table_rows(target)))
    count, example = cursor.fetchone() or (0, None)
    if count:
        raise PublicationRefused(
            f"{target.name} was changed since publication {entry.publication_id}, not by "
            f"Tens-Insight: {count} rows differ from what was published (first: {example!r}). "
            f"{_KEPT} --force undoes the publication and that change with it."
        )


def _differing(target: OutputTable, left: sql.Composable, right: sql.Composable) -> sql.Composed:
    return sql.SQL(_QUERIES["differing_rows"]).format(
        left=left,
        right=right,
        left_name=_name(target, "l"),
        right_name=_name(target, "r"),
        same=target.same_key("l", "r"),
    )


def _name(target: OutputTable, alias: str) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier(alias, name) for name in target.key)
    return sql.SQL("nullif(concat_ws(' / ', {}), '')").format(columns)
