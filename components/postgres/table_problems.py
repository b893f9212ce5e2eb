"""One sentence for each way in which a table breaks its contract."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from components.postgres.names import split_table_name
from components.postgres.tables import MOMENT, STRING, TableContract

_WITHOUT_ZONE: Final = "timestamp without time zone"
_PARTITIONED: Final = "p"
_TABLES: Final = ("r", _PARTITIONED)
_UNLOGGED: Final = "u"
_TEMPORARY: Final = "t"
_KINDS: Final = {"v": "view", "m": "materialized view", "f": "foreign table"}


@dataclass(frozen=True)
class ActualColumn:
    """A column as it is in the database, and what the role may do with it or its table.

    kind and persistence are pg_class.relkind and relpersistence of the table. has_key says whether
    the columns of the contract's key are a unique key of the table, has_deferrable_key whether they
    are one that is checked late.
    """

    name: str
    type: str
    is_enum: bool
    schema: str
    can_enter: bool
    can_select: bool
    can_insert: bool
    can_update: bool
    can_delete: bool
    kind: str
    persistence: str
    has_key: bool
    has_deferrable_key: bool


def table_problems(
    contract: TableContract, columns: list[ActualColumn], user: str, elsewhere: list[str]
) -> list[str]:
    """Compares a table with its contract.

    Args:
        contract: What must be there.
        columns: What is there; empty if the table is not.
        user: The role that needs the rights.
        elsewhere: The schemas that hold a table of this name.

    Returns:
        A sentence for each problem, with what to do.
    """
    if not columns:
        return [_missing_table(contract, elsewhere)]
    if contract.key and (kind := not_a_table(contract.table, columns[0].kind)):
        return [kind]
    by_name = {column.name: column for column in columns}
    problems = list(_not_kept(contract, columns[0]))
    problems += [
        _missing_column(contract, name) for name in contract.columns if name not in by_name
    ]
    for name, types in contract.columns.items():
        if name in by_name and not _fits(by_name[name], types):
            problems.append(_wrong_type(contract, by_name[name], types))
    problems += _missing_rights(contract, by_name, user)
    if contract.key and by_name.keys() >= set(contract.key) and not columns[0].has_key:
        key = ", ".join(contract.key)
        problems.append(_missing_key(contract, columns[0], key))
    return problems


def out_of_sight(table: str, schemas: list[str]) -> str:
    """Says that the ground truth is there, but where no query would find it."""
    return (
        f"Table {table} is not on the search_path, but in schema {' and '.join(schemas)}: set "
        f"TENS_INSIGHT_CHURN_TABLE={schemas[0]}.{table} to learn from it, or "
        "TENS_INSIGHT_LABEL_SOURCE=inactivity to leave it out."
    )


def _missing_key(contract: TableContract, table: ActualColumn, key: str) -> str:
    add = f"ALTER TABLE {contract.table} ADD PRIMARY KEY ({key})"
    if table.has_deferrable_key:
        return (
            f"The key of table {contract.table} on {key} is DEFERRABLE, so rows cannot be replaced "
            f"by it: drop it, and {add}."
        )
    if table.kind == _PARTITIONED:
        return (
            f"Table {contract.table} is partitioned and has no primary key or unique index on "
            f"{key} alone, so rows cannot be replaced: partition it by {key}, or not at all."
        )
    return (
        f"Table {contract.table} has no primary key or unique index on {key} alone, "
        f"so rows cannot be replaced: {add}."
    )


def not_a_table(name: str, kind: str) -> str:
    """Returns the problem of an output that is something else, by pg_class.relkind; else ""."""
    if kind in _TABLES:
        return ""
    return (
        f"{name} is a {_KINDS[kind]}, in which rows cannot be replaced: rename it, and let "
        "`tens-insight db init` make the table."
    )


def _not_kept(contract: TableContract, table: ActualColumn) -> Iterator[str]:
    """Says that a table's rows are not there for others, or not after a crash."""
    if table.persistence == _TEMPORARY:
        yield (
            f"Table {contract.table} is found as a temporary table in {table.schema}, which "
            "another client of a pooler left in this session and which hides the real one: let "
            "that client drop it, or let the pooler run DISCARD ALL between clients."
        )
    elif table.persistence == _UNLOGGED and contract.table.startswith("tens_insight."):
        yield (
            f"Table {contract.table} is UNLOGGED: a crash of the server empties it. "
            f"ALTER TABLE {contract.table} SET LOGGED."
        )


def _fits(column: ActualColumn, types: frozenset[str]) -> bool:
    return column.type in types or (column.is_enum and types == STRING)


def _missing_table(contract: TableContract, elsewhere: list[str]) -> str:
    schema, name = split_table_name(contract.table)
    if elsewhere and schema is None:
        return (
            f"Table {contract.table} is not on the search_path, but in schema "
            f"{' and '.join(elsewhere)}: add options=-csearch_path%3D{elsewhere[0]} to the query "
            "of DATABASE_URL, or set search_path for the role."
        )
    return f"Table {contract.table} does not exist: {contract.remedy}."


def _missing_column(contract: TableContract, name: str) -> str:
    if (contract.table, name) == ("feedback_enriched", "account_id"):
        return (
            "Column feedback_enriched.account_id does not exist: this database was made by an "
            "older GoInsight. Without it no account can be scored; upgrade GoInsight, run its "
            "migrations and let its ETL fill the column."
        )
    if contract.table.startswith("tens_insight."):
        return (
            f"Column {contract.table}.{name} does not exist: {contract.remedy}. If that changes "
            "nothing, somebody dropped it: restore it, or let its owner run DROP TABLE "
            f"{contract.table} CASCADE, after which the same command makes the table again, empty."
        )
    return f"Column {contract.table}.{name} does not exist: add it, or name the right table."


def _wrong_type(contract: TableContract, column: ActualColumn, types: frozenset[str]) -> str:
    found, name = column.type, column.name
    says = f"Column {contract.table}.{name} is {found}, expected {' or '.join(sorted(types))}: "
    if found == _WITHOUT_ZONE and types == MOMENT:
        return (
            f"{says}if its times are UTC, ALTER TABLE {contract.table} ALTER COLUMN {name} "
            f"TYPE timestamptz USING {name} AT TIME ZONE 'UTC', or do so in a view."
        )
    if types == STRING and not contract.key:
        return f"{says}a view with {name}::text serves (docs/quickstart-your-database.md)."
    return f"{says}change its type in its owner's schema."


def _missing_rights(
    contract: TableContract, by_name: dict[str, ActualColumn], user: str
) -> list[str]:
    used = [column for name, column in by_name.items() if name in contract.columns]
    allowed = {
        # SELECT may be granted by column, which keeps free text out of reach altogether.
        "SELECT": all(column.can_select for column in used),
        "INSERT": all(column.can_insert for column in used),
        "UPDATE": all(column.can_update for column in used),
        "DELETE": all(column.can_delete for column in used),
    }
    missing = ", ".join(right for right in contract.rights if not allowed[right])
    problems = []
    if any(not column.can_enter for column in used):
        schema = used[0].schema
        problems.append(
            f'Role "{user}" may not use schema {schema}, which holds table {contract.table}: '
            f'GRANT USAGE ON SCHEMA {schema} TO "{user}".'
        )
    if missing:
        problems.append(
            f'Role "{user}" lacks {missing} on table {contract.table}: '
            f'GRANT {missing} ON {contract.table} TO "{user}".'
        )
    return problems
