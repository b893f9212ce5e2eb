"""Removes an account from all that was published or kept about it in the database."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import value
from components.postgres.tables import ACCOUNT_RISK_SCORES, OF_ACCOUNTS, OUTPUT_TABLES, OutputTable
from components.publishing.lock import lock_table, user_and_host, vacuum
from components.publishing.written import append_to, fire_deferred, run_on_table

ACCOUNT: Final = "account_id"
FORGOTTEN: Final = "[forgotten]"
"""What stands in a text where the id stood."""

_QUERIES: Final = queries(__package__)
_TEXTS: Final = {
    "tens_insight.runs": ("sentence", "error", "published", "warnings"),
    "tens_insight.alerts": ("sentence",),
    "tens_insight.refusals": ("broken_limits",),
    "tens_insight.publications": ("undo_reason", "accepted_shift", "broken_limits"),
}
"""Columns of ours that may name an account in a text, or in one of several."""


@dataclass(frozen=True)
class ErasedRows:
    """What was removed from the database.

    Attributes:
        removed: Rows removed or texts changed, by table.
        left: Rows of the account in tables of others, by their names, which are not ours to remove;
            None where this role cannot count them.
    """

    removed: dict[str, int]
    left: dict[str, int | None]

    @property
    def total(self) -> int:
        """All rows together."""
        return sum(self.removed.values())


def erase_account(
    account_id: str,
    without_id: Callable[[str], str],
    others: Mapping[str, str] = MappingProxyType({}),
) -> ErasedRows:
    """Deletes the rows of an account from outputs, histories, details, parts and kept refusals.

    All in one transaction, which also writes to tens_insight.erasures how many rows went. Texts of
    runs and refusals that name the account keep the rest of what they say.

    Args:
        account_id: Byte for byte as it is published.
        without_id: Takes the id out of a text; a text that does not name it stays the same.
        others: Tables of others in which its rows are counted, with their column of account ids.

    Raises:
        PublicationRefused: Somebody else is publishing, or a table does not let its rows go.
        DatabaseUnreachable: No connection, or it was lost.
        ContractBroken: A table or privilege is missing, or a policy hides rows.
    """
    tables = [table for table in OUTPUT_TABLES if ACCOUNT in table.key]
    with closing(connect("tens-insight forget")) as connection:
        begin_writing(connection)
        with explained(connection):
            with connection, connection.cursor() as cursor:
                # What a policy hides would stay and pass for removed: an error in its place.
                cursor.execute("SET LOCAL row_security = off")
                removed: dict[str, int] = {}
                for table in tables:
                    lock_table(cursor, table)
                    removed |= {name: _delete(cursor, name, account_id) for name in _places(table)}
                removed |= _clean_texts(cursor, without_id)
                erased = ErasedRows(removed, _left(cursor, others, account_id))
                _record(cursor, erased)
                _require_gone(cursor, tables, account_id, without_id)
            for table in tables:
                vacuum(connection, table.name)
    return erased


def _places(table: OutputTable) -> list[str]:
    details = [f"tens_insight.{table.details.history}"] if table.details else []
    kept = [f"tens_insight.{table.history}", f"tens_insight.{table.refused}"]
    others = OF_ACCOUNTS if table is ACCOUNT_RISK_SCORES else ()
    return [table.qualified, *details, *kept, *(f"tens_insight.{name}" for name in others)]


def _delete(cursor: Cursor, name: str, account_id: str) -> int:
    # As text byte for byte: a column of type citext would take another account along.
    statement = sql.SQL('DELETE FROM {} WHERE {}::text COLLATE "C" = %s').format(
        sql.Identifier(*name.split(".")), sql.Identifier(ACCOUNT)
    )
    return run_on_table(cursor, statement, name, (account_id,))


def _left(cursor: Cursor, others: Mapping[str, str], account_id: str) -> dict[str, int | None]:
    """Counts the rows in tables of others, as runs read them; the transaction goes on as it was."""
    cursor.execute("SET LOCAL row_security = on")
    left = {
        name: _count(cursor, name, column, account_id)
        for name, column in others.items()
        if _exists(cursor, name)
    }
    cursor.execute("SET LOCAL row_security = off")
    return left


def _exists(cursor: Cursor, name: str) -> bool:
    cursor.execute(_QUERIES["table_exists"], {"table": table_identifier(name).as_string(cursor)})
    return bool(value(cursor))


def _count(cursor: Cursor, name: str, column: str, account_id: str) -> int | None:
    quoted = table_identifier(name).as_string(cursor)
    cursor.execute(_QUERIES["column_readable"], {"table": quoted, "column": column})
    if not value(cursor):
        return None
    statement = sql.SQL('SELECT count(*) FROM {} WHERE {}::text COLLATE "C" = %s').format(
        table_identifier(name), sql.Identifier(column)
    )
    cursor.execute(statement, (account_id,))
    return int(value(cursor))


def _clean_texts(cursor: Cursor, without_id: Callable[[str], str]) -> dict[str, int]:
    changed = {}
    for name, columns in _TEXTS.items():
        found = _naming(cursor, name, without_id)
        statement = sql.SQL("UPDATE {} SET {} WHERE ctid = %s").format(
            sql.Identifier(*name.split(".")),
            sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(one)) for one in columns),
        )
        changed[name] = sum(
            run_on_table(cursor, statement, name, (*texts, place)) for place, *texts in found
        )
    return changed


def _naming(cursor: Cursor, name: str, without_id: Callable[[str], str]) -> list[list[Any]]:
    """Returns where rows are whose texts name the id, and these texts without it.

    There are as many rows as runs and publications: Python looks for more forms of an id than an
    expression of Postgres could.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, _TEXTS[name]))
    statement = sql.SQL("SELECT ctid, {} FROM {} FOR UPDATE").format(
        columns, sql.Identifier(*name.split("."))
    )
    cursor.execute(statement)
    found = []
    for place, *texts in cursor.fetchall():
        cleaned = [_each(without_id, text) for text in texts]
        if cleaned != texts:
            found.append([place, *cleaned])
    return found


def _each(change: Callable[[str], str], text: str | list[str] | None) -> str | list[str] | None:
    if isinstance(text, list):
        return list(map(change, text))
    return None if text is None else change(text)


def _require_gone(
    cursor: Cursor,
    tables: list[OutputTable],
    account_id: str,
    without_id: Callable[[str], str],
) -> None:
    """Looks again, after deferred triggers: triggers and rules may have kept or restored rows."""
    fire_deferred(cursor, tables[0].qualified)
    still = {
        name: _count(cursor, name, ACCOUNT, account_id)
        for table in tables
        for name in _places(table)
    }
    still |= {name: len(_naming(cursor, name, without_id)) for name in _TEXTS}
    if kept := [f"{count} in {name}" for name, count in still.items() if count]:
        raise PublicationRefused(
            f"Rows of the account are still there: {', '.join(kept)}. Triggers or rules keep them, "
            "and their owner must drop these first. Nothing was removed."
        )


def _record(cursor: Cursor, erased: ErasedRows) -> None:
    if erased.total:
        line = {"by": user_and_host(cursor), "removed": json.dumps(erased.removed)}
        statement = sql.SQL(
            "INSERT INTO tens_insight.erasures (erased_by, rows_removed) "
            "VALUES (%(by)s, %(removed)s)"
        )
        append_to(cursor, statement, "tens_insight.erasures", 1, line)
