"""Who writes to an output table: one at a time, named in the log, and cleaning up afterwards."""

import logging
import os
import pwd
import socket
from contextlib import closing, suppress
from typing import Final

import psycopg2
from psycopg2 import errorcodes as codes
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components import ahead
from components.errors import PublicationRefused, TensInsightError
from components.postgres.connection import connect
from components.postgres.queries import queries
from components.postgres.rows import value
from components.postgres.tables import OutputTable

_QUERIES: Final = queries(__package__)

_KEY: Final = "hashtextextended('tens-insight publish ' || %s, 0)"
_STATISTICS: Final = 20
"""Of a history 300 times as many rows are looked at, and as many pages: of hundreds of publications
each is seen. PostgreSQL's default is 100, which for millions of rows takes five times as long."""
_log = logging.getLogger(__name__)


def lock_table(cursor: Cursor, table: OutputTable) -> None:
    """Waits, lock_timeout at most, until nobody else publishes or undoes; to the commit.

    Raises:
        PublicationRefused: Another one is still running.
    """
    try:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_KEY})", (table.name,))
    except psycopg2.Error as error:
        if error.pgcode != codes.LOCK_NOT_AVAILABLE:
            raise
        raise PublicationRefused(
            f"Another publication to {table.name} is running, or an undo of one (see "
            "pg_stat_activity, application_name 'tens-insight publish' or 'tens-insight undo'). "
            "Nothing was changed; run again later."
        ) from error


def try_lock_table(cursor: Cursor, table: OutputTable) -> bool:
    """Takes the same lock if nobody holds it, and tells whether it did."""
    cursor.execute(f"SELECT pg_try_advisory_xact_lock({_KEY})", (table.name,))
    return bool(value(cursor))


def user_and_host(cursor: Cursor) -> str:
    """Returns "role@client (user on host)" for the log, in one line; no secrets."""
    cursor.execute(_QUERIES["role_and_client"])
    return f"{value(cursor)} ({user_on_host()})"


def user_on_host() -> str:
    """Returns "user on host" of this process."""
    return f"{user_name()} on {socket.gethostname()}"


def user_name() -> str:
    """Returns the name of the user that runs this process, by its number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # Containers may run as a number that has no name.
        return f"uid {os.getuid()}"


def vacuum(connection: Connection, table: str, schema: str = "public") -> bool:
    """Vacuums and analyses a table, where the role may: every publication rewrites it.

    What is published stays published whatever happens here, so a failure is logged
    and not raised.

    Args:
        connection: Outside of a transaction; left in autocommit mode.
        table: Name without the schema.
        schema: Its schema. A history in our own is large, and a small sample says enough of it.

    Returns:
        Whether it was vacuumed.
    """
    if schema == "public":
        return _kept_up(connection, table, schema, vacuumed="ANALYZE, SKIP_LOCKED")
    return _kept_up(connection, table, schema, vacuumed="SKIP_LOCKED", analysed="{}")


def vacuum_aside(table: str, schema: str) -> None:
    """Vacuums a table that the nodes which follow do not need vacuumed, beside them.

    Args:
        table: As for vacuum.
        schema: As for vacuum.
    """

    def work() -> None:
        try:
            with closing(connect("tens-insight upkeep")) as connection:
                vacuum(connection, table, schema)
        except TensInsightError as error:
            _log.warning("Published, but %s was not vacuumed: %s", table, error)

    ahead.aside(work)


def analyze_publications(connection: Connection, history: str) -> bool:
    """Lets the planner know of the newest publication in a history; otherwise as `vacuum`.

    It takes a publication that came since the last ANALYZE for a single row. What joins two such
    ones goes through all rows of the one for each row of the other.

    Args:
        connection: As for vacuum.
        history: Name of the table, in schema tens_insight.
    """
    return _kept_up(connection, history, "tens_insight", analysed="{} (publication_id)")


def _kept_up(
    connection: Connection, table: str, schema: str, *, vacuumed: str = "", analysed: str = ""
) -> bool:
    """Vacuums with these options, and analyses a sample of what is named, as far as asked for."""
    name = sql.Identifier(schema, table)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_QUERIES["may_vacuum"], {"table": name.as_string(cursor)})
            if not value(cursor):
                return False
            if vacuumed:
                cursor.execute(sql.SQL(f"VACUUM ({vacuumed}) {{}}").format(name))
        if analysed:
            connection.autocommit = False
            with connection, connection.cursor() as cursor:
                # For this transaction: behind a pooler the session is somebody else's next.
                cursor.execute(f"SET LOCAL default_statistics_target = {_STATISTICS}")
                cursor.execute(sql.SQL(f"ANALYZE (SKIP_LOCKED) {analysed}").format(name))
    except psycopg2.Error as error:
        _log.warning("Published, but %s was not vacuumed: %s", table, str(error).strip())
        return False
    finally:
        with suppress(psycopg2.Error):  # a connection that broke
            connection.autocommit = True
    return True
