"""What simulations recorded of themselves."""

from datetime import datetime, timezone
from typing import Final

from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.postgres.failures import explained
from components.postgres.migrate import migrate
from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)


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
