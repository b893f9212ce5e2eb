"""The server's own process, as the lock files in its folders name it."""

import os
from pathlib import Path
from typing import Final

NO_PROCESS: Final = 4_194_305
"""Above every process number that Linux gives, so certainly dead."""


def running_process(data: Path) -> int | None:
    """Returns the process of the server of a data folder, None where it is gone."""
    process = recorded_process(data / "postmaster.pid")
    return process if process is not None and owns(process, data) else None


def forget_dead_process(data: Path, socket_lock: Path) -> None:
    """Lets a server start whose lock files name a process that is not it.

    After a power cut the number may be another process's, and a killed server may stay
    listed until its parent asks for it. Postgres takes either for a running server. The
    files stay, with a number of nobody: Postgres goes on to make sure that no backend
    outlived its server.
    """
    for lock in (data / "postmaster.pid", socket_lock):
        process = recorded_process(lock)
        if process is not None and not owns(process, data):
            rest = lock.read_text(encoding="utf-8").partition("\n")[2]
            lock.write_text(f"{NO_PROCESS}\n{rest}", encoding="utf-8")


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
