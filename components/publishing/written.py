"""After writing, the table must hold what was staged: triggers, rules and policies may differ."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg2
from psycopg2 import errorcodes as codes
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import ContractBroken, PublicationRefused, TensInsightError
from components.postgres.copying import Parts, copy_in
from components.postgres.failures import is_transient
from components.postgres.output_problems import look_at_output
from components.postgres.queries import queries
from components.postgres.rows import one_record
from components.postgres.sqlstates import Decision, meaning_of
from components.postgres.tables import OutputTable

_QUERIES: Final = queries(__package__)

_EXPLAINED_ELSEWHERE: Final = (
    codes.INSUFFICIENT_PRIVILEGE,
    codes.UNDEFINED_TABLE,
    codes.UNDEFINED_COLUMN,
    codes.INVALID_SCHEMA_NAME,
)
_OF_THE_SERVER: Final = (Decision.RETRIED, Decision.UNAVAILABLE)
"""What says nothing of the table."""
_RAISED: Final = "P0"
_MOST_ROUNDS: Final = 9
"""Of deferred triggers that cause each other."""


@dataclass(frozen=True)
class Untouched:
    """Digest of the rows whose keys are not staged, and how many they are."""

    rows: int
    digest: int | None


@dataclass(frozen=True)
class _Differences:
    """What of the staged rows the table does not hold as they are, and what it holds beside them.

    Attributes:
        missing: Staged rows that it does not hold.
        changed: Rows that it holds with other values.
        beside: Rows that it holds and that are not staged.
        example: The least key of all these.
        columns: Columns of the changed rows that differ.
    """

    missing: int
    changed: int
    beside: int
    example: str | None
    columns: list[str]


def untouched_rows(cursor: Cursor, table: OutputTable, staging: sql.Identifier) -> Untouched:
    """Looks at the rows that a publication which keeps them must leave as they are."""
    query = sql.SQL(_QUERIES["untouched_rows"]).format(
        table=table.identifier, staging=staging, same=table.same_key("published", "staged")
    )
    cursor.execute(query)
    return one_record(cursor, Untouched)


def fire_deferred(cursor: Cursor, table: str) -> None:
    """Lets constraints and triggers that are deferred to the commit do now what they do.

    A trigger may defer again what it causes itself. Only a change of a row makes another trigger
    wait, so nothing waits any more once a round has changed no row of any table.

    Args:
        cursor: Of the transaction that wrote.
        table: Whose triggers are likely to be at fault, by name.

    Raises:
        PublicationRefused: One of them refuses a row, or there is no end to what they do.
    """
    changed = _rows_changed(cursor)
    for _ in range(_MOST_ROUNDS):
        run_on_table(cursor, "SET CONSTRAINTS ALL IMMEDIATE", table)
        before, changed = changed, _rows_changed(cursor)
        if changed == before:
            return
    raise PublicationRefused(
        f"Deferred triggers that a change of {table} causes go on changing rows after "
        f"{_MOST_ROUNDS} rounds, so nobody can tell what it will hold after the commit. Nothing "
        "was changed; their owner must drop them."
    )


def _rows_changed(cursor: Cursor) -> list[Any]:
    cursor.execute(_QUERIES["rows_changed"])
    return cursor.fetchall()


def require_written(
    cursor: Cursor,
    table: OutputTable,
    staging: sql.Identifier,
    *,
    kept: Untouched | None = None,
    untouched: str = "Nothing was published; the table is as it was.",
) -> None:
    """Compares the table with what was staged, to the last bit, inside the transaction.

    Args:
        cursor: Of the transaction that wrote.
        table: The output table.
        staging: What was staged.
        kept: The rows beside them before, where those had to stay; None where none may be.
        untouched: What to say of the table.

    Raises:
        PublicationRefused: It does not hold exactly those rows.
    """
    fire_deferred(cursor, table.qualified)
    found = _differences(cursor, table, staging, alone=kept is None)
    problems = [
        f"{rows} {what}"
        for rows, what in (
            (found.missing, "rows are not there"),
            (found.changed, f"rows differ in {', '.join(found.columns)}"),
            (found.beside, "rows are there that were to be removed"),
        )
        if rows
    ]
    if kept is not None and untouched_rows(cursor, table, staging) != kept:
        problems.append("rows that were to stay have changed")
    if problems:
        example = f" (first: {found.example!r})" if found.example is not None else ""
        raise PublicationRefused(
            f"{table.qualified} does not hold what was written to it: {', '.join(problems)}"
            f"{example}. {_suspects(cursor, table)} {untouched}"
        )


def run_on_table(
    cursor: Cursor,
    statement: str | sql.Composable,
    table: str,
    parameters: Mapping[str, Any] | tuple[Any, ...] | None = None,
) -> int:
    """Changes a table, by its name, and returns how many rows; its own rules may refuse.

    Raises:
        PublicationRefused: A constraint or a trigger of the table refuses a row.
        ContractBroken: The table cannot be written to like this at all.
        psycopg2.Error: What says nothing of the table, such as a lost connection.
    """
    with _refusals_explained(table):
        cursor.execute(statement, parameters)
    return cursor.rowcount


def copy_to_table(
    cursor: Cursor, statement: sql.Composable, table: str, parts: Iterable[bytes]
) -> int:
    """Adds rows by COPY ... FROM STDIN, and returns how many; otherwise as run_on_table.

    Args:
        cursor: Of the transaction.
        statement: The COPY.
        table: That it names.
        parts: What COPY reads.
    """
    with _refusals_explained(table):
        copy_in(cursor, statement, Parts(parts))
    return cursor.rowcount


@contextmanager
def _refusals_explained(table: str) -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as error:
        refusal = _refusal(error, table)
        if refusal is None:
            raise
        raise refusal from None  # the server's DETAIL quotes the row


def append_to(
    cursor: Cursor,
    statement: sql.Composable,
    table: str,
    rows: int,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Adds so many rows to a table of our own, on which its owner may have put triggers too.

    Raises:
        PublicationRefused: It did not take all of them.
        ContractBroken: As run_on_table.
    """
    taken = run_on_table(cursor, statement, table, parameters)
    if taken != rows:
        raise PublicationRefused(
            f"{table} took {taken} of {rows} rows: its triggers or rules drop some. Nothing was "
            "published; its owner must drop them."
        )


