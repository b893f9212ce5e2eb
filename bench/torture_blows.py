"""The blows of bench/torture.py: each strikes so often, and counts what the tables then hold."""

import io
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from psycopg2 import sql

from bench.torture_ground import (
    ROWS,
    Child,
    Ground,
    Look,
    free_port,
    publish_version,
    undo_newest,
)
from components.postgres.connection import connect
from components.postgres.copying import copy_out
from components.postgres.failures import explained
from components.postgres.retry import retried

_READ_ROWS: Final = 300_000


@dataclass
class Tally:
    """What came of a campaign.

    Attributes:
        struck: Blows that came while the work was going on.
        mixed: Times that the tables held rows of two versions, or not what the log says.
        lost: Rows that were missing, all together.
        twice: Publications that are in the log twice.
        others: What else was not as it must be, a sentence each.
        skipped: Why this machine cannot do it; empty if it can.
    """

    struck: int = 0
    mixed: int = 0
    lost: int = 0
    twice: int = 0
    others: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing of that happened."""
        return not (self.mixed or self.lost or self.twice or self.others)

    def see(self, look: Look, allowed: set[int]) -> None:
        """Counts what is wrong with the tables, which may hold one of some versions."""
        self.twice = max(self.twice, look.twice)
        if look.version is None:
            self.mixed += 1
        elif look.version not in allowed:
            self.others.append(f"version {look.version} in place of one of {sorted(allowed)}")
        elif look.rows != ROWS:
            self.lost += ROWS - look.rows

    def must_succeed(self, child: Child) -> None:
        """Notes work that did not recover."""
        if child.wait() != 0:
            said = child.said.read_text(errors="replace").strip().splitlines()
            self.others.append(f"it did not recover: {said[-1] if said else 'no word'}")


def kill_publishing(ground: Ground, times: int) -> Tally:
    """Kills the process that publishes: the table is as it was, or as it was to be."""
    tally, span = Tally(), _span(ground, lambda: publish_version(ground.next_version()))
    for _ in range(_tries(times)):
        if tally.struck >= times:
            break
        before, version = _shown(ground), ground.next_version()
        child = ground.fork(lambda: publish_version(version))  # noqa: B023 -- forked at once
        time.sleep(ground.dice.uniform(0, span))
        tally.struck += child.kill()
        tally.see(ground.look(), {before, version})
    return tally


def kill_undo(ground: Ground, times: int) -> Tally:
    """Kills the process that undoes: the table is as it was, or as it was before that."""
    tally = Tally()
    _publish_two(ground)
    span = _span(ground, undo_newest)
    for _ in range(_tries(times)):
        if tally.struck >= times:
            break
        first, second = _publish_two(ground)
        child = ground.fork(undo_newest)
        time.sleep(ground.dice.uniform(0, span))
        tally.struck += child.kill()
        tally.see(ground.look(), {first, second})
    return tally


def cut_publishing(ground: Ground, times: int) -> Tally:
    """Cuts the line after some bytes: the publication is done again, and is there once."""
    tally, total = Tally(), _Proxy(ground).measure(ground)
    for number in range(_tries(times)):
        if tally.struck >= times:
            break
        version = ground.next_version()
        proxy = _Proxy(ground, cut_after=ground.dice.randrange(1, total), reset=number % 2 == 0)
        child = ground.fork(lambda: publish_version(version), proxy.url)  # noqa: B023
        tally.must_succeed(child)
        tally.struck += proxy.stop()
        tally.see(ground.look(), {version})
    return tally


def restart_in_publishing(ground: Ground, times: int) -> Tally:
    """Stops the server at once and starts it: the publication is done again, and is there once."""
    tally, span = Tally(), _span(ground, lambda: publish_version(ground.next_version()))
    for _ in range(_tries(times)):
        if tally.struck >= times:
            break
        version = ground.next_version()
        child = ground.fork(lambda: publish_version(version))  # noqa: B023 -- forked at once
        time.sleep(ground.dice.uniform(0.1, 0.9) * span)
        struck = child.runs
        ground.crash()
        tally.must_succeed(child)
        tally.struck += struck
        tally.see(ground.look(), {version})
    return tally


def terminate_readers(ground: Ground, times: int) -> Tally:
    """Ends the backend of a reader in COPY: all is read again."""
    tally, before = Tally(), _shown(ground)
    for _ in range(_tries(times)):
        if tally.struck >= times:
            break
        child = ground.fork(lambda: retried(_read, patience_s=60))
        tally.struck += _end_one(ground, child)
        tally.must_succeed(child)
    tally.see(ground.look(), {before})
    return tally


def _read() -> None:
    rows = sql.SQL("SELECT n, repeat('x', 100) FROM generate_series(1, {}) AS n")
    statement = sql.SQL("COPY ({}) TO STDOUT").format(rows.format(sql.Literal(_READ_ROWS)))
    content = io.BytesIO()
    with (
        closing(connect("tens-insight reader")) as connection,
        explained(connection),
        connection.cursor() as cursor,
    ):
        copy_out(cursor, statement, content)
    assert content.getvalue().count(b"\n") == _READ_ROWS


def _end_one(ground: Ground, child: Child) -> bool:
    """Ends the reader's backend once it copies; tells whether there was one."""
    ending = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'tens-insight reader' AND query LIKE 'COPY%'"
    )
    while child.runs:
        time.sleep(ground.dice.uniform(0, 0.02))
        if ground.ask(ending):
            return True
    return False


