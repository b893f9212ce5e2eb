"""The temporary table in which rows are checked, and what is written from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.queries import queries
from components.postgres.tables import OutputTable, StagedTable
from components.publishing.copy_rows import Row, RowStream

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class Summary:
    """What a set of rows amounts to.

    Attributes:
        count: Rows.
        mean_probability: 0..1; None for a table without probabilities, or without rows.
        categories: Rows per category; empty for a table without categories.
    """

    count: int
    mean_probability: float | None
    categories: dict[str, int]

    @property
    def shares(self) -> dict[str, float]:
        """Share of the rows per category, 0..1."""
        return {name: count / self.count for name, count in self.categories.items()}


def stage(cursor: Cursor, target: StagedTable, rows: Iterable[Row]) -> sql.Identifier:
    """Copies the rows into a temporary table that vanishes with the transaction.

    Returns:
        The name of the temporary table.

    Raises:
        PublicationRefused: A value cannot be stored in its column.
        Exception: What the source of the rows raises, as it is.
    """
    staging = _create(cursor, target)
    stream = RowStream(target, rows)
    try:
        cursor.copy_expert(sql.SQL("COPY {} FROM STDIN").format(staging), stream)
    except psycopg2.Error as error:
        if stream.error is not None:
            raise stream.error from None
        if isinstance(error, psycopg2.DataError):
            raise PublicationRefused(
                f"Nothing was published: a row for {target.name} cannot be stored: "
                f"{error.diag.message_primary} ({error.diag.context})."
            ) from error
        raise
    # Nobody plans by what is in the other columns, and JSON takes long to look through.
    cursor.execute(sql.SQL("ANALYZE {} ({})").format(staging, target.key_list))
    return staging


def stage_query(cursor: Cursor, target: OutputTable, rows: sql.Composable) -> sql.Identifier:
    """Puts what a FROM item yields into the temporary table, as `stage` does with rows."""
    staging = _create(cursor, target)
    statement = sql.SQL("INSERT INTO {} SELECT {} FROM {}")
    cursor.execute(statement.format(staging, target.column_list, rows))
    cursor.execute(sql.SQL("ANALYZE {}").format(staging))
    return staging


def _create(cursor: Cursor, target: StagedTable) -> sql.Identifier:
    staging = sql.Identifier("pg_temp", f"staged_{target.name}")
    columns = [
        sql.SQL("{} " + column.type).format(sql.Identifier(column.name))
        for column in target.columns
    ]
    create = sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
    cursor.execute(create.format(staging, sql.SQL(", ").join(columns)))
    return staging


def summary(cursor: Cursor, target: OutputTable, rows: sql.Composable, count: int) -> Summary:
    """Summarises the rows of a FROM item, of which there are `count`."""
    if target.category is None and target.probability is None:
        return Summary(count, None, {})
    category, probability = target.category, target.probability
    statement = sql.SQL(_QUERIES["summary"]).format(
        rows=rows,
        category=sql.Identifier(category) if category else sql.SQL("NULL::text"),
        probability=sql.Identifier(probability) if probability else sql.SQL("NULL::float8"),
    )
    cursor.execute(statement)
    row = cursor.fetchone()
    assert row is not None
    return Summary(count, row[0], row[1] or {})


def upsert(cursor: Cursor, target: OutputTable, staging: sql.Identifier) -> int:
    """Inserts or replaces the staged rows; returns how many.

    Raises:
        PublicationRefused: A constraint of the table refuses a row.
    """
    updates = [
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name))
        for name in target.column_names
        if name not in target.key
    ]
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging} "
        "ON CONFLICT ({key}) DO UPDATE SET {updates}"
    ).format(
        table=target.table,
        columns=target.column_list,
        staging=staging,
        key=target.key_list,
        updates=sql.SQL(", ").join(updates),
    )
    return _write(cursor, statement, target)


def remove_departed(cursor: Cursor, target: OutputTable, staging: sql.Identifier) -> int:
    """Deletes the rows whose key is not staged; returns how many.

    Raises:
        PublicationRefused: A constraint of another table refuses it.
    """
    statement = sql.SQL(
        "DELETE FROM {table} AS published "
        "WHERE NOT EXISTS (SELECT FROM {staging} AS staged WHERE {same})"
    ).format(
        table=target.table,
        staging=staging,
        same=target.same_key("published", "staged"),
    )
    return _write(cursor, statement, target)


def _write(cursor: Cursor, statement: sql.Composed, target: OutputTable) -> int:
    """Changes the table and returns how many rows; its own rules may refuse."""
    try:
        cursor.execute(statement)
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        raise PublicationRefused(
            f"The table public.{target.name} itself refused the rows: "
            f"{error.diag.message_primary}. Nothing was published; compare its columns and "
            "constraints with the contract (`tens-insight db check`)."
        ) from error
    return cursor.rowcount
