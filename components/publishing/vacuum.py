"""Keeps a table that is written anew from growing with every publication."""

import logging
from typing import Final

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class

from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)

_log = logging.getLogger(__name__)


def vacuum(connection: Connection, table: str, schema: str = "public") -> bool:
    """Vacuums and analyses a table, where the role may.

    What is published stays published whatever happens here, so a failure is logged
    and not raised.

    Args:
        connection: Outside of a transaction; left in autocommit mode.
        table: Name without the schema.
        schema: Its schema.

    Returns:
        Whether it was vacuumed.
    """
    name = sql.Identifier(schema, table)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_QUERIES["may_vacuum"], {"table": name.as_string(cursor)})
            if not (cursor.fetchone() or (False,))[0]:
                return False
            cursor.execute(sql.SQL("VACUUM (ANALYZE) {}").format(name))
    except psycopg2.Error as error:
        _log.warning("Published, but %s was not vacuumed: %s", table, str(error).strip())
        return False
    return True
