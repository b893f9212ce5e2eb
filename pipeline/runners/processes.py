"""Processes that a command leaves running, and another one ends."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pipeline.runners.errors import ClusterUnusable

_GRACE_S: Final = 15
_LOOKS_S: Final = 0.2
_TOLD: Final = 600
"""Characters of the end of a log that an error shows."""


@dataclass(frozen=True)
class Background:
    """A process that was started.

    Attributes:
        name: What it is.
        pid: Its number.
        born: When it was started, as the kernel counts: another process that later has the same
            number was started at another time.
    """

    name: str
    pid: int
    born: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _born(self.pid) == self.born


def start(
    name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Background:
    """Starts a process in a session of its own, which goes on when the command ends.

    Raises:
        ClusterUnusable: The program is not there.
    """
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            raise ClusterUnusable(f"{name} cannot be started: {error}.") from None
    return Background(name, process.pid, _born(process.pid) or "")


def wait_for(
    process: Background, log: Path, ready: Callable[[], bool], patience_s: float, what: str
) -> None:
    """Waits until a process does what it is there for.

    Raises:
        ClusterUnusable: It ended, or the time is over.
    """
    deadline = time.monotonic() + patience_s
    while not ready():
        if not process.alive:
            raise ClusterUnusable(f"{process.name} ended before {what}. {_end_of(log)}")
        if time.monotonic() > deadline:
            raise ClusterUnusable(
                f"{process.name} was started, but not {what} within {patience_s:.0f} s. "
                f"{_end_of(log)}"
            )
        time.sleep(_LOOKS_S)


def stop(processes: Sequence[Background]) -> list[str]:
    """Ends processes, the last one first; kills those that do not end.

    Returns:
        Names of those that ran.
    """
    running = [one for one in reversed(processes) if one.alive]
    for one in running:
        _signal(one, signal.SIGTERM)
    _await_end(running)
    for one in running:
        if one.alive:
            _signal(one, signal.SIGKILL)
    _await_end(running)
    return [one.name for one in running]


def write(path: Path, processes: Sequence[Background], facts: Mapping[str, str]) -> None:
    """Keeps what was started."""
    kept = {"processes": [asdict(one) for one in processes], "facts": dict(facts)}
    path.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def read(path: Path) -> tuple[list[Background], dict[str, str]]:
    """Returns what was started and what was kept about it; nothing where there is no such file.

    Raises:
        ClusterUnusable: The file does not hold it.
    """
    if not path.exists():
        return [], {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return [Background(**one) for one in kept["processes"]], dict(kept["facts"])
    except (ValueError, KeyError, TypeError):
        raise ClusterUnusable(
            f"{path} does not hold what `tens-insight cluster start` wrote. End the processes that "
            "it started by hand (`ps`), then remove the file."
        ) from None


def listens(port: int) -> bool:
    """Says whether a program listens on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Returns a port of the loopback interface on which no program listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_end(running: Sequence[Background]) -> None:
    deadline = time.monotonic() + _GRACE_S
    while any(one.alive for one in running) and time.monotonic() < deadline:
        time.sleep(_LOOKS_S)


def _signal(process: Background, number: int) -> None:
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return


def _born(pid: int) -> str | None:
    """Returns when a process was started, in ticks since the machine was; None if it has ended."""
    try:
        # The name of the program, which may hold blanks, ends with the last parenthesis.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _end_of(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace").strip() if log.exists() else ""
    said = f" It ends with: ...{text[-_TOLD:]}" if text else ""
    return f"Its log is {log}.{said}"
