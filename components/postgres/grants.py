"""The rights that three roles need, as statements for a superuser to run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import ContractBroken
from components.postgres.failures import explained
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from components.postgres.rows import records, value
from components.postgres.tables import (
    ACCOUNT_RISK_SCORES,
    FEEDBACK,
    FOR_READERS,
    OUTPUT_TABLES,
    OutputTable,
)

_QUERIES: Final = queries(__package__)

MAINTAIN_SINCE: Final = 170000
"""The server version that can grant the right to vacuum."""


@dataclass(frozen=True)
class Roles:
    """Names of roles, as they are, without quotes.

    Attributes:
        installer: Creates our tables.
        pipeline: Reads feedback and publishes.
        reader: Reads what is published, a dashboard for example. GoInsight's own role needs
            more and keeps what it has.
    """

    installer: str
    pipeline: str
    reader: str


@dataclass(frozen=True)
class _Owned:
    """A table, the role that owns it, and whether this role may act for that one."""

    name: str
    owner: str
    ours: bool


@dataclass(frozen=True)
class _Invited:
    """A role that may use schema tens_insight, and whether it may write new tables there."""

    name: str
    writes: bool


def grant_statements(
    connection: Connection, roles: Roles, churn_table: str, actions_table: str = ""
) -> str:
    """Returns the GRANT statements for a database, to be run by a superuser.

    Rights to what `db init` will make in schema tens_insight are given in advance, as default
    privileges there; its tables in schema public get theirs from `db init` (see
    `share_outputs`), since other tables of the installer there are none of ours. Tables that
    exist already get theirs by name.

    Args:
        connection: To the database; no rights in it are needed.
        roles: Who gets which rights. The statements create none of them.
        churn_table: The optional table of the ground truth, "table" or "schema.table".
        actions_table: The optional table of what a team did for accounts; empty without one.

    Raises:
        ContractBroken: There is no feedback_enriched on the search_path.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        feedback = _require_feedback(cursor)
        parts = [_always(connection, roles, feedback)]
        cursor.execute(_QUERIES["has_transactions"], {"table": FEEDBACK.table})
        if value(cursor):
            # What `tens-insight stream` finds new rows by.
            parts.append(_grant("SELECT (xmin)", sql.Identifier(*feedback), roles.pipeline))
        for name in filter(None, (churn_table, actions_table)):
            parts += _for_input(cursor, roles, name)
        parts += _for_tables_there(cursor, connection, roles)
        return sql.SQL("").join(parts).as_string(connection)


def server_statements(
    connection: Connection,
    server: str,
    churn_table: str,
    churn_columns: Sequence[str],
    *,
    reads_publications: bool,
    read_by_pages: Sequence[str] = (),
) -> str:
    """Returns the GRANT statements for the role of a server, to be run by a superuser.

    Args:
        connection: To the database; no rights in it are needed.
        server: Name of the role. The statements do not create it.
        churn_table: The optional table of the ground truth, "table" or "schema.table".
        churn_columns: Its columns that are read; others may say why an account left.
        reads_publications: Whether the settings leave the limit of silence to the newest
            publication.
        read_by_pages: What its pages read beside that, "schema.name"; empty where it shows none.

    Raises:
        ContractBroken: There is no feedback_enriched on the search_path.
        DatabaseUnreachable: The server went away.
    """
    with explained(connection), connection.cursor() as cursor:
        feedback = _require_feedback(cursor)
        parts = [
            sql.SQL(_QUERIES["server_grants"]).format(
                database=sql.Identifier(connection.info.dbname),
                server=sql.Identifier(server),
                input_schema=sql.Identifier(feedback[0]),
                feedback=sql.Identifier(*feedback),
                feedback_columns=_feedback_columns(),
            )
        ]
        of_churn = sql.SQL(", ").join(map(sql.Identifier, churn_columns)).as_string(connection)
        tables = [ACCOUNT_RISK_SCORES.qualified, "tens_insight.database_identity"]
        if reads_publications:
            history = ACCOUNT_RISK_SCORES.history
            tables += ["tens_insight.publications", f"tens_insight.{history}"]
        tables += [name for name in read_by_pages if name not in tables]
        rights = {churn_table: f"SELECT ({of_churn})", **dict.fromkeys(tables, "SELECT")}
        for table, right in rights.items():
            found = _find(cursor, table)
            if found is not None:
                usage = sql.SQL("GRANT USAGE ON SCHEMA {} TO {};\n")
                parts.append(usage.format(sql.Identifier(found[0]), sql.Identifier(server)))
                parts.append(_grant(right, sql.Identifier(*found), server))
        return sql.SQL("").join(parts).as_string(connection)


def share_outputs(connection: Connection) -> None:
    """Grants our tables to the roles that were let into schema tens_insight.

    Those that may write there may publish, the others may read the output tables and what
    readers may see beside them. Only what belongs to the role at work is granted: what GoInsight
    made is its own to grant.

    Args:
        connection: Inside of a transaction.
    """
    with connection.cursor() as cursor:
        outputs = {output.qualified: output for output in OUTPUT_TABLES}
        views = {f"tens_insight.{view}": view for one in OUTPUT_TABLES for view in _views_of(one)}
        cursor.execute(_QUERIES["owners"], {"tables": [*outputs, *views]})
        ours = {table.name for table in records(cursor, _Owned) if table.ours}
        cursor.execute(_QUERIES["invited_roles"])
        for role in records(cursor, _Invited):
            for output in outputs.values():
                if output.name in ours:
                    _share(cursor, output, role)
            for view in views.values():
                if view in ours and not role.writes:
                    seen = sql.Identifier("tens_insight", view)
                    cursor.execute(_grant("SELECT", seen, role.name))


