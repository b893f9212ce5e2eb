"""Removes an account from all that was published or kept about it in the database."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

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
from components.publishing.written import append_to, run_on_table

ACCOUNT: Final = "account_id"
FORGOTTEN: Final = "[forgotten]"
"""What stands in a text where the id stood."""

_QUERIES: Final = queries(__package__)
_WITH_TEXTS: Final = ("runs", "refusals", "publications")
"""Tables of ours whose texts may name an account."""


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
    account_id: str, pattern: str, others: Mapping[str, str] = MappingProxyType({})
) -> ErasedRows:
    """Deletes the rows of an account from outputs, histories, details and kept refusals.

    All in one transaction, which also writes to tens_insight.erasures how many rows went. Texts of
    runs and refusals that name the account keep the rest of what they say.

    Args:
        account_id: Byte for byte as it is published.
        pattern: Regular expression of Postgres that finds the id as a word in a text.
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
                removed |= _clean_texts(cursor, pattern)
                _require_gone(cursor, tables, account_id, pattern)
                cursor.execute("SET LOCAL row_security = on")  # tables of others: as runs read them
                left = {
                    name: _count(cursor, name, column, account_id)
                    for name, column in others.items()
                    if _exists(cursor, name)
                }
                erased = ErasedRows(removed, left)
                _record(cursor, erased)
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


def _clean_texts(cursor: Cursor, pattern: str) -> dict[str, int]:
    found, changed = {"pattern": pattern, "instead": FORGOTTEN}, {}
    for name in _WITH_TEXTS:
        statement = sql.SQL(_QUERIES[f"clean_{name}"])
        table = f"tens_insight.{name}"
        changed[table] = run_on_table(cursor, statement, table, found)
    return changed


def _require_gone(cursor: Cursor, tables: list[OutputTable], account_id: str, pattern: str) -> None:
    """Looks again, after deferred triggers: triggers and rules may have kept or restored rows."""
    for table in tables:
        run_on_table(cursor, "SET CONSTRAINTS ALL IMMEDIATE", table.qualified)
    still = {
        name: _count(cursor, name, ACCOUNT, account_id)
        for table in tables
        for name in _places(table)
    }
    for name in _WITH_TEXTS:
        cursor.execute(_QUERIES[f"named_in_{name}"], {"pattern": pattern})
        still[f"tens_insight.{name}"] = int(value(cursor))
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
