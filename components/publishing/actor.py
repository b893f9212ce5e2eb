"""Who acts, for the log: as Postgres sees it, and as the operating system does."""

import os
import pwd
import socket
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries

_QUERIES: Final = queries(__package__)


def acted_by(cursor: Cursor) -> str:
    """Returns "role@client (user on host)" in one line; no secrets."""
    cursor.execute(_QUERIES["acted_by"])
    (role,) = cursor.fetchone() or ("",)
    return f"{role} ({_user()} on {socket.gethostname()})"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # Containers may run as a number that has no name.
        return f"uid {os.getuid()}"
