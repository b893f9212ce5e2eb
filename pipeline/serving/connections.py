"""A connection to the database for each thread, and an end to those on which nothing comes.

A server that hangs while its machine still confirms what it gets is noticed by nobody: neither
statement_timeout, which it would have to heed itself, nor the kernel's own limits end the wait. So
each step of a reader has a time, after which its socket is shut.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg2

from components.errors import DatabaseUnreachable
from components.postgres.local_settings import SettledConnection
from pipeline.serving.read_only import read_only_connection

_HANGS_S: Final = 1.0
"""Seconds beyond the time of a statement after which a server that says nothing hangs."""


class ServerHangs(DatabaseUnreachable):
    """The server said nothing for longer than a statement may take."""


class _Own(threading.local):
    connection: SettledConnection | None = None
    is_new = True


class Connections:
    """Connections of which each statement is a transaction of its own, which only reads.

    Args:
        statement_s: Seconds that a statement may take.
    """

    def __init__(self, statement_s: int):
        self._statement_s = statement_s
        self._own = _Own()
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[float, SettledConnection]] = {}
        self._ended: set[int] = set()

    @property
    def is_new(self) -> bool:
        """Whether nobody has yet called `known` for the connection of this thread."""
        return self._own.is_new

    def known(self) -> None:
        """Remembers that it was looked at where the connection of this thread leads to."""
        self._own.is_new = False

    def open(self) -> SettledConnection | None:
        """Returns the connection of this thread, if it has one that is open."""
        connection = self._own.connection
        return None if connection is None or connection.closed else connection

    def get(self) -> SettledConnection:
        """Returns the connection of this thread, opened if need be.

        Raises:
            DatabaseUnreachable: No server, wrong password, no such database.
        """
        return self.open() or self._connected()

    def close(self) -> None:
        """Closes the connection of this thread."""
        with self._lock:  # before its number is another socket's
            self._waiting.pop(threading.get_ident(), None)
        connection, self._own.connection = self._own.connection, None
        if connection is not None:
            with suppress(psycopg2.Error):
                connection.close()

    @contextmanager
    def step(self, statements: int = 1) -> Iterator[None]:
        """Limits how long the connection of this thread is waited for.

        Args:
            statements: So many may take as long as one of them may.

        Raises:
            ServerHangs: Nothing came for longer.
        """
        with self._lock:
            self._ended.discard(threading.get_ident())
        try:
            self._wait_for(self.get(), statements)
            yield
        except (DatabaseUnreachable, psycopg2.Error):
            self._raise_if_ended()
            raise
        finally:
            with self._lock:
                self._waiting.pop(threading.get_ident(), None)

    def end_hanging(self) -> None:
        """Shuts the sockets on which nothing came in time; called by another thread."""
        now = time.monotonic()
        with self._lock:
            for reader, (until, connection) in list(self._waiting.items()):
                if now > until:
                    del self._waiting[reader]
                    self._ended.add(reader)
                    _shut(connection)

    def _wait_for(self, connection: SettledConnection, statements: int = 1) -> None:
        until = time.monotonic() + statements * self._statement_s + _HANGS_S
        with self._lock:
            self._waiting[threading.get_ident()] = until, connection

    def _raise_if_ended(self) -> None:
        with self._lock:
            ended = threading.get_ident() in self._ended
            self._ended.discard(threading.get_ident())
        if ended:
            raise ServerHangs(
                f"The database server said nothing for more than {self._statement_s} seconds: its "
                "connection was closed. Look whether it hangs, such as for its disk."
            ) from None

    def _connected(self) -> SettledConnection:
        connection = read_only_connection("tens-insight serve", self._statement_s, self._wait_for)
        connection.read_alone()
        self._own.connection, self._own.is_new = connection, True
        return connection


def _shut(connection: SettledConnection) -> None:
    """Ends the wait of a thread for a connection: it reads that it was closed."""
    with suppress(OSError, psycopg2.Error):
        copy = socket.socket(fileno=os.dup(connection.fileno()))
        with copy:
            copy.shutdown(socket.SHUT_RDWR)
