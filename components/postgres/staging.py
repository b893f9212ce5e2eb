"""The temporary table in which rows are checked, and what is written from it."""

from collections.abc import Iterable

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.copy_rows import Row, RowStream
from components.postgres.targets import Target


def stage(cursor: Cursor, target: Target, rows: Iterable[Row]) -> sql.Identifier:
    """Copies the rows into a temporary table that vanishes with the transaction.

    Returns:
        The name of the temporary table.

    Raises:
        PublicationRefused: A value cannot be stored in its column.
        Exception: What the source of the rows raises, as it is.
    """
    staging = sql.Identifier("pg_temp", f"staged_{target.table}")
    columns = [
        sql.SQL("{} " + type_).format(sql.Identifier(name)) for name, type_ in target.columns
    ]
    create = sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
    cursor.execute(create.format(staging, sql.SQL(", ").join(columns)))
    stream = RowStream(target, rows)
    try:
        cursor.copy_expert(sql.SQL("COPY {} FROM STDIN").format(staging), stream)
    except psycopg2.Error:
        if stream.error is not None:
            raise stream.error from None
        raise
    cursor.execute(sql.SQL("ANALYZE {}").format(staging))
    return staging


def summary(
    cursor: Cursor, target: Target, staging: sql.Identifier
) -> tuple[float | None, dict[str, int]]:
    """Returns the mean probability, if there is one, and the rows per category."""
    cursor.execute(sql.SQL(target.summary).format(staging=staging))
    row = cursor.fetchone()
    assert row is not None
    return row[0], row[1] or {}


def upsert(cursor: Cursor, target: Target, staging: sql.Identifier) -> int:
    """Inserts or replaces the staged rows; returns how many.

    Raises:
        PublicationRefused: A constraint of the table refuses a row.
    """
    names = {name: sql.Identifier(name) for name in target.column_names}
    updates = [
        sql.SQL("{0} = EXCLUDED.{0}").format(identifier)
        for name, identifier in names.items()
        if name not in target.key
    ]
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging} "
        "ON CONFLICT ({key}) DO UPDATE SET {updates}"
    ).format(
        table=sql.Identifier("public", target.table),
        columns=sql.SQL(", ").join(names.values()),
        staging=staging,
        key=sql.SQL(", ").join(names[name] for name in target.key),
        updates=sql.SQL(", ").join(updates),
    )
    return _write(cursor, statement, target)


def remove_departed(cursor: Cursor, target: Target, staging: sql.Identifier) -> int:
    """Deletes the rows whose key is not staged; returns how many.

    Raises:
        PublicationRefused: A constraint of another table refuses it.
    """
    same = [sql.SQL("published.{0} = staged.{0}").format(sql.Identifier(k)) for k in target.key]
    statement = sql.SQL(
        "DELETE FROM {table} AS published "
        "WHERE NOT EXISTS (SELECT FROM {staging} AS staged WHERE {same})"
    ).format(
        table=sql.Identifier("public", target.table),
        staging=staging,
        same=sql.SQL(" AND ").join(same),
    )
    return _write(cursor, statement, target)


def _write(cursor: Cursor, statement: sql.Composed, target: Target) -> int:
    """Changes the table and returns how many rows; its own rules may refuse."""
    try:
        cursor.execute(statement)
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        raise PublicationRefused(
            f"The table public.{target.table} itself refused the rows: "
            f"{error.diag.message_primary}. Nothing was published; compare its columns and "
            "constraints with the contract (`tens-insight db check`)."
        ) from error
    return cursor.rowcount
