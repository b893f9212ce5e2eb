"""One run at a time works on a state directory: it holds a lock on a file there.

The system releases the lock however the process ends; a killed run leaves none behind.
"""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from components.errors import StateDirectoryBusy
from pipeline.settings import ConfigurationInvalid

LOCK_FILE: Final = "run.lock"
AUTO_LOCK_FILE: Final = "auto.lock"
"""Held by `run auto` beside that, from its first look to its end."""
_PAUSE_S: Final = 0.5
_HELD: Final = (errno.EWOULDBLOCK, errno.EACCES)


@contextmanager
def run_lock(
    state_dir: Path,
    holder: str,
    *,
    wait_s: float = 0,
    on_wait: Callable[[str], object] = lambda said: None,
    file: str = LOCK_FILE,
) -> Iterator[None]:
    """Holds the lock of a state directory for the length of the block.

    Args:
        state_dir: It exists.
        holder: Who takes it, a phrase for the message of others.
        wait_s: Seconds to wait for another run; 0 does not wait.
        on_wait: Is told, once, that and for whom it waits.
        file: Its name there.

    Raises:
        StateDirectoryBusy: Another run holds it, and did not end within wait_s.
        ConfigurationInvalid: The file cannot be locked.
    """
    path = state_dir / file
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _cannot_lock(path, error) from None
    try:
        _acquire(descriptor, path, wait_s, on_wait)
        # Never removed: who waits holds the old file, and a newcomer would lock a new one.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, wait_s: float, on_wait: Callable[[str], object]) -> None:
    began, told = time.monotonic(), False
    while not _try_lock(descriptor, path):
        other = os.pread(descriptor, 1000, 0).decode(errors="replace") or "another run"
        waited = time.monotonic() - began
        if waited >= wait_s:
            lasted = f", and did not end within {wait_s / 60:.0f} minutes" if wait_s else ""
            raise StateDirectoryBusy(
                f"Another run is at work on the state directory {path.parent}: {other}{lasted}. "
                "This one did nothing. Run again when it has ended, or let it wait: --wait, or "
                "TENS_INSIGHT_WAIT_MINUTES."
            )
        if not told:
            on_wait(f"Waiting for another run on {path.parent}: {other}.")
            told = True
        time.sleep(min(_PAUSE_S, wait_s - waited))


def _try_lock(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise _cannot_lock(path, error) from None
    return True


def _cannot_lock(path: Path, error: OSError) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        f"Setting state_dir is {path.parent}, where the file {path.name}, which lets one run in at "
        f"a time, cannot be locked: {error.strerror}. Set TENS_INSIGHT_STATE_DIR to a folder of "
        "your own, on a file system that knows locks."
    )
