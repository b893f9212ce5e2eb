"""What the owner of an output table may have done to it that publishing cannot live with.

Asked by `db check`, at the start of a run, and once more inside each publication and undo.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import ContractBroken
from components.postgres.output_values import refused_samples, undecided_checks
from components.postgres.queries import queries
from components.postgres.rows import record, records
from components.postgres.table_problems import not_a_table
from components.postgres.tables import OutputTable

_QUERIES: Final = queries(__package__)

_PARTITIONED: Final = "p"
_UNLOGGED: Final = "u"


@dataclass(frozen=True)
class KeyColumn:
    """A column of the key: its own type and collation decide which values are one key.

    Attributes:
        name: Its name.
        type: Its type, as a cast takes it.
        collation: Quoted, with its schema; None where it has none of its own.
        folds: Whether texts that differ are equal to it: citext, char(n), a collation.
        is_enum: Whether it is an enum, with which no text can be compared.
    """

    name: str
    type: str
    collation: str | None
    folds: bool
    is_enum: bool

    def of(self, value: sql.Composable) -> sql.Composed:
        """Returns a text as the column compares it."""
        cast = sql.SQL("{}::" + self.type).format(value)
        return cast + sql.SQL(f" COLLATE {self.collation}" if self.collation else "")


@dataclass(frozen=True)
class OutputFindings:
    """A sentence each: what stops a publication, and what may change what it writes."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Actual:
    """An output table as the catalogs describe it; lists may be empty.

    Attributes:
        kind: pg_class.relkind.
        persistence: pg_class.relpersistence.
        parent: The table that it is a partition or an inheritance child of; None without.
        children: Tables that inherit from it.
        foreign_partitions: Partitions that lie on other servers.
        computed: Columns of the contract that Postgres fills: GENERATED, or always an identity.
        required: Columns beside the contract's that are NOT NULL without a default.
        rewriting: Rules that rewrite INSERT or UPDATE, or replace DELETE.
        before: Triggers that see each row before it is written.
        after: All others, and rules that do more than what is asked.
        constraints: Unique and exclusion indexes beside the key, and foreign keys.
        one_row: Unique indexes on columns that are the same in all rows of a publication.
        unidentified: Publications of logical replication which need a replica identity for it.
        narrowed: Such publications with a list of columns or a filter of rows beside the identity.
        subscriptions: Subscriptions that write to it.
    """

    kind: str
    persistence: str
    parent: str | None
    children: list[str]
    foreign_partitions: list[str]
    computed: list[str]
    required: list[str]
    rewriting: list[str]
    before: list[str]
    after: list[str]
    constraints: list[str]
    one_row: list[str]
    unidentified: list[str]
    narrowed: list[str]
    subscriptions: int


def look_at_output(cursor: Cursor, table: OutputTable) -> OutputFindings:
    """Looks at an output table in the catalogs; finds nothing where there is no such table."""
    parameters = {
        "table": table.name,
        "columns": list(table.column_names),
        "key": sorted(table.key),
        "constant": list(table.constant),
    }
    cursor.execute(_QUERIES["output_table"], parameters)
    actual = record(cursor, _Actual)
    if actual is None:
        return OutputFindings()
    problems = _problems(actual, table)
    enums = [column.name for column in key_columns(cursor, table) if column.is_enum]
    if enums:
        problems.append(
            f"Column {table.qualified}.{enums[0]} is an enum, and is part of the key: change it "
            "to varchar."
        )
    if not problems:
        problems = refused_samples(cursor, table)
    return OutputFindings(problems, _notes(actual, table, undecided_checks(cursor, table)))


def require_output(cursor: Cursor, table: OutputTable) -> None:
    """Stops before anything is written to a table that cannot take it.

    Raises:
        ContractBroken: Says all that is wrong with it.
    """
    if problems := look_at_output(cursor, table).problems:
        raise ContractBroken(f"Nothing was written to {table.qualified}. {' '.join(problems)}")


def triggers_of(cursor: Cursor, tables: Iterable[str]) -> list[str]:
    """Returns the triggers and rules of tables, by their names with schema, each with its table."""
    cursor.execute(_QUERIES["triggers_of_tables"], {"tables": list(tables)})
    return [name for (name,) in cursor.fetchall()]


def note_of_own_triggers(cursor: Cursor, tables: Iterable[str]) -> tuple[str, ...]:
    """Says that somebody put triggers or rules on tables that are ours, if any are there."""
    found = triggers_of(cursor, tables)
    if not found:
        return ()
    return (
        f"Triggers or rules of our own tables see what is kept ({_listed(found)}). If one changes, "
        "drops or adds anything there, nothing is published.",
    )


def key_columns(cursor: Cursor, table: OutputTable) -> list[KeyColumn]:
    """Returns the columns of a table's key as they are, in the contract's order."""
    parameters = {"table": table.name, "key": list(table.key)}
    cursor.execute(_QUERIES["key_columns"], parameters)
    return records(cursor, KeyColumn)