def _share(cursor: Cursor, output: OutputTable, role: _Invited) -> None:
    if role.writes:
        rights = _rights(cursor.connection, output.rights)
    else:
        rights = ", ".join(output.reader_rights)
    cursor.execute(_grant(rights, output.identifier, role.name))


def foreign_owner(connection: Connection) -> str | None:
    """Says what GoInsight misses where the output tables belong to another role than its own.

    Returns:
        A sentence with the statements to run; None where one role owns feedback and outputs,
        or where there is no feedback table.
    """
    names = [FEEDBACK.table, *(output.qualified for output in OUTPUT_TABLES)]
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES["owners"], {"tables": names})
        owners = {table.name: table.owner for table in records(cursor, _Owned)}
        feedback = owners.pop(FEEDBACK.table, None)
        others = [name for name, owner in owners.items() if owner != feedback]
        if feedback is None or not others:
            return None
        alter = sql.SQL("ALTER TABLE {} OWNER TO {};")
        statements = [
            alter.format(sql.Identifier("public", name), sql.Identifier(feedback)).as_string(cursor)
            for name in others
        ]
    return (
        f"{FEEDBACK.table} belongs to {feedback}, {' and '.join(others)} to {owners[others[0]]}. "
        f"If {feedback} is GoInsight's role, its migrations must own them too, or it does not "
        f"start (docs/goinsight.md): {' '.join(statements)}"
    )


def _always(connection: Connection, roles: Roles, feedback: tuple[str, str]) -> sql.Composed:
    return sql.SQL(_QUERIES["grants"]).format(
        database=sql.Identifier(connection.info.dbname),
        installer=sql.Identifier(roles.installer),
        pipeline=sql.Identifier(roles.pipeline),
        reader=sql.Identifier(roles.reader),
        input_schema=sql.Identifier(feedback[0]),
        feedback=sql.Identifier(*feedback),
        output_rights=sql.SQL(_rights(connection, _all_rights())),
        feedback_columns=_feedback_columns(),
    )


def _require_feedback(cursor: Cursor) -> tuple[str, str]:
    found = _find(cursor, FEEDBACK.table)
    if found is None:
        raise ContractBroken(
            f"Table feedback_enriched is not on the search_path: {FEEDBACK.remedy}."
        )
    return found


def _feedback_columns() -> sql.Composed:
    """All that is read of the feedback: its text is not."""
    return sql.SQL(", ").join(map(sql.Identifier, FEEDBACK.columns))


def _for_input(cursor: Cursor, roles: Roles, table: str) -> Iterator[sql.Composed]:
    """What the pipeline's role needs of an optional table that it reads, if that is there."""
    found = _find(cursor, table)
    if found is not None:
        usage = sql.SQL("GRANT USAGE ON SCHEMA {} TO {};\n")
        yield usage.format(sql.Identifier(found[0]), sql.Identifier(roles.pipeline))
        yield _grant("SELECT", sql.Identifier(*found), roles.pipeline)


def _for_tables_there(
    cursor: Cursor, connection: Connection, roles: Roles
) -> Iterator[sql.Composed]:
    for output in OUTPUT_TABLES:
        if _find(cursor, output.qualified) is not None:
            yield _grant(_rights(connection, output.rights), output.identifier, roles.pipeline)
            yield _grant(", ".join(output.reader_rights), output.identifier, roles.reader)
        for view in _views_of(output):
            if _find(cursor, f"tens_insight.{view}") is not None:
                yield _grant("SELECT", sql.Identifier("tens_insight", view), roles.reader)


def _views_of(output: OutputTable) -> tuple[str, ...]:
    """What in schema tens_insight the readers of an output table may read too."""
    details = output.details.reader_views if output.details else ()
    return (*details, *(FOR_READERS if output is ACCOUNT_RISK_SCORES else ()))


def _all_rights() -> tuple[str, ...]:
    """What any of the output tables needs: default privileges know no single table."""
    return tuple(dict.fromkeys(right for table in OUTPUT_TABLES for right in table.rights))


def _rights(connection: Connection, rights: tuple[str, ...]) -> str:
    """What publishing needs; VACUUM after it is a right of its own on newer servers."""
    maintain = ("MAINTAIN",) if connection.server_version >= MAINTAIN_SINCE else ()
    return ", ".join((*rights, *maintain))


def _grant(rights: str, table: sql.Identifier, role: str) -> sql.Composed:
    return sql.SQL("GRANT " + rights + " ON {} TO {};\n").format(table, sql.Identifier(role))


def _find(cursor: Cursor, table: str) -> tuple[str, str] | None:
    name = table_identifier(table).as_string(cursor)
    cursor.execute(_QUERIES["visible_table"], {"table": name})
    row: tuple[str, str] | None = cursor.fetchone()
    return row
