"""One at a time: whoever changes an output table, or its history, holds this lock."""

from typing import Final

import psycopg2
from psycopg2 import errorcodes as codes
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import PublicationRefused
from components.postgres.tables import OutputTable

_KEY: Final = "hashtextextended('tens-insight publish ' || %s, 0)"


def lock_table(cursor: Cursor, target: OutputTable) -> None:
    """Waits, lock_timeout at most, until nobody else publishes or undoes; to the commit.

    Raises:
        PublicationRefused: Another one is still at work.
    """
    try:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_KEY})", (target.name,))
    except psycopg2.Error as error:
        if error.pgcode != codes.LOCK_NOT_AVAILABLE:
            raise
        raise PublicationRefused(
            f"Another publication to {target.name} is running, or an undo of one (see "
            "pg_stat_activity, application_name 'tens-insight publish' or 'tens-insight undo'). "
            "Nothing was changed; run again later."
        ) from error


def try_lock_table(cursor: Cursor, target: OutputTable) -> bool:
    """Takes the same lock if nobody holds it, and tells whether it did."""
    cursor.execute(f"SELECT pg_try_advisory_xact_lock({_KEY})", (target.name,))
    (taken,) = cursor.fetchone() or (False,)
    return bool(taken)