def one_key_for_two(cursor: Cursor, table: OutputTable, rows: sql.Composable) -> list[str]:
    """Finds ids in the feedback that the table takes for one, such as two cases in citext.

    Args:
        cursor: Of a transaction.
        table: The output table.
        rows: FROM item that yields the key.

    Returns:
        A problem for each column of the key that has such ids.
    """
    problems = []
    for column, source in zip(key_columns(cursor, table), table.key_source, strict=False):
        if not column.folds:
            continue
        cursor.execute(
            sql.SQL(_QUERIES["folded_ids"]).format(
                rows=rows,
                key=sql.Identifier(column.name),
                folded=column.of(sql.Identifier("id")),
            )
        )
        count, ids = cursor.fetchone() or (0, [])
        if count:
            problems.append(
                f"{count} times feedback_enriched.{source} has several spellings that are one key "
                f"in {table.qualified}, whose {column.name} is {column.type}: {_listed(ids)}. "
                "Give them one spelling in the ETL, or make the column varchar."
            )
    return problems


def _problems(actual: _Actual, table: OutputTable) -> list[str]:
    name = table.qualified
    if kind := not_a_table(name, actual.kind):
        return [kind]
    problems = []
    if actual.persistence == _UNLOGGED:
        problems.append(
            f"Table {name} is UNLOGGED: a crash of the server empties it. "
            f"ALTER TABLE {name} SET LOGGED."
        )
    if actual.parent:
        problems.append(
            f"Table {name} is a part of {actual.parent}, which decides what rows it may hold: "
            "make it a table of its own."
        )
    if actual.kind != _PARTITIONED and actual.children:
        problems.append(
            f"Table {name} has inheritance children ({_listed(actual.children)}), whose rows are "
            f"read as its own but have keys of their own: ALTER TABLE {actual.children[0]} NO "
            f"INHERIT {name}."
        )
    if actual.foreign_partitions:
        problems.append(
            f"Partitions of {name} are foreign tables ({_listed(actual.foreign_partitions)}), "
            "in which rows cannot be replaced: make them tables of this database."
        )
    if actual.computed:
        column = actual.computed[0]
        problems.append(
            f"Column {name}.{column} is computed by Postgres (GENERATED ALWAYS), so that nothing "
            f"can be written to it: ALTER TABLE {name} ALTER {column} DROP EXPRESSION, or DROP "
            "IDENTITY for an identity."
        )
    if actual.required:
        column = actual.required[0]
        problems.append(
            f"Column {name}.{column} is NOT NULL without a default, and not in the contract: "
            f"ALTER TABLE {name} ALTER {column} DROP NOT NULL, or give it a default."
        )
    if actual.rewriting:
        problems.append(
            f"Rules rewrite what is written to {name} ({_listed(actual.rewriting)}): DROP RULE "
            f"{actual.rewriting[0]} ON {name}."
        )
    if actual.one_row:
        problems.append(
            f"Unique index {actual.one_row[0]} of {name} is on columns that are the same in all "
            f"rows of a publication ({', '.join(table.constant)}): drop it."
        )
    if actual.unidentified:
        problems.append(
            f"Table {name} is published by logical replication ({_listed(actual.unidentified)}) "
            f"without a replica identity, so its rows cannot be changed: ALTER TABLE {name} "
            "REPLICA IDENTITY FULL, or give it a primary key."
        )
    if actual.narrowed:
        problems.append(
            f"Table {name} is published by logical replication ({_listed(actual.narrowed)}) with a "
            "list of columns that leaves out a column of its replica identity, or with a filter of "
            "rows by another column, so its rows cannot be changed: let the publication's owner "
            f"run ALTER PUBLICATION {actual.narrowed[0]} SET TABLE {name}."
        )
    return problems


def _notes(actual: _Actual, table: OutputTable, checks: list[str]) -> list[str]:
    name, notes = table.qualified, []
    if actual.before:
        notes.append(
            f"Triggers of {name} see each row before it is written ({_listed(actual.before)}). If "
            "one changes or drops a row, nothing is published."
        )
    if actual.after:
        notes.append(
            f"Triggers or rules of {name} run with each publication ({_listed(actual.after)}). If "
            "one raises an error, nothing is published."
        )
    if checks:
        notes.append(
            f"CHECK constraints of {name} may refuse rows ({_listed(checks)}); then nothing is "
            "published."
        )
    if actual.constraints:
        notes.append(
            f"Unique indexes or foreign keys of {name} may refuse rows "
            f"({_listed(actual.constraints)}); then nothing is published."
        )
    if actual.subscriptions:
        notes.append(
            f"A subscription of logical replication writes to {name} too: publish to the database "
            "that it comes from."
        )
    return notes


def _listed(names: list[Any], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
