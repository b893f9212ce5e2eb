"""Does this database hold what the contract promises, and may we use it?"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import ContractBroken, did_you_mean
from components.postgres.connection import describe
from components.postgres.failures import explained
from components.postgres.migrate import UNRELEASED_SCHEMA, holds_unreleased_schema
from components.postgres.names import split_table_name
from components.postgres.output_problems import look_at_output, note_of_own_triggers
from components.postgres.queries import queries
from components.postgres.row_security import row_security_of
from components.postgres.rows import records, value
from components.postgres.table_problems import ActualColumn, out_of_sight, table_problems
from components.postgres.tables import (
    FEEDBACK,
    OUTPUT_TABLES,
    TableContract,
    actions_contract,
    churn_contract,
    output_contracts,
)

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class ContractReport:
    """The result of a check of the database.

    Attributes:
        database: "user@host:port/dbname".
        problems: A sentence each, with what to do; empty if all is well.
        churn_table: Name of the optional table of the ground truth.
        churn_table_present: Whether it is there.
        notes: What is no problem but has to be said, a sentence each.
    """

    database: str
    problems: tuple[str, ...]
    churn_table: str
    churn_table_present: bool
    notes: tuple[str, ...] = ()


def check_contract(
    connection: Connection,
    *,
    churn_table: str,
    churn_account_column: str,
    churn_date_column: str,
    need_outputs: bool = True,
    need_churn_table: bool = False,
    churn_table_ignored: bool = False,
    row_security_accepted: Collection[str] = (),
    actions: tuple[str, str, str, str] | None = None,
) -> ContractReport:
    """Looks for tables, columns, types and rights that are missing, and for rows that are hidden.

    Args:
        connection: Open.
        churn_table: The table of the ground truth, "table" or "schema.table".
        churn_account_column: Its column of account ids.
        churn_date_column: Its column of dates.
        need_outputs: Whether scores are to be published too.
        need_churn_table: Whether it is a problem if there is no table of the ground truth.
        churn_table_ignored: Whether the label is inactivity even if there is one.
        row_security_accepted: Tables whose row-level security may hide rows from us.
        actions: The table of what a team did for accounts, and its columns of accounts, moments
            and kinds, if there is one.

    Raises:
        DatabaseUnreachable: The server went away.
        ContractBroken: churn_table is not the name of a table.
    """
    churn = churn_contract(churn_table, churn_account_column, churn_date_column)
    notes: tuple[str, ...] = ()
    with explained(connection), connection.cursor() as cursor:
        problems = _problems(cursor, FEEDBACK, connection.info.user)
        churn_present = bool(_columns(cursor, churn))
        read = [FEEDBACK, churn] if churn_present and not churn_table_ignored else [FEEDBACK]
        if churn_present or need_churn_table:
            hint = "" if churn_present else _similar(cursor, churn)
            problems += [one + hint for one in _problems(cursor, churn, connection.info.user)]
        elif not churn_table_ignored and (schemas := _elsewhere(cursor, churn_table)):
            problems.append(out_of_sight(churn_table, schemas))
        if actions is not None:
            read.append(actions_contract(*actions))
            problems += _problems(cursor, read[-1], connection.info.user)
        if need_outputs and holds_unreleased_schema(cursor):
            problems.append(UNRELEASED_SCHEMA)
        elif need_outputs:
            unfit: set[str] = set()
            for output in output_contracts():
                found = _problems(cursor, output, connection.info.user)
                problems += found
                if found:
                    unfit.add(output.table)
            read += output_contracts()
            written = [
                look_at_output(cursor, table)
                for table in OUTPUT_TABLES
                if table.contract.table not in unfit
            ]
            problems += [problem for one in written for problem in one.problems]
            notes += tuple(note for one in written for note in one.notes)
            ours = [
                one.table for one in output_contracts() if one.table.startswith("tens_insight.")
            ]
            notes += note_of_own_triggers(cursor, ours)
            problems += _staging_problems(cursor, connection)
        if not problems:
            tables = [contract.table for contract in read]
            hidden, accepted = row_security_of(cursor, tables, row_security_accepted)
            problems += hidden
            notes += accepted
    named = _named_once(problems)
    return ContractReport(describe(connection), named, churn_table, churn_present, notes)


def require_contract(connection: Connection, **asked: Any) -> ContractReport:
    """Does what check_contract does, with its arguments, and stops if there is any problem.

    Raises:
        ContractBroken: Lists all problems at once.
        DatabaseUnreachable: The server went away.
    """
    report = check_contract(connection, **asked)
    if report.problems:
        lines = "".join(f"\n- {problem}" for problem in report.problems)
        raise ContractBroken(f"{report.database} does not keep the contract:{lines}")
    return report


def _problems(cursor: Cursor, contract: TableContract, user: str) -> list[str]:
    columns = _columns(cursor, contract)
    elsewhere = [] if columns else _elsewhere(cursor, contract.table)
    return table_problems(contract, columns, user, elsewhere)


def _similar(cursor: Cursor, churn: TableContract) -> str:
    """Returns which tables that a query would find may be meant by one that does not exist."""
    cursor.execute(_QUERIES["tables_with_columns"], {"columns": sorted(churn.columns)})
    fitting = [name for (name,) in cursor.fetchall()]
    return did_you_mean(churn.table, fitting, most=2, cutoff=0.5)


def _named_once(problems: list[str]) -> tuple[str, ...]:
    """Names a schema that may not be used once, not with each of its tables."""
    remedies: dict[str, str] = {}
    for problem in problems:
        usage = problem.partition("GRANT USAGE ")[2]
        remedies.setdefault(usage or problem, problem)
    return tuple(remedies.values())


def _columns(cursor: Cursor, contract: TableContract) -> list[ActualColumn]:
    schema, name = split_table_name(contract.table)
    wanted = {"schema": schema, "table": name, "key": sorted(contract.key)}
    cursor.execute(_QUERIES["table_columns"], wanted)
    return records(cursor, ActualColumn)


def _elsewhere(cursor: Cursor, table: str) -> list[str]:
    cursor.execute(_QUERIES["schemas_with_table"], {"table": split_table_name(table)[1]})
    return [schema for (schema,) in cursor.fetchall()]


def _staging_problems(cursor: Cursor, connection: Connection) -> list[str]:
    cursor.execute("SELECT has_database_privilege(current_database(), 'TEMP')")
    if value(cursor):
        return []
    user, database = connection.info.user, connection.info.dbname
    return [
        f'Role "{user}" may not create temporary tables, where rows are checked before they '
        f'are published: GRANT TEMPORARY ON DATABASE "{database}" TO "{user}".'
    ]
