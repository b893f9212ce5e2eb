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
    digest = hashlib.sha256()
    for room in _ROOMS:
        for file in _files(resources.files(room)):
            digest.update(f"{room}/{file.name}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _files(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _files(entry)
        elif entry.name.endswith((".py", ".pbtxt")):
            yield entry
