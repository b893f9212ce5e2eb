"""What of our values an output table cannot take: asked before a run, and as a row is published.

What a column keeps of a value is found by Postgres itself: the value is cast to the column's type,
and must come back as it was. CHECK constraints, of the table or of a domain, are evaluated as they
stand in the catalogs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import records
from components.postgres.tables import FEEDBACK, OutputTable, StagedTable

_QUERIES: Final = queries(__package__)
_ENUM: Final = "e"


@dataclass(frozen=True)
class StoredColumn:
    """A column of an output table, by what it is in the end where it is of a domain.

    Attributes:
        name: Its name.
        type: Its type with its limits, as a cast takes it.
        plain: Its type without them.
        kind: pg_type.typtype.
        source_limit: Most characters of the feedback's column that fills it; None without a limit.
    """

    name: str
    type: str
    plain: str
    kind: str
    source_limit: int | None

    @property
    def is_limited(self) -> bool:
        """Whether it may refuse or change values of its plain type."""
        return self.type != self.plain or self.kind == _ENUM

    @property
    def limit(self) -> int | None:
        """Most characters of a value, for varchar(n); None for any other type."""
        name, _, rest = self.type.partition("(")
        return int(rest.rstrip(")")) if name == "character varying" and rest else None

    @property
    def takes_any_source(self) -> bool:
        """Whether every value of the feedback's column fits."""
        if not self.is_limited:
            return True
        return None not in (self.limit, self.source_limit) and self.source_limit <= self.limit  # type: ignore[operator]

    def stored(self, value: sql.Composable) -> sql.Composed:
        """Returns a value as it would be stored."""
        return sql.SQL("({}::" + self.type + ")").format(value)


@dataclass(frozen=True)
class StoredCheck:
    """A CHECK constraint.

    Attributes:
        name: Of the constraint.
        condition: SQL over the columns, or over `value` where it is of a domain.
        columns: Those that it is about.
        of_domain: Whether it belongs to the domain of its only column.
    """

    name: str
    condition: str
    columns: list[str]
    of_domain: bool


@dataclass(frozen=True)
class Reference:
    """A foreign key of an output table.

    Attributes:
        name: Of the constraint.
        columns: Of the output table.
        target: The table that it refers to, quoted.
        target_columns: Of that table, in the order of columns.
        readable: Whether this role may look which values are there.
    """

    name: str
    columns: list[str]
    target: str
    target_columns: list[str]
    readable: bool


@dataclass(frozen=True)
class _Unfitting:
    """Of one column of the key: its values that do not fit, and the characters of the longest."""

    name: str
    values: int
    longest: int


def keys_to_come(table: OutputTable, since: datetime, until: datetime) -> sql.Composed:
    """Returns a FROM item of the keys that feedback of [since, until) would give a table."""
    pairs = list(zip(table.key, table.key_source, strict=True))
    return sql.SQL(
        "(SELECT {columns} FROM {feedback} "
        "WHERE created_at >= {since} AND created_at < {until} AND {named}) AS to_come"
    ).format(
        columns=sql.SQL(", ").join(
            sql.SQL("{}::text AS {}").format(sql.Identifier(source), sql.Identifier(name))
            for name, source in pairs
        ),
        feedback=table_identifier(FEEDBACK.table),
        since=sql.Literal(since),
        until=sql.Literal(until),
        named=sql.SQL(" AND ").join(
            sql.SQL("{}::text <> ''").format(sql.Identifier(source)) for _, source in pairs
        ),
    )


def unfitting_keys(
    cursor: Cursor, table: OutputTable, rows: sql.Composable, *, of_feedback: bool = True
) -> list[str]:
    """Finds values that a column of the key does not keep as they are: too long ones, first of all.

    Args:
        cursor: Of a transaction.
        table: The output table.
        rows: FROM item that yields the key.
        of_feedback: Whether the key comes from the feedback, whose columns may be limited too.

    Returns:
        A sentence for each such column.
    """
    limited = _limited_keys(cursor, table, of_feedback=of_feedback)
    if not limited:
        return []
    cursor.execute(_unfitting_query(table, limited, rows))
    found = {one.name: one for one in records(cursor, _Unfitting)}
    sources = dict(zip(table.key, table.key_source, strict=True))
    return [
        _said(table, column, sources[column.name], found[column.name])
        for column in limited
        if found[column.name].values
    ]


def some_unfitting(
    cursor: Cursor, table: OutputTable, rows: sql.Composable, most: int
) -> list[str]:
    """Returns the first column of at most so many keys that unfitting_keys counts."""
    limited = _limited_keys(cursor, table, of_feedback=True)
    query = sql.SQL("SELECT DISTINCT {} FROM {} WHERE {} LIMIT {}").format(
        sql.Identifier(table.key[0]),
        rows,
        sql.SQL(" OR ").join(map(unfitting_condition, limited)),
        sql.Literal(most),
    )
    cursor.execute(query)
    return [value for (value,) in cursor.fetchall()]


