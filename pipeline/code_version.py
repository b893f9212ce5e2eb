"""Which code made a model: lineage down to the source."""

import hashlib
from collections.abc import Iterator
from importlib import resources
from importlib.abc import Traversable
from typing import Final

_ROOMS: Final = ("transforms", "serving_model", "components.feedback_example_gen")


def code_version() -> str:
    """Returns 12 hexadecimal digits of the hash of the code that decides a model.

    It covers the sources that read, transform and learn, as they are installed, also
    where there is no git repository, such as in a container.
    """
    return hash_sources({room: resources.files(room) for room in _ROOMS})


def hash_sources(folders: dict[str, Traversable]) -> str:
    """Returns 12 hexadecimal digits of the hash of all sources in some folders.

    Args:
        folders: By the name that stands for each, wherever it is installed.
    """
    digest = hashlib.sha256()
    for name, folder in sorted(folders.items()):
        for path, file in _files(name, folder):
            digest.update(f"{path}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _files(path: str, folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        inside = f"{path}/{entry.name}"
        if entry.is_dir():
            yield from _files(inside, entry)
        elif entry.name.endswith((".py", ".pbtxt")):
            yield inside, entry
