"""One consistent, read-only look at the database, for commands that show something."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

    from pipeline.settings import Settings


@contextmanager
def consistent_read(settings: "Settings", what: str) -> Iterator["Cursor"]:
    """Opens a transaction that sees one state of the database and changes nothing.

    Args:
        settings: Say where the demo's database is, if no other is configured.
        what: The command, for pg_stat_activity.

    Raises:
        DatabaseUnreachable: No connection, or it was lost.
        ContractBroken: A table, column or privilege is missing.
    """
    from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

    from components.postgres.connection import connect
    from components.postgres.failures import explained
    from pipeline.local_database.fallback import ensure_database

    ensure_database(settings)
    with closing(connect(f"tens-insight {what}")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with explained(connection), connection.cursor() as cursor:
            yield cursor
