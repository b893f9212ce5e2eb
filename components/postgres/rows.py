"""Reads the rows of a query by the names of its columns, never by their position."""

from typing import Any, TypeVar

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

Record = TypeVar("Record")


def records(cursor: Cursor, kind: type[Record]) -> list[Record]:
    """Returns all rows as records of a dataclass.

    Args:
        cursor: After execute.
        kind: A dataclass; its fields have the names of the query's columns.
    """
    names = [column.name for column in cursor.description or ()]
    return [kind(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def record(cursor: Cursor, kind: type[Record]) -> Record | None:
    """Returns the first row as a record; None without a row."""
    rows = records(cursor, kind)
    return rows[0] if rows else None


def one_record(cursor: Cursor, kind: type[Record]) -> Record:
    """Returns the row of a query that always has one, such as an aggregate."""
    (row,) = records(cursor, kind)
    return row


def value(cursor: Cursor) -> Any:
    """Returns the only column of a query that always has one row."""
    ((single,),) = cursor.fetchall()
    return single
