"""Files that workers write: whole or not there, however often a piece of work is tried.

An engine that loses a worker gives its work to another one while the first may still be writing.
Each attempt therefore writes a file of its own and renames it at its end. The folder of the
attempts goes when the work is done: a worker that was lost and comes back finds nowhere to write.
"""

import contextlib
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ATTEMPTS: Final = "attempts"
"""The folder within an artifact for as long as workers write to it."""
_LEFT: Final = f"*/*/*/*/{ATTEMPTS}"


@contextmanager
def attempts_folder(uri: str) -> Iterator[str]:
    """Makes the folder for the attempts within an artifact's, and removes it with what is left.

    Args:
        uri: Folder of the artifact; it exists.
    """
    files, folder = _file_systems(), os.path.join(uri, ATTEMPTS)
    files.makedirs(folder)
    try:
        yield folder
    finally:
        # A worker that was lost may write at this moment; the next run removes what it leaves.
        with contextlib.suppress(Exception):  # each file system has errors of its own
            files.rmtree(folder)


def remove_left_attempts(pipeline_root: Path) -> int:
    """Removes the attempts that killed runs left; no run may be at work.

    Args:
        pipeline_root: Of all pipelines, on this machine.

    Returns:
        How many folders there were.

    Raises:
        OSError: One cannot be removed.
    """
    left = [one for one in pipeline_root.glob(_LEFT) if one.is_dir()]
    for folder in left:
        shutil.rmtree(folder)
    return len(left)


@contextmanager
def whole_file(path: str, attempts: str) -> Iterator[str]:
    """Names a file to write, which then takes the place of another one.

    Args:
        path: Where it is to be.
        attempts: Folder for attempts, of the same file system; empty where nobody else can write
            that file: it is then written in its place.
    """
    if not attempts:
        yield path
        return
    attempt = os.path.join(attempts, f"{uuid.uuid4().hex}-{os.path.basename(path)}")
    yield attempt
    _file_systems().rename(attempt, path, overwrite=True)


def write_whole(path: str, content: bytes, attempts: str) -> None:
    """Writes a file as whole_file names it."""
    with whole_file(path, attempts) as attempt, _file_systems().open(attempt, "wb") as file:
        file.write(content)


def this_worker() -> str:
    """Names the process that works, for the log."""
    return f"process {os.getpid()} of {socket.gethostname()}"


def _file_systems() -> Any:
    """Returns TFX's access to files, which only a run needs."""
    from tfx.dsl.io import fileio

    return fileio