def _limited_keys(cursor: Cursor, table: OutputTable, *, of_feedback: bool) -> list[StoredColumn]:
    return [
        one
        for one in stored_columns(cursor, table)
        if one.name in table.key
        and one.is_limited
        and one.kind != _ENUM  # look_at_output refuses it
        and not (of_feedback and one.takes_any_source)
    ]


def unfitting_condition(column: StoredColumn) -> sql.Composed:
    """Returns the condition that a text would not be stored as it is."""
    value = sql.Identifier(column.name)
    return sql.SQL('({}::text IS DISTINCT FROM {}::text COLLATE "C")').format(
        column.stored(value), value
    )


def _unfitting_query(
    table: StagedTable, limited: Sequence[StoredColumn], rows: sql.Composable
) -> sql.Composed:
    """The keys with any value that does not fit are few, mostly none: those alone are counted."""
    counted = [
        sql.SQL(
            "SELECT {name} AS name, count(DISTINCT {column}) FILTER (WHERE {unfitting}) AS values, "
            "coalesce(max(length({column})) FILTER (WHERE {unfitting}), 0) AS longest "
            "FROM unfitting"
        ).format(
            name=sql.Literal(one.name),
            column=sql.Identifier(one.name),
            unfitting=unfitting_condition(one),
        )
        for one in limited
    ]
    return sql.SQL(
        "WITH unfitting AS MATERIALIZED (SELECT DISTINCT {key} FROM {rows} WHERE {any}) {counted}"
    ).format(
        key=table.key_list,
        rows=rows,
        any=sql.SQL(" OR ").join(map(unfitting_condition, limited)),
        counted=sql.SQL(" UNION ALL ").join(counted),
    )


def _said(table: OutputTable, column: StoredColumn, source: str, found: _Unfitting) -> str:
    name = f"{table.qualified}.{column.name}"
    return (
        f"Column {name} is {column.type}, which does not take {found.values} values of "
        f"feedback_enriched.{source} as they are; the longest has {found.longest} characters: "
        f"ALTER TABLE {table.qualified} ALTER {column.name} TYPE varchar, or shorten them in the "
        "ETL."
    )


def refused_keys(cursor: Cursor, table: OutputTable, rows: sql.Composable) -> list[str]:
    """Finds keys that a CHECK constraint or a foreign key of the table refuses.

    Args:
        cursor: Of a transaction.
        table: The output table.
        rows: FROM item that yields the key.

    Returns:
        A sentence for each such constraint; none for one that cannot be asked before.
    """
    columns = {one.name: one for one in stored_columns(cursor, table)}
    problems = []
    for check in table_checks(cursor, table):
        if set(check.columns) <= set(table.key):
            kept = [columns[name] for name in check.columns]
            refused = _refused(check, _stored_rows(kept, rows))
            if count := _asked(cursor, refused):
                problems.append(
                    f"CHECK constraint {check.name} of {table.qualified} refuses {count} keys of "
                    f"the feedback ({', '.join(check.columns)}): drop it, or correct the ETL."
                )
    for reference in references(cursor, table):
        if set(reference.columns) <= set(table.key) and reference.readable:
            kept = [columns[name] for name in reference.columns]
            if count := _asked(cursor, _unknown(reference, _stored_rows(kept, rows))):
                problems.append(
                    f"Foreign key {reference.name} of {table.qualified} refuses {count} keys of "
                    f"the feedback that are not in {reference.target}: drop it, or add them there."
                )
    return problems


def refused_samples(cursor: Cursor, table: OutputTable) -> list[str]:
    """Finds values of the contract that a column or CHECK constraint beside the key refuses."""
    columns = {one.name: one for one in stored_columns(cursor, table)}
    if not table.samples or columns.keys() < set(table.column_names):
        return []
    problems: list[str] = []
    samples = _samples(table)
    for column in columns.values():
        if column.is_limited and column.name not in table.key:
            problems += _unstored(cursor, table, column, samples)
    for check in table_checks(cursor, table):
        if problems or not set(check.columns) <= set(table.column_names) - set(table.key):
            continue
        kept = [columns[name] for name in check.columns]
        if _asked(cursor, _refused(check, _stored_rows(kept, samples))):
            problems.append(
                f"CHECK constraint {check.name} of {table.qualified} refuses values that the "
                f"contract allows in {', '.join(check.columns)} ({check.condition}): ALTER "
                f"{'DOMAIN ... ' if check.of_domain else f'TABLE {table.qualified} '}"
                f"DROP CONSTRAINT {check.name}."
            )
    return problems


def undecided_checks(cursor: Cursor, table: OutputTable) -> list[str]:
    """Returns the names of CHECK constraints that nothing is known of before rows are there."""
    key, all_columns = set(table.key), set(table.column_names)
    return [
        check.name
        for check in table_checks(cursor, table)
        if not set(check.columns) <= all_columns
        or (key & set(check.columns) and not set(check.columns) <= key)
    ]


