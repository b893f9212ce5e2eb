"""The sqlite file of ML Metadata: whole, or named as what is wrong with it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from components.errors import StateDirectoryBusy, StateUnusable
from pipeline.settings import variable

_PATIENCE_S: Final = 10.0
"""How long a lock of another program on the file is waited for."""
_LOCKED: Final = ("locked", "busy")
MARK_NAME: Final = "metadata-store.txt"
"""File in the folder of artifacts that names the store which they are recorded in."""
_MARK: Final = Path("pipeline_root", MARK_NAME)
WAY_OUT: Final = (
    "Restore the state directory and the database from one backup (docs/state.md). Without a "
    f"backup, set {variable('state_dir')} to a new folder and run `tens-insight run train`: what "
    "is published stays, models and runs of this one are lost"
)


def require_whole_store(path: Path) -> None:
    """Checks that a file which is there is a sqlite database, whole, and not locked for long.

    It is opened for writing, as ML Metadata does, so that what a killed run left half-done is
    taken back first.

    Args:
        path: metadata.sqlite. An empty one is sound where nothing was ever recorded.

    Raises:
        StateUnusable: It is damaged, or is no database.
        StateDirectoryBusy: Another program keeps it locked.
    """
    if path.is_file() and not path.stat().st_size and (path.parent / _MARK).exists():
        raise damaged_store(path, "it is empty, and runs were recorded in it")
    address = f"file:{quote(str(path.absolute()))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_S)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise store_error(path, str(error)) from None
    if found != "ok":
        raise damaged_store(path, " ".join(str(found).split()))


def require_store_not_lost(path: Path) -> None:
    """Refuses a missing file where the folder of artifacts says that there was one.

    Raises:
        StateUnusable: It is gone.
    """
    if (path.parent / _MARK).exists():
        raise StateUnusable(
            f"{path} is gone, and {path.parent / _MARK} says that the artifacts there are recorded "
            "in a store of ML Metadata. If that is a Postgres database, name it in "
            f"METADATA_DATABASE_URL. {WAY_OUT}."
        )


def store_error(path: Path, said: str) -> StateUnusable | StateDirectoryBusy:
    """Returns the error for what sqlite or ML Metadata said of the file.

    Args:
        path: metadata.sqlite.
        said: Their message.
    """
    if any(word in said for word in _LOCKED):
        return StateDirectoryBusy(
            f"{path} is locked by another program, such as a backup or a sqlite shell, and was not "
            f"released within {_PATIENCE_S:.0f} s. Nothing was changed: end that program, then run "
            "again."
        )
    return damaged_store(path, said)


def damaged_store(path: Path, said: str) -> StateUnusable:
    """Returns the error for a file that cannot be used."""
    return StateUnusable(
        f"{path}, which holds runs and models, cannot be used as a sqlite database: {said}. "
        f"{WAY_OUT}."
    )
