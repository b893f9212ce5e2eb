"""Which accounts the newest publication took for silent."""

from datetime import datetime
from typing import Any, Final

import psycopg2.extensions

from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.rows import value

_QUERIES: Final = queries(__package__)


def read_published_population(
    connection: psycopg2.extensions.connection, as_of: datetime
) -> dict[str, Any] | None:
    """Returns what the log of publications says of the population of the newest one up to as_of.

    None where nothing was published, or this role may not see what was, or it was not recorded.
    """
    with explained(connection), connection.cursor() as cursor:
        cursor.execute(_QUERIES["may_read_published_accounts"])
        if not value(cursor):
            return None
        cursor.execute(_QUERIES["published_population"], {"as_of": as_of})
        row = cursor.fetchone()
    return row[0] if row else None