def stored_columns(cursor: Cursor, table: OutputTable) -> list[StoredColumn]:
    """Returns the columns of the contract that a table has, in the table's order."""
    sources = dict(zip(table.key, table.key_source, strict=False))
    cursor.execute(
        _QUERIES["stored_columns"],
        {
            "table": table.qualified,
            "columns": list(table.column_names),
            "sources": [sources.get(name, "") for name in table.column_names],
            "feedback": FEEDBACK.table,
        },
    )
    return records(cursor, StoredColumn)


def table_checks(cursor: Cursor, table: OutputTable) -> list[StoredCheck]:
    """Returns the CHECK constraints of a table, and those of the domains of its columns."""
    values = {"table": table.qualified, "columns": list(table.column_names)}
    cursor.execute(_QUERIES["table_checks"], values)
    return records(cursor, StoredCheck)


def references(cursor: Cursor, table: OutputTable) -> list[Reference]:
    """Returns the foreign keys of a table."""
    cursor.execute(_QUERIES["references"], {"table": table.qualified})
    return records(cursor, Reference)


def _samples(table: OutputTable) -> sql.Composed:
    names = [name for name in table.column_names if name not in table.key]
    types = {column.name: column.type for column in table.columns}
    rows = [
        sql.SQL("({})").format(
            sql.SQL(", ").join(
                sql.SQL("{}::" + types[name]).format(sql.Literal(value))
                for name, value in zip(names, sample, strict=True)
            )
        )
        for sample in table.samples
    ]
    return sql.SQL("(VALUES {}) AS samples ({})").format(
        sql.SQL(", ").join(rows), sql.SQL(", ").join(map(sql.Identifier, names))
    )


def _unstored(
    cursor: Cursor, table: OutputTable, column: StoredColumn, samples: sql.Composable
) -> Iterator[str]:
    name, problem = sql.Identifier(column.name), ""
    plain = "varchar" if column.kind == _ENUM else column.plain
    query = sql.SQL(
        "SELECT max({name}::text) FROM {samples} "
        "WHERE {stored}::{plain} IS DISTINCT FROM {name}::{plain}"
    ).format(name=name, samples=samples, stored=column.stored(name), plain=sql.SQL(plain))
    try:
        if changed := _value_in_savepoint(cursor, query):
            problem = f"does not keep {changed!r} as it is"
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        problem = f"refuses it: {' '.join((error.diag.message_primary or '').split())}"
    if problem:
        yield (
            f"Column {table.qualified}.{column.name} is {column.type}, but must take what the "
            f"contract allows, and {problem}. ALTER TABLE {table.qualified} ALTER {column.name} "
            f"TYPE {plain}."
        )


def _stored_rows(columns: Sequence[StoredColumn], rows: sql.Composable) -> sql.Composed:
    """Returns a FROM item of different rows, each value as its column would store it."""
    return sql.SQL("(SELECT DISTINCT {} FROM {}) AS stored").format(
        sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(
                column.stored(sql.Identifier(column.name)), sql.Identifier(column.name)
            )
            for column in columns
        ),
        rows,
    )


def _refused(check: StoredCheck, rows: sql.Composable) -> sql.Composed:
    if check.of_domain:
        rows = sql.SQL("(SELECT {} AS value FROM {}) AS of_domain").format(
            sql.Identifier(check.columns[0]), rows
        )
    return sql.SQL("SELECT count(*) FROM {} WHERE ({}) IS FALSE").format(
        rows, sql.SQL(check.condition)
    )


def _unknown(reference: Reference, rows: sql.Composable) -> sql.Composed:
    same = sql.SQL(" AND ").join(
        sql.SQL("target.{} = stored.{}").format(sql.Identifier(theirs), sql.Identifier(ours))
        for ours, theirs in zip(reference.columns, reference.target_columns, strict=True)
    )
    return sql.SQL(
        "SELECT count(*) FROM {} WHERE NOT EXISTS (SELECT FROM {} AS target WHERE {})"
    ).format(rows, sql.SQL(reference.target), same)


def _asked(cursor: Cursor, query: sql.Composable) -> int:
    """Returns what a query counts; 0 where it cannot be asked, such as of a table not seen."""
    try:
        return int(_value_in_savepoint(cursor, query) or 0)
    except (psycopg2.DataError, psycopg2.IntegrityError, psycopg2.ProgrammingError):
        return 0
    except psycopg2.errors.ReadOnlySqlTransaction:
        return 0


def _value_in_savepoint(cursor: Cursor, query: sql.Composable) -> Any:
    cursor.execute("SAVEPOINT asked")
    try:
        cursor.execute(query)
        (value,) = cursor.fetchone() or (None,)
        return value
    finally:
        if not cursor.connection.closed:
            cursor.execute("ROLLBACK TO SAVEPOINT asked; RELEASE SAVEPOINT asked")
