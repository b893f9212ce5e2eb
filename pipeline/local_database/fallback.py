"""Which database a command uses when the environment names none."""

import os

from components.errors import DatabaseUnreachable
from components.postgres.connection import database_is_configured
from pipeline.local_database.embedded_postgres import EmbeddedPostgres
from pipeline.settings import Settings


def ensure_database(settings: Settings) -> bool:
    """Makes sure that the environment names a database.

    Without DATABASE_URL or libpq's variables, the embedded server under state_dir is
    started if the demo made one, and DATABASE_URL names it for this process.

    Returns:
        Whether the embedded database is used.

    Raises:
        DatabaseUnreachable: None is named and there is no embedded one, or it does
            not start.
    """
    if database_is_configured(os.environ):
        return False
    embedded = EmbeddedPostgres(settings.state_dir)
    if not embedded.exists():
        raise DatabaseUnreachable(
            "No database is named, and there is no embedded one under "
            f"{settings.state_dir}. Set DATABASE_URL=postgresql://user@host:5432/database, "
            "or run `make run` for a demonstration on an embedded database."
        )
    os.environ["DATABASE_URL"] = embedded.start()
    return True
