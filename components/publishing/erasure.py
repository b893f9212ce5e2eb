"""Removes an account from all that was published or kept about it in the database."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.connection import begin_writing, connect
from components.postgres.failures import explained
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import value
from components.postgres.tables import OUTPUT_TABLES, OutputTable
from components.publishing.lock import lock_table, user_and_host, vacuum

ACCOUNT: Final = "account_id"
FORGOTTEN: Final = "[forgotten]"
"""What stands in a text where the id stood."""

_QUERIES: Final = queries(__package__)


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
        PublicationRefused: Somebody else is publishing.
        DatabaseUnreachable: No connection, or it was lost.
        ContractBroken: A table or privilege is missing.
    """
    tables = [table for table in OUTPUT_TABLES if ACCOUNT in table.key]
    with closing(connect("tens-insight forget")) as connection:
        begin_writing(connection)
        with explained(connection):
            with connection, connection.cursor() as cursor:
                removed: dict[str, int] = {}
                for table in tables:
                    lock_table(cursor, table)
                    removed |= {name: _delete(cursor, name, account_id) for name in _places(table)}
                removed |= _clean_texts(cursor, pattern)
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
    return [table.qualified, *details, *kept]


def _delete(cursor: Cursor, name: str, account_id: str) -> int:
    # As text byte for byte: a column of type citext would take another account along.
    statement = sql.SQL('DELETE FROM {} WHERE {}::text COLLATE "C" = %s').format(
        sql.Identifier(*name.split(".")), sql.Identifier(ACCOUNT)
    )
    cursor.execute(statement, (account_id,))
    return int(cursor.rowcount)


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
    for name in ("runs", "refusals", "publications"):
        cursor.execute(_QUERIES[f"clean_{name}"], found)
        changed[f"tens_insight.{name}"] = cursor.rowcount
    return changed


def _record(cursor: Cursor, erased: ErasedRows) -> None:
    if erased.total:
        statement = "INSERT INTO tens_insight.erasures (erased_by, rows_removed) VALUES (%s, %s)"
        cursor.execute(statement, (user_and_host(cursor), json.dumps(erased.removed)))
