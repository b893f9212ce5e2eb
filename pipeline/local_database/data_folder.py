"""What lies in the server's data folder: its configuration, and who its lock file names.

The configuration is ours in a file of its own; what initdb wrote stays as it was.
pg_hba.conf is written whole: the folder of the socket is closed to other users, and
that makes it safe to trust every client that can connect.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from components.state_files import replace_text

SETTINGS_FILE = "tens_insight.conf"
LOCAL = {
    "listen_addresses": "",
    "port": "5432",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "jit": "off",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
TRUST_THE_SOCKET = "local all all trust"
NO_PROCESS: Final = 4_194_305
"""Above every process number that Linux gives, so certainly dead."""


def running_process(data: Path) -> int | None:
    """Returns the process of the server of a data folder, None where it is gone."""
    process = recorded_process(data / "postmaster.pid")
    return process if process is not None and owns(process, data) else None


def moved_from(data: Path) -> Path | None:
    """Returns where a running server believes its data to be, if they were moved from there."""
    try:
        recorded = Path((data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[1])
    except (FileNotFoundError, IndexError):
        return None
    there = recorded.exists() and recorded.samefile(data)
    return None if there else recorded


def forget_dead_process(data: Path) -> None:
    """Lets a server start whose lock file names a process that is not it.

    After a power cut the number may be another process's, and a killed server may stay
    listed until its parent asks for it. Postgres takes either for a running server. The
    file stays, with a number of nobody: Postgres goes on to make sure that no backend
    outlived its server.
    """
    lock = data / "postmaster.pid"
    _remove_torn(lock)
    process = recorded_process(lock)
    if process is not None and not owns(process, data):
        rest = lock.read_text(encoding="utf-8").partition("\n")[2]
        replace_text(lock, f"{NO_PROCESS}\n{rest}", owner=lock.parent.stat())


def _remove_torn(lock: Path) -> None:
    """Removes a lock file that names no process: Postgres would wait for its writer for good."""
    if lock.exists() and not re.match(r"-?\d+\s", lock.read_text(encoding="utf-8")):
        lock.unlink()


def recorded_process(lock: Path) -> int | None:
    """Returns the process that a lock file names if some process has that number now."""
    try:
        process = int(lock.read_text(encoding="utf-8").split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return process
    return process


def owns(process: int, data: Path) -> bool:
    """Tells the server, which works in its data folder, from another process.

    Where the system has no /proc, the lock file is believed.
    """
    if not Path("/proc/self/cwd").exists():
        return True
    try:
        return Path("/proc", str(process), "cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


def write_configuration(
    data: Path,
    socket: Path,
    *,
    durable: bool,
    hba: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> None:
    """Writes the settings and the rules of access of a stopped cluster.

    Args:
        data: The cluster's data folder.
        socket: The folder of its unix socket, its own from this start on.
        durable: Whether a committed row must survive a power cut.
        hba: Lines of pg_hba.conf that come before the rule that trusts the socket.
        settings: Further settings; they win over ours.
    """
    chosen = LOCAL | {"unix_socket_directories": str(socket)}
    chosen |= ({} if durable else NOT_DURABLE) | dict(settings or {})
    lines = [f"{name} = {quoted(value)}" for name, value in chosen.items()]
    _replace_lines(data / SETTINGS_FILE, lines)
    _replace_lines(data / "pg_hba.conf", [*hba, TRUST_THE_SOCKET])


def include_settings(data: Path) -> None:
    """Makes a new cluster read our settings file after its own."""
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(f"\ninclude = '{SETTINGS_FILE}'\n")


def quoted(value: str) -> str:
    """Returns a value as postgresql.conf wants it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _replace_lines(path: Path, lines: Sequence[str]) -> None:
    """Replaces a file whole; it belongs to the owner of its folder."""
    replace_text(path, "".join(f"{line}\n" for line in lines), owner=path.parent.stat())
