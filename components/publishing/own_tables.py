"""Our own tables at the end of a publication or an undo: as written, and otherwise as they were.

The log says what was published, and the histories are what an undo restores. The owner of the
database may have put triggers on any table, which change either, at once or at the commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.output_problems import triggers_of
from components.postgres.queries import queries
from components.postgres.rows import records, value
from components.postgres.tables import OUTPUT_TABLES, StagedTable
from components.publishing.written import fire_deferred

_QUERIES: Final = queries(__package__)

LOG: Final = "tens_insight.publications"
NOTHING_PUBLISHED: Final = "Nothing was published; the table is as it was."
_KEPT: Final = (
    LOG,
    *(f"tens_insight.{table.history}" for table in OUTPUT_TABLES),
    *(f"tens_insight.{table.details.history}" for table in OUTPUT_TABLES if table.details),
)
"""The log and the histories: what was there stays as it was."""


@dataclass(frozen=True)
class Counts:
    """Rows of a table that a transaction inserted, updated and deleted; None: not counted."""

    inserted: int | None = 0
    updated: int | None = 0
    deleted: int | None = 0


@dataclass(frozen=True)
class Changes(Counts):
    """What the session did to a table so far.

    Attributes:
        name: With its schema.
        altered: Whether the transaction emptied or altered it.
    """

    name: str = ""
    altered: bool = False


def changes_so_far(cursor: Cursor) -> dict[str, Changes]:
    """Reads what the session did to the log and the histories, by their names.

    These are the server's own counts (track_counts), which no trigger can change. They may hold
    what earlier transactions of the session did: two readings are to be compared.
    """
    cursor.execute(_QUERIES["changes_of_tables"], {"tables": list(_KEPT)})
    return {found.name: found for found in records(cursor, Changes)}


def require_changes(
    cursor: Cursor,
    before: Mapping[str, Changes],
    meant: Mapping[str, Counts],
    untouched: str = NOTHING_PUBLISHED,
) -> None:
    """Refuses that anything else was done to the log and the histories, now or at the commit.

    Args:
        cursor: Of the transaction.
        before: What changes_so_far said at its beginning.
        meant: What was meant to be done, by table; nothing to the others.
        untouched: What to say of the table.

    Raises:
        PublicationRefused: Rows were inserted, updated or deleted beside those.
    """
    fire_deferred(cursor, LOG)
    found = changes_so_far(cursor)
    problems = []
    for name, former in before.items():
        now, wanted = found.get(name), meant.get(name, Counts())
        if now is None or now.altered:
            problems.append(f"{name} was emptied or altered")
            continue
        problems += [
            f"{_beyond(after, earlier, expected)} rows of {name} were {what}"
            for what, after, earlier, expected in (
                ("inserted", now.inserted, former.inserted, wanted.inserted),
                ("updated", now.updated, former.updated, wanted.updated),
                ("deleted", now.deleted, former.deleted, wanted.deleted),
            )
            if _beyond(after, earlier, expected)
        ]
    if problems:
        raise PublicationRefused(
            f"Something else changed what is kept of publications: {', '.join(problems)}, beside "
            f"what was meant. {_triggers(cursor)} {untouched}"
        )


def require_line(cursor: Cursor, line: Mapping[str, Any], publication_id: int) -> None:
    """Compares a line of the log with what was written to it.

    Args:
        cursor: Of the transaction that wrote it.
        line: As for record_publication.
        publication_id: What the database gave it.

    Raises:
        PublicationRefused: A column differs, or the line is gone.
    """
    cursor.execute(_QUERIES["altered_line"], {**line, "publication_id": publication_id})
    _refuse_altered(cursor, NOTHING_PUBLISHED)


def line_of(cursor: Cursor, publication_id: int) -> Any:
    """Returns the line of a publication but for the mark of an undo, as JSON to be compared."""
    cursor.execute(_QUERIES["line_without_mark"], {"publication_id": publication_id})
    return value(cursor)


def require_mark(cursor: Cursor, marks: Mapping[str, Any], line: Any, untouched: str) -> None:
    """Compares the mark of an undo, and the rest of its line, with what they have to be.

    Args:
        cursor: Of the transaction that wrote it.
        marks: As for the query mark_undone.
        line: What line_of said before.
        untouched: What to say of the table.

    Raises:
        PublicationRefused: A column differs.
    """
    cursor.execute(_QUERIES["altered_mark"], marks)
    _refuse_altered(cursor, untouched)
    now = line_of(cursor, marks["publication_id"])
    altered = [name for name in line if now.get(name) != line[name]]
    if altered:
        raise _altered(cursor, altered, untouched)


def require_rows(
    cursor: Cursor,
    table: StagedTable,
    name: str,
    columns: sql.Composable,
    rows: sql.Composable,
    where: tuple[str, int],
) -> None:
    """Compares rows of a table of our own with those written to it, where triggers may differ.

    Undo, the comparison of the table with what was published, and `publications diff` trust in it.

    Args:
        cursor: Of the transaction that wrote.
        table: Whose key tells the rows apart.
        name: Of our own table, with its schema.
        columns: List of the columns to compare.
        rows: FROM item of the rows as they were to be written, in the types of the table.
        where: Column of our own table that tells those rows from others, and its value.

    Raises:
        PublicationRefused: The table does not hold exactly those rows.
    """
    if not has_triggers(cursor, name):
        return
    fire_deferred(cursor, name)
    schema, _, own = name.partition(".")
    written = sql.SQL("(SELECT {} FROM {} WHERE {} = {})").format(
        columns,
        sql.Identifier(schema, own),
        sql.Identifier(where[0]),
        sql.Literal(where[1]),
    )
    query = sql.SQL(_QUERIES["differing_rows"]).format(
        left=sql.SQL("(SELECT {} FROM {})").format(columns, rows),
        right=written,
        left_name=table.key_text("l"),
        right_name=table.key_text("r"),
        same=table.same_key("l", "r"),
    )
    cursor.execute(query)
    differing, example = cursor.fetchone() or (0, None)
    if differing:
        raise PublicationRefused(
            f"{name} does not hold what was written to it: {differing} rows differ (first: "
            f"{example!r}). Its triggers change what is kept. {NOTHING_PUBLISHED} Its owner must "
            "drop them."
        )


def has_triggers(cursor: Cursor, name: str) -> bool:
    """Tells whether triggers or rules of others see what is written to a table of our own."""
    cursor.execute(_QUERIES["has_triggers"], {"tables": [name]})
    return bool(value(cursor))


def _beyond(after: int | None, earlier: int | None, expected: int | None) -> int:
    if after is None or earlier is None:
        return 0  # track_counts is off
    return after - earlier - (expected or 0)


def _refuse_altered(cursor: Cursor, untouched: str) -> None:
    found = cursor.fetchone()
    altered = found[0] if found else ["every column: the line is gone"]
    if altered:
        raise _altered(cursor, altered, untouched)


def _altered(cursor: Cursor, columns: list[str], untouched: str) -> PublicationRefused:
    return PublicationRefused(
        f"{LOG} does not hold what was written to it: it differs in {', '.join(columns)}. "
        f"{_triggers(cursor)} {untouched}"
    )


def _triggers(cursor: Cursor) -> str:
    """Names the triggers that may be at fault: on our tables and on the output tables."""
    names = [*_KEPT, *(table.qualified for table in OUTPUT_TABLES)]
    found = triggers_of(cursor, names)
    if not found:
        return "Nothing in the definitions of its tables says why: is another program at work?"
    return f"Triggers or rules that may do that: {', '.join(found)}. Their owner must drop them."
