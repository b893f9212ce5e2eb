"""Files of the state directory: private to the user that runs, and whole or not there."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_FOR_THE_OWNER_ALONE: Final = 0o077
"""The umask of folders with mode 0700 and files with 0600."""
_OF_OTHERS: Final = 0o077
"""Bits of a mode that open a file to group or others."""


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """Makes what is written in the block readable for this user alone, whatever code writes it.

    The umask is that of the whole process: threads of a host program that write files
    meanwhile write private ones too.
    """
    before = os.umask(_FOR_THE_OWNER_ALONE)
    try:
        yield
    finally:
        os.umask(before)


def make_private(folder: Path) -> Path:
    """Makes a folder that is closed to other users, and those above it if they are missing.

    A folder that is there and belongs to this user is closed. One of another user stays as it
    is: a volume, for example, whose rights the platform sets.

    Args:
        folder: Of ours alone, such as the folder of the logs; never one that somebody named.

    Returns:
        The same folder.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & _OF_OTHERS:
        folder.chmod(found.st_mode & ~_OF_OTHERS & 0o7777)
    return folder


def replace_text(path: Path, text: str, *, owner: os.stat_result | None = None) -> None:
    """Replaces a file by a text, as `replace_file` does.

    Args:
        path: The file; its folder exists.
        text: Its content.
        owner: Whose user and group the file gets; default: this process's. For root alone.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    replace_file(path, lambda target: Path(target).write_text(text, encoding="utf-8"), owner=owner)


def replace_file(
    path: Path,
    write: Callable[[str], object],
    *,
    mode: int = 0o600,
    owner: os.stat_result | None = None,
) -> None:
    """Replaces a file whole: a killed writer or a full disk leaves the old one, or none.

    Args:
        path: The file; its folder exists.
        write: Writes a file of another name beside it.
        mode: Of the new file.
        owner: Whose user and group the file gets; default: this process's. For root alone.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    try:
        write(unfinished)
        os.chmod(unfinished, mode)
        with open(unfinished, "rb") as file:
            os.fsync(file.fileno())
        if owner is not None and os.geteuid() == 0:
            os.chown(unfinished, owner.st_uid, owner.st_gid)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)
        raise
