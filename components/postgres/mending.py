"""Makes tables and views again that somebody dropped after the migrations had made them.

The migrations are the only description of these objects, so the statements about a missing one
are taken from them. What it held is lost; what is left is not touched.
"""

import re
from collections.abc import Sequence
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import value
from components.postgres.tables import OUTPUT_TABLES

_QUERIES: Final = queries(__package__)

_STATEMENT: Final = re.compile(r"(?:\$\$.*?\$\$|'[^']*'|--[^\n]*|[^;'$])+;", re.DOTALL)
_COMMENT: Final = re.compile(r"--[^\n]*\n")
_MADE: Final = re.compile(r"CREATE (?:OR REPLACE )?(?:TABLE|VIEW) (tens_insight\.\w+)")
_ABOUT: Final = re.compile(r"tens_insight\.\w+")
_BLOCK: Final = re.compile(r"DO \$\$")
_NUMBERED: Final = {
    "tens_insight.publications": "publication_id",
    "tens_insight.refusals": "refusal_id",
}
"""Tables whose numbers other tables hold: a new one must not give them out again."""


def mend(cursor: Cursor, migrations: Sequence[str]) -> list[str]:
    """Makes again what is missing, in the caller's transaction.

    Args:
        cursor: Of the role that may create in the schema; under the lock of migrations.
        migrations: The statements of each, in order; all were applied.

    Returns:
        A sentence for each table or view that was made again.
    """
    statements = [one for text in migrations for one in split_statements(text)]
    ours = dict.fromkeys(name for one in statements for name in _MADE.findall(one))
    outputs = [table.qualified for table in OUTPUT_TABLES] if ours else []
    missing = [name for name in (*outputs, *ours) if _is_missing(cursor, name)]
    if not missing:
        return _caught_up(cursor) if ours else []
    for statement in statements:
        about = _ABOUT.search(statement)
        if _BLOCK.match(statement) or (about is not None and about.group() in missing):
            cursor.execute(statement)
    for name, number in _NUMBERED.items():
        if name in missing:
            _go_on_counting(cursor, name, number)
    if "tens_insight.refusals" in missing:
        _bind_refused_rows(cursor)
    return [
        *_caught_up(cursor),
        *_made_again(missing),
    ]


def _made_again(missing: Sequence[str]) -> list[str]:
    return [
        f"{name} was missing and is made again, empty; what it held is lost" for name in missing
    ]


def split_statements(text: str) -> list[str]:
    """Returns the statements of a migration, without comments before them."""
    return [_COMMENT.sub("", one).strip() for one in _STATEMENT.findall(text)]


def _is_missing(cursor: Cursor, name: str) -> bool:
    # Not to_regclass: that asks for the right to use the schema.
    schema, _, table = name.partition(".")
    cursor.execute(
        "SELECT NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n "
        "ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s)",
        (schema, table),
    )
    return bool(value(cursor))


def _caught_up(cursor: Cursor) -> list[str]:
    """Lets numbers go on where rows were restored without their sequences, as replication does."""
    said = []
    for name, number in _NUMBERED.items():
        cursor.execute(_QUERIES["number_given_last"], {"table": name, "column": number})
        given = cursor.fetchone()
        if given is None:
            continue  # somebody else's to mend
        statement = sql.SQL("SELECT coalesce(max({}), 0) FROM {}")
        cursor.execute(statement.format(sql.Identifier(number), sql.Identifier(*name.split("."))))
        if int(value(cursor)) > int(given[0] or 0):
            _go_on_counting(cursor, name, number)
            said.append(f"{name} would have given out numbers again, and goes on after its last")
    return said


def _go_on_counting(cursor: Cursor, name: str, number: str) -> None:
    """Lets the numbers of a table begin after all that it and its histories hold."""
    kept = [
        table.history if number == "publication_id" else table.refused for table in OUTPUT_TABLES
    ]
    kept += [
        table.details.history
        for table in OUTPUT_TABLES
        if table.details is not None and number == "publication_id"
    ]
    if number == "publication_id":
        kept += ["contribution_layouts", "score_changes", "score_causes", "shadow_models"]
        kept += ["account_event_log", "event_publications"]
    highest = 0
    for table in (*kept, name.partition(".")[2]):
        statement = sql.SQL("SELECT coalesce(max({}), 0) FROM {}").format(
            sql.Identifier(number), sql.Identifier("tens_insight", table)
        )
        cursor.execute(statement)
        highest = max(highest, int(value(cursor)))
    restart = sql.SQL("ALTER TABLE {} ALTER COLUMN {} RESTART WITH {}")
    cursor.execute(
        restart.format(
            sql.Identifier(*name.split(".")), sql.Identifier(number), sql.Literal(highest + 1)
        )
    )


def _bind_refused_rows(cursor: Cursor) -> None:
    """Lets the kept rows of refusals that are lost go with them, as before."""
    for table in OUTPUT_TABLES:
        refused = table.refused_table
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE refusal_id NOT IN (SELECT refusal_id FROM {})").format(
                refused, sql.Identifier("tens_insight", "refusals")
            )
        )
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = %s::regclass "
            "AND confrelid = 'tens_insight.refusals'::regclass)",
            (f"tens_insight.{table.refused}",),
        )
        if not value(cursor):
            cursor.execute(
                sql.SQL(
                    "ALTER TABLE {} ADD FOREIGN KEY (refusal_id) REFERENCES tens_insight.refusals "
                    "ON DELETE CASCADE"
                ).format(refused)
            )
