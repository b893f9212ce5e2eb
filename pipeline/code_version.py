"""Which code made a model: lineage down to the source."""

import hashlib
from collections.abc import Callable, Iterator
from importlib import resources
from importlib.abc import Traversable
from typing import Final

from components.postgres.queries import named_queries

Locate = Callable[[str], Traversable]
"""From the dotted name of a package to its folder."""

ROOMS: Final = (
    "components.feedback_example_gen",
    "components.model_trainer",
    "components.model_tuner",
    "components.transform",
    "serving_model.learning",
    "serving_model.reasons",
    "serving_model.served",
    "transforms",
)
"""Packages that decide a model. All their files count, also new ones, except EXCLUDED."""

EXCLUDED: Final = frozenset(
    {
        # What makes examples for a model that is there, of nothing but the other files.
        "components/feedback_example_gen/account_examples.py",
        # What is told about a score, after the model has given it.
        "serving_model/reasons/fact_sentences.py",
        "serving_model/reasons/reason_words.py",
        # What reads an exported model back.
        "serving_model/served/predict.py",
    }
)
"""Files of ROOMS that decide no number of a model: nothing that makes one imports them."""

SINGLE_FILES: Final = (
    ("components.postgres", "connection.py"),
    ("components.postgres", "local_settings.py"),
    ("components.postgres", "moments.py"),
    ("components.postgres", "names.py"),
    ("components.postgres", "queries.py"),
    ("serving_model.evaluation", "metrics.py"),
)
"""Files of other packages that decide a model: which text of SQL is sent, to which table, in
which session; which dates can be true; and the metric by which training chooses."""

SINGLE_QUERIES: Final = (("components.postgres", "local_settings"),)
"""Queries of other packages that do: reading casts moments to the session's time zone."""


def code_version(locate: Locate = resources.files) -> str:
    """Returns 12 hexadecimal digits of the hash of the code that decides a model.

    It covers the code and SQL that read, label, transform, learn and answer, as they are
    installed, also where there is no git repository, such as in a container.

    Args:
        locate: Where the packages lie.
    """
    return _hash(_deciding(locate))


def hash_sources(folders: dict[str, Traversable]) -> str:
    """Returns 12 hexadecimal digits of the hash of all files in some folders.

    Args:
        folders: By the name that stands for each, wherever it is installed.
    """
    return _hash(
        (path, file.read_bytes())
        for name, folder in sorted(folders.items())
        for path, file in _files(name, folder)
    )


def _deciding(locate: Locate) -> Iterator[tuple[str, bytes]]:
    """Yields name and content of everything that decides a model."""
    for room in ROOMS:
        for path, file in _files(room.replace(".", "/"), locate(room)):
            if path not in EXCLUDED:
                yield path, file.read_bytes()
    for package, name in SINGLE_FILES:
        yield f"{package}/{name}", (locate(package) / name).read_bytes()
    for package, name in SINGLE_QUERIES:
        text = (locate(package) / "queries.sql").read_text(encoding="utf-8")
        yield f"{package}/{name}", named_queries(text)[name].encode()


def _hash(contents: Iterator[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, content in contents:
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _files(path: str, folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    """Yields all files but byte code and hidden ones, in the order of their names."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        inside = f"{path}/{entry.name}"
        if entry.name == "__pycache__" or entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(inside, entry)
        else:
            yield inside, entry