def _tries(times: int) -> int:
    """Returns how often to try for so many blows, as some come after the end."""
    return 20 + 4 * times


def _span(ground: Ground, work: Callable[[], object]) -> float:
    """Returns the seconds that the work takes in a process of its own, a bit more for a miss."""
    began = time.monotonic()
    assert ground.fork(work).wait() == 0
    took = time.monotonic() - began
    ground.version = max(ground.version, _shown(ground))  # a fork counts for itself
    return took


def _shown(ground: Ground) -> int:
    """Returns the version that the table shows."""
    (name,) = ground.ask("SELECT max(model_version) FROM public.account_risk_scores")[0]
    return int(name.partition("-")[2])


def _publish_two(ground: Ground) -> tuple[int, int]:
    versions = ground.next_version(), ground.next_version()
    for version in versions:
        publish_version(version)
    return versions


class _Proxy:
    """A process that hands bytes on to the server, and cuts its first connection."""

    def __init__(self, ground: Ground, cut_after: int | None = None, reset: bool = False):
        """Forks it.

        Args:
            ground: Has the server.
            cut_after: Bytes of both directions after which the first connection ends.
            reset: End it by a reset (RST), not by an end of file.
        """
        self._listener, (self._told, told) = free_port(), os.pipe()
        port = self._listener.getsockname()[1]
        self.url = (
            f"postgresql://postgres@127.0.0.1:{port}/tens_insight?sslmode=disable"
            "&gssencmode=disable"
        )
        target = ground.socket_path()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._told)
            try:
                _hand_on(self._listener, target, told, cut_after, reset)
            finally:
                os._exit(0)
        os.close(told)
        self._listener.close()

    def stop(self) -> int:
        """Ends the process; returns how many connections it cut."""
        return int(self._end()[0] == "c")

    def measure(self, ground: Ground) -> int:
        """Returns the bytes of one publication."""
        version = ground.next_version()
        assert ground.fork(lambda: publish_version(version), self.url).wait() == 0
        return int(self._end()[1:])

    def _end(self) -> str:
        """Returns what was told of the first connection: cut or whole, and its bytes."""
        told = os.read(self._told, 99).decode()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._told)
        return told


def _hand_on(
    listener: socket.socket, target: str, told: int, cut_after: int | None, reset: bool
) -> None:
    first = True
    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(target)
        if first:
            work: Callable[[], None] = partial(_first, client, server, told, cut_after, reset)
        else:
            work = partial(_later, client, server)
        # What is vacuumed after a publication has a connection beside the one that published.
        threading.Thread(target=work, daemon=True).start()
        first = False


def _first(
    client: socket.socket, server: socket.socket, told: int, cut_after: int | None, reset: bool
) -> None:
    passed, cut = _pass(client, server, cut_after)
    if cut and reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    server.close()
    os.write(told, f"{'c' if cut else 'w'}{passed}".encode())


def _later(client: socket.socket, server: socket.socket) -> None:
    with client, server:
        _pass(client, server, None)


def _pass(client: socket.socket, server: socket.socket, cut_after: int | None) -> tuple[int, bool]:
    """Hands bytes on until one side ends, or so many have passed; tells how many, and which."""
    passed, others = 0, {client: server, server: client}
    while True:
        for end in select.select([client, server], [], [])[0]:
            left = 65_536 if cut_after is None else min(65_536, cut_after - passed)
            content = end.recv(left)
            if not content:
                return passed, False
            others[end].sendall(content)
            passed += len(content)
            if cut_after is not None and passed >= cut_after:
                return passed, True
