"""Row-level security: whether policies may hide rows from this role without a word.

Postgres is asked itself, as pg_dump asks it: with row_security = off it refuses a query that a
policy would filter, also under a view, in place of leaving rows out.
"""

from collections.abc import Collection, Iterable

import psycopg2
from psycopg2 import errorcodes, sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.names import split_table_name, table_identifier

_REFUSED_BY: str = "check_enable_rls"
"""The server's function that raises the error; its text may be in any language."""


def row_security_of(
    cursor: Cursor, tables: Iterable[str], accepted: Collection[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Returns which tables may not show all their rows to this role.

    Args:
        cursor: In a transaction; a table that has not been read yet is not locked by this.
        tables: Names, "table" or "schema.table", of tables that the role may read.
        accepted: Those of them whose policies somebody knows and wants.

    Returns:
        A problem for each table with policies, and a note for each that is accepted.
    """
    problems, notes = [], []
    for table in tables:
        if said := _policies_said(cursor, table):
            user = cursor.connection.info.user
            if {table, split_table_name(table)[1]} & set(accepted):
                notes.append(
                    f'Row-level security applies to role "{user}" on table {table}; '
                    "TENS_INSIGHT_ROW_SECURITY accepts what it hides."
                )
            else:
                problems.append(_problem(table, user, said))
    return problems, tuple(notes)


def _policies_said(cursor: Cursor, table: str) -> str:
    """Returns what Postgres says of policies for this role; empty without any."""
    cursor.execute("SAVEPOINT row_security; SET LOCAL row_security = off")
    try:
        cursor.execute(sql.SQL("EXPLAIN SELECT FROM {}").format(table_identifier(table)))
    except psycopg2.Error as error:
        refused = error.diag.source_function == _REFUSED_BY
        if error.pgcode != errorcodes.INSUFFICIENT_PRIVILEGE or not refused:
            raise
        return " ".join((error.diag.message_primary or "").split())
    finally:
        if not cursor.connection.closed:
            cursor.execute("ROLLBACK TO SAVEPOINT row_security; RELEASE SAVEPOINT row_security")
    return ""


def _problem(table: str, user: str, said: str) -> str:
    return (
        f'Row-level security of table {table} may hide rows from role "{user}", and what is hidden '
        f"passes for what never happened (Postgres said: {said}). Let a superuser run: ALTER ROLE "
        f'"{user}" BYPASSRLS. If the policies show all that is meant to be used, set '
        f"TENS_INSIGHT_ROW_SECURITY='[\"{table}\"]'."
    )
