"""The temporary table in which rows are checked, and what is written from it."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.copying import Parts, copy_in
from components.postgres.queries import queries
from components.postgres.rows import one_record, value
from components.postgres.tables import OutputTable, StagedTable
from components.publishing.copy_rows import Rows, RowStream
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publication_log import LogEntry
from components.publishing.written import run_on_table
from serving_model.served.risk_bands import RiskBands

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


@dataclass(frozen=True)
class BrokenRule:
    """A rule that staged rows break: in words, how many rows, and the least key of them."""

    problem: str
    rows: int
    example: str | None

    def __str__(self) -> str:
        return f"{self.problem}, in {self.rows} rows (first: {self.example!r})"


@dataclass(frozen=True)
class Replacement:
    """One attempt to replace the rows of a table: what each step of it needs.

    Attributes:
        cursor: Of the transaction that holds the table's lock.
        table: The output table.
        staging: The temporary table of its new rows.
        publication: What they are.
        policy: How far they may differ from the last publication.
        attempt: UUID of the call of the publisher.
        last: The last publication; None without one.
    """

    cursor: Cursor
    table: OutputTable
    staging: sql.Identifier
    publication: Publication
    policy: PublishPolicy
    attempt: str
    last: LogEntry | None

    @cached_property
    def summary(self) -> Summary:
        """What the staged rows amount to; read once they were checked."""
        return summarize(self.cursor, self.table, self.staging)

    @property
    def former_bands(self) -> RiskBands | None:
        """The rule of the last publication's categories, where it was another one.

        The base rate is no part of the rule: with every model it is a little different.
        """
        bands, last = self.publication.bands, self.last
        if self.table.category is None or last is None or last.bands.rule == bands.rule:
            return None
        return last.bands.against(None)

    def bands_record(self, changed_from: bool = False) -> str | None:
        """Returns the rule of the categories as the logs keep it.

        Args:
            changed_from: Whether to add the last publication's rule, where it was another one.

        Returns:
            JSON; None for a table without categories.
        """
        if self.table.category is None:
            return None
        former = self.former_bands if changed_from else None
        changed = {"changed_from": former.rule} if former else {}
        return json.dumps({**self.publication.bands.applied(), **changed})


def stage(cursor: Cursor, table: StagedTable, rows: Rows) -> sql.Identifier:
    """Copies the rows into a temporary table that vanishes with the transaction.

    Returns:
        The name of the temporary table.

    Raises:
        PublicationRefused: A value cannot be stored in its column.
        Exception: What the source of the rows raises, as it is.
    """
    staging = _create(cursor, table)
    try:
        copy_rows(cursor, sql.SQL("COPY {} FROM STDIN").format(staging), table, rows)
    except psycopg2.Error as error:
        if isinstance(error, psycopg2.DataError):
            raise PublicationRefused(
                f"Nothing was published: a row for {table.name} cannot be stored: "
                f"{error.diag.message_primary} ({error.diag.context})."
            ) from None
        raise
    # Nobody plans by what is in the other columns, and JSON takes long to look through.
    cursor.execute(sql.SQL("ANALYZE {} ({})").format(staging, table.key_list))
    return staging


def copy_rows(cursor: Cursor, statement: sql.Composable, table: StagedTable, rows: Rows) -> None:
    """Runs COPY ... FROM STDIN while the next rows are encoded.

    Args:
        cursor: Of the transaction.
        statement: The COPY.
        table: Says what the columns of the rows are.
        rows: In its columns.

    Raises:
        psycopg2.Error: The server does not take them.
        Exception: What the source of the rows raises, as it is.
    """
    with ThreadPoolExecutor(1) as thread:
        stream = RowStream(table, rows, thread)
        try:
            copy_in(cursor, statement, stream)
        except psycopg2.Error:
            if stream.error is not None:
                raise stream.error from None
            raise


def stage_binary(cursor: Cursor, table: StagedTable, parts: Iterable[bytes]) -> sql.Identifier:
    """Copies rows of binary_rows into the temporary table."""
    staging = _create(cursor, table)
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(staging)
    copy_in(cursor, statement, Parts(parts))
    return staging


def stage_query(cursor: Cursor, table: OutputTable, rows: sql.Composable) -> sql.Identifier:
    """Puts what a FROM item yields into the temporary table, as `stage` does with rows."""
    staging = _create(cursor, table)
    statement = sql.SQL("INSERT INTO {} SELECT {} FROM {}")
    cursor.execute(statement.format(staging, table.column_list, rows))
    cursor.execute(sql.SQL("ANALYZE {}").format(staging))
    return staging


def _create(cursor: Cursor, table: StagedTable) -> sql.Identifier:
    staging = sql.Identifier("pg_temp", f"staged_{table.name}")
    columns = [
        sql.SQL("{} " + column.type).format(sql.Identifier(column.name)) for column in table.columns
    ]
    create = sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
    cursor.execute(create.format(staging, sql.SQL(", ").join(columns)))
    return staging


def count_rows(cursor: Cursor, rows: sql.Composable) -> int:
    """Counts the rows of a FROM item."""
    cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(rows))
    return int(value(cursor))


def summarize(cursor: Cursor, table: OutputTable, rows: sql.Composable) -> Summary:
    """Summarises the rows of a FROM item."""
    category, probability = table.category, table.probability
    statement = sql.SQL(_QUERIES["summary"]).format(
        rows=rows,
        category=sql.Identifier(category) if category else sql.SQL("NULL::text"),
        probability=sql.Identifier(probability) if probability else sql.SQL("NULL::float8"),
    )
    cursor.execute(statement)
    return one_record(cursor, Summary)


def upsert(cursor: Cursor, table: OutputTable, staging: sql.Identifier) -> None:
    """Inserts or replaces the staged rows.

    The key is replaced too: citext, char(n) and some collations take two spellings for one key.

    Raises:
        PublicationRefused: A constraint or a trigger of the table refuses a row.
        ContractBroken: Its rows cannot be replaced.
    """
    updates = [
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in table.column_names
    ]
    statement = sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM {staging} "
        "ON CONFLICT ({key}) DO UPDATE SET {updates}"
    ).format(
        table=table.identifier,
        columns=table.column_list,
        values=_values(cursor, table),
        staging=staging,
        key=table.key_list,
        updates=sql.SQL(", ").join(updates),
    )
    run_on_table(cursor, statement, table.qualified)


def remove_departed(cursor: Cursor, table: OutputTable, staging: sql.Identifier) -> int:
    """Deletes the rows whose key is not staged; returns how many.

    Raises:
        PublicationRefused: A constraint of another table, or a trigger, refuses it.
        ContractBroken: Its rows cannot be removed.
    """
    statement = sql.SQL(
        "DELETE FROM {table} AS published "
        "WHERE NOT EXISTS (SELECT FROM {staging} AS staged WHERE {same})"
    ).format(
        table=table.identifier,
        staging=staging,
        same=table.same_key("published", "staged"),
    )
    return run_on_table(cursor, statement, table.qualified)


def _values(cursor: Cursor, table: OutputTable) -> sql.Composed:
    """Returns the staged columns, those cast for which the table has an enum.

    Any other type takes a text by assignment, which refuses what is too long, where a cast
    would cut it.
    """
    cursor.execute(_QUERIES["enum_columns"], {"table": table.qualified})
    enums = dict(cursor.fetchall())
    return sql.SQL(", ").join(
        sql.SQL("{}::" + enums[name] if name in enums else "{}").format(sql.Identifier(name))
        for name in table.column_names
    )