def _differences(
    cursor: Cursor, table: OutputTable, staging: sql.Identifier, *, alone: bool
) -> _Differences:
    first = table.key[0]
    columns = [
        sql.SQL("CASE WHEN bool_or({0} IS DISTINCT FROM {1} AND {3} = {4}) THEN {2} END").format(
            sql.Identifier("l", name),
            sql.Identifier("r", name),
            sql.Literal(name),
            sql.Identifier("l", first),
            sql.Identifier("r", first),
        )  # fmt: skip
        for name in table.column_names
    ]
    query = sql.SQL(_QUERIES["written_differences"]).format(
        staged=staging,
        written=table.rows,
        staged_key=sql.Identifier("l", first),
        written_key=sql.Identifier("r", first),
        staged_name=table.key_text("l"),
        written_name=table.key_text("r"),
        same=table.same_key("l", "r"),
        columns=sql.SQL(", ").join(columns),
    )
    cursor.execute(query, {"alone": alone})
    return one_record(cursor, _Differences)


def _suspects(cursor: Cursor, table: OutputTable) -> str:
    notes = " ".join(look_at_output(cursor, table).notes)
    return notes or "Nothing in its definition says why: is another program writing to it?"


def _refusal(error: psycopg2.Error, table: str) -> TensInsightError | None:
    """Returns our error for one that the table's own definition causes; None for any other."""
    code, said = error.pgcode or "", " ".join((error.diag.message_primary or "").split())
    if not code or is_transient(error) or meaning_of(code).decision in _OF_THE_SERVER:
        return None
    where = " ".join((error.diag.context or "").split("\n")[0].split())
    if "function " in where or code.startswith(_RAISED):
        raised_in = f" ({where})" if where else ""
        return PublicationRefused(
            f"A trigger of {table} ended the publication: {said}{raised_in}. Nothing was "
            "published; the table is as it was. Its owner must change the trigger, or drop it."
        )
    if code in _EXPLAINED_ELSEWHERE:
        return None
    if isinstance(error, psycopg2.DataError | psycopg2.IntegrityError):
        return PublicationRefused(
            f"The table {table} itself refused the rows: {said}. Nothing was published; "
            "compare its columns and constraints with the contract (`tens-insight db check`)."
        )
    return ContractBroken(
        f"Rows of the table {table} cannot be replaced: {said}. Nothing was published; "
        "`tens-insight db check` names what its owner has to change."
    )
