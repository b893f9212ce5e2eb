"""Which state directory a store's artifacts lie in, and where that directory is now.

ML Metadata and TFX know an artifact by its whole path. A mark in the folder of artifacts names the
store and the state directory, so that one that was moved is known again.
"""

import os
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from components.postgres.connection import metadata_address
from components.registry.store_identity import (
    StoreProperties,
    find_store,
    moved,
    read_store,
    write_store,
)
from components.state_files import make_private, replace_text
from pipeline.registry.store_file import MARK_NAME
from pipeline.settings import ConfigurationInvalid
from pipeline.state_directory import not_writable

_WHOLE: Final = re.compile(r"store ([0-9a-f-]{36})\nstate directory ([0-9a-f-]{36})\n")


@dataclass(frozen=True)
class Mark:
    """What a folder of artifacts says: the ids of its store and of its state directory."""

    store_id: str
    state_dir_id: str


def require_own_artifacts(store: Any, pipeline_root: Path) -> Mark:
    """Marks a folder of artifacts with the store that records them, or refuses another's.

    Args:
        store: Of ML Metadata.
        pipeline_root: Folder of the artifacts; made if it is missing.

    Returns:
        The mark. One that is empty or torn counts as missing, and is written again.

    Raises:
        ConfigurationInvalid: The artifacts there are recorded in another store, or the folder
            cannot be written.
    """
    identity, mark = read_store(store), read_mark(pipeline_root)
    if mark is not None:
        ours = mark.store_id == identity.id
    else:
        # A folder older than its mark belongs to the store that has recorded runs.
        ours = _is_empty(pipeline_root) or bool(store.get_contexts_by_type("pipeline_run"))
    if not ours:
        raise ConfigurationInvalid(
            f"The artifacts in {pipeline_root} are recorded in another store of ML Metadata than "
            "the one that is named now, and a run would overwrite them. Set TENS_INSIGHT_STATE_DIR "
            "to a folder of its own for this store, or go back to the other one: set or unset "
            "METADATA_DATABASE_URL, or restore metadata.sqlite."
        )
    if mark is None:
        mark = Mark(identity.id, _state_dir_id(identity, pipeline_root.parent))
        text = f"store {mark.store_id}\nstate directory {mark.state_dir_id}\n"
        try:
            replace_text(make_private(pipeline_root) / MARK_NAME, text)
        except OSError as error:
            raise not_writable(pipeline_root.parent, error) from None
    return mark


def record_place(store: Any, mark: Mark, state_dir: Path) -> None:
    """Lets the store's artifacts lie where the state directory is now.

    ML Metadata and TFX know artifacts by their whole paths. The former places are kept until all
    artifacts are changed, so that a run that was killed meanwhile does no harm.

    Args:
        store: Of ML Metadata.
        mark: Of the folder of artifacts.
        state_dir: Where it is now.
    """
    found, now = read_store(store), str(state_dir)
    places = found.state_dirs.get(mark.state_dir_id, [])
    if places == [now]:
        return
    former = [place for place in places if place != now]
    others = {
        key: value
        for key, value in found.state_dirs.items()
        if key != mark.state_dir_id and value[-1] != now
    }
    if former:
        write_store(store, replace(found, state_dirs=others | {mark.state_dir_id: [*former, now]}))
        changed = [one for one in store.get_artifacts() if moved(one, former, now)]
        if changed:
            store.put_artifacts(changed)
    write_store(store, replace(found, state_dirs=others | {mark.state_dir_id: [now]}))


def moving_artifacts(store: Any, state_dir: Path) -> Callable[[Any], Any]:
    """Returns a function for commands that only read: lets an artifact lie where it is now.

    Args:
        store: Of ML Metadata.
        state_dir: Where the state directory is.
    """
    identity, mark, now = find_store(store), read_mark(state_dir / "pipeline_root"), str(state_dir)
    if identity is None:
        return lambda artifact: artifact
    key = mark.state_dir_id if mark else _state_dir_id(identity, state_dir)
    former = [place for place in identity.state_dirs.get(key, []) if place != now]

    def located(artifact: Any) -> Any:
        moved(artifact, former, now)
        return artifact

    return located if former else lambda artifact: artifact


def read_mark(pipeline_root: Path) -> Mark | None:
    """Returns the mark of a folder of artifacts; None where there is no whole one."""
    try:
        found = _WHOLE.fullmatch((pipeline_root / MARK_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, UnicodeDecodeError):
        return None
    return Mark(*found.groups()) if found else None


def _is_empty(pipeline_root: Path) -> bool:
    """Tells whether there is nothing but a mark that was not written to its end."""
    if not pipeline_root.is_dir():
        return True
    return all(name.lstrip(".").startswith(MARK_NAME) for name in os.listdir(pipeline_root))


def _state_dir_id(identity: StoreProperties, state_dir: Path) -> str:
    """Returns the id of a state directory without a whole mark: the recorded one, or a new one."""
    known = identity.state_dirs
    here = [key for key, places in known.items() if places[-1] == str(state_dir)]
    if here:
        return here[0]
    # A sqlite file lies in the one state directory that it knows, wherever that is.
    if metadata_address() is None and len(known) == 1:
        return next(iter(known))
    return str(uuid.uuid4())
