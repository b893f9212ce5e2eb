"""A hash over an exported model: is what lies there what was trained?"""

import hashlib
import os
import posixpath
from collections.abc import Iterator
from typing import Any


def saved_model_sha256(saved_model_dir: str) -> str:
    """Returns the SHA-256 over a model's files: their relative paths, sizes and contents.

    Args:
        saved_model_dir: Folder of the SavedModel, on any file system. TensorFlow is loaded for
            one that is not of this machine.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: If there is no file in it.
    """
    folder = saved_model_dir.rstrip("/")
    digest = hashlib.sha256()
    remote = _remote_files() if "://" in folder else None
    walk, read = (remote.walk, remote.GFile) if remote else (os.walk, open)
    paths = sorted(_files(walk(folder), folder))
    if not paths:
        raise ValueError(f"{saved_model_dir} holds no file: was the model removed?")
    for path in paths:
        with read(f"{folder}/{path}", "rb") as file:
            content = file.read()
        digest.update(f"{path}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(found: Iterator[tuple[str, list[str], list[str]]], folder: str) -> Iterator[str]:
    for place, _, names in found:
        inside = place.rstrip("/").removeprefix(folder).lstrip("/")
        for name in names:
            yield posixpath.join(inside, name)


def _remote_files() -> Any:
    import tensorflow as tf

    return tf.io.gfile
