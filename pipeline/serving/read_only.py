"""Connections that read only, and that neither a slow statement nor a lost machine holds up."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from components.postgres.address import read_address
from components.postgres.connection import connect
from components.postgres.local_settings import SettledConnection

_CONNECT_S: Final = "3"
_GRACE_S: Final = 5
"""Seconds beyond the time of a statement after which a machine that confirms nothing is gone."""
_GONE: Final = {"keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3"}
"""Likewise while an answer is waited for: else a thread would wait for a quarter of an hour."""


def read_only_connection(
    name: str,
    statement_s: int,
    opened: Callable[[SettledConnection], None] = lambda connection: None,
) -> SettledConnection:
    """Connects to the database that the environment names.

    Args:
        name: For pg_stat_activity.
        statement_s: Seconds that a statement may take.
        opened: Is told of the connection before its first statement.

    Raises:
        DatabaseUnreachable: Nothing answers there.
    """
    address = read_address(os.environ)
    wanted = {"connect_timeout": _CONNECT_S, **_GONE, **address.parameters}
    wanted.setdefault("tcp_user_timeout", str(1000 * (statement_s + _GRACE_S)))
    connection = connect(
        name,
        statement_timeout_s=statement_s,
        address=replace(address, parameters=wanted),
        opened=opened,
    )
    connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
    return connection
