"""The database of a command: the one that the environment names, else the embedded one."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection  # noqa: N812 -- it is a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import DatabaseUnreachable
from components.postgres.connection import connect, database_is_configured
from components.postgres.failures import explained
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.settings import Settings
from pipeline.state_directory import require_own_files
from pipeline.text.terminal import say

_NAMES_NONE: Final = ("DATABASE_URL", "DATABASE_URL_SECRET", "PGUSER", "PGPASSWORD")
"""Variables that a user may believe to name a database."""


def ensure_database(settings: Settings) -> None:
    """Makes sure that the environment names a database, for later connections.

    Without DATABASE_URL or libpq's variables, the embedded server under state_dir is
    started if the demo made one, and DATABASE_URL names it for this process.

    Args:
        settings: Say where the demo's database is.

    Raises:
        DatabaseUnreachable: None is named and there is no embedded one, or it does
            not start.
        ConfigurationInvalid: The state directory is another user's.
    """
    if database_is_configured(os.environ):
        return
    require_own_files(settings.state_dir)
    embedded = EmbeddedPostgres(settings.state_dir)
    if not embedded.exists():
        raise DatabaseUnreachable(
            "No database is named, and there is no embedded one under "
            f"{settings.state_dir}. Set DATABASE_URL=postgresql://user@host:5432/database, "
            "or run `make run` for a demonstration on an embedded database."
        )
    if odd := [name for name in _NAMES_NONE if name in os.environ]:
        say(
            f"{' and '.join(odd)} {'is' if len(odd) == 1 else 'are'} set, but no database is "
            f"named: the embedded one under {settings.state_dir} is used.",
            err=True,
        )
    os.environ["DATABASE_URL"] = embedded.start()


@contextmanager
def open_database(
    settings: Settings, what: str, *, statement_timeout_s: int = 0
) -> Iterator[Connection]:
    """Opens a connection for the length of the block.

    Args:
        settings: Say where the demo's database is, if no other is named.
        what: The command, for pg_stat_activity.
        statement_timeout_s: Seconds until the server cancels a statement; 0 keeps what the
            server sets.

    Raises:
        DatabaseUnreachable: There is no database, or no connection to it.
    """
    ensure_database(settings)
    name = f"tens-insight {what}"
    with closing(connect(name, statement_timeout_s=statement_timeout_s)) as connection:
        yield connection


@contextmanager
def consistent_read(settings: Settings, what: str) -> Iterator[Cursor]:
    """Opens a transaction that sees one state of the database and changes nothing.

    Args:
        settings: Say where the demo's database is, if no other is named.
        what: The command, for pg_stat_activity.

    Raises:
        DatabaseUnreachable: No connection, or it was lost.
        ContractBroken: A table, column or privilege is missing.
    """
    with open_database(settings, what) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with explained(connection), connection.cursor() as cursor:
            yield cursor
