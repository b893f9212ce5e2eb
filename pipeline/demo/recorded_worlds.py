"""What simulations recorded of themselves, and which rows a new one may replace."""

from datetime import datetime, timezone
from typing import Final

from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import ContractBroken
from components.postgres.failures import explained
from components.postgres.migrate import migrate
from components.postgres.queries import queries
from pipeline.demo.copy_text import ACCOUNT_PREFIX, FEEDBACK_PREFIX

_QUERIES: Final = queries(__package__)


def make_room(cursor: Cursor, *, replace: bool, delete_foreign: bool) -> None:
    """Empties the input tables as far as the caller allows it.

    Args:
        cursor: In the transaction that will write the world; the tables exist.
        replace: Whether an earlier simulated world may be deleted.
        delete_foreign: Whether rows that no simulation wrote may be deleted too.

    Raises:
        ContractBroken: There are rows that may not be deleted.
    """
    cursor.execute("LOCK TABLE feedback_enriched, account_churn IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(
        _QUERIES["present_rows"],
        {"feedback_pattern": f"{FEEDBACK_PREFIX}%", "account_pattern": f"{ACCOUNT_PREFIX}%"},
    )
    row = cursor.fetchone()
    assert row is not None
    simulated, *foreign = row
    tables = [
        table
        for table, found in zip(("feedback_enriched", "account_churn"), foreign, strict=True)
        if found
    ]
    if tables and not delete_foreign:
        raise ContractBroken(
            f"{' and '.join(tables)} in database {cursor.connection.info.dbname!r} "
            "holds rows that no simulation wrote, and simulating would mix with them. "
            "Nothing was changed. Name an empty database in DATABASE_URL; "
            "`tens-insight simulate --delete-foreign` deletes those rows first."
        )
    if simulated and not (replace or delete_foreign):
        raise ContractBroken(
            f"Database {cursor.connection.info.dbname!r} already holds a simulated world. "
            "Nothing was changed. Use it as it is; `tens-insight simulate --replace` deletes it "
            "first."
        )
    if simulated or tables:
        cursor.execute(_QUERIES["remove_rows"])


def newest_world_end(connection: Connection) -> datetime | None:
    """Returns when the newest simulated world ends, UTC; None if there is none.

    It is the right as_of for that world: nothing happens in it afterwards, and a label
    window beyond it would see nobody churn.

    Raises:
        DatabaseUnreachable: The server went away.
        ContractBroken: The right to create or read our own tables is missing.
    """
    migrate(connection)
    with explained(connection), connection, connection.cursor() as cursor:
        cursor.execute(_QUERIES["newest_world_end"])
        row = cursor.fetchone()
    return row[0].astimezone(timezone.utc) if row and row[0] else None
