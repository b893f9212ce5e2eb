"""A hash over an exported model: is what lies there what was trained?"""

import hashlib
import posixpath
from collections.abc import Iterator

import tensorflow as tf


def saved_model_sha256(saved_model_dir: str) -> str:
    """Returns the SHA-256 over a model's files: their relative paths, sizes and contents.

    Args:
        saved_model_dir: Folder of the SavedModel, on any file system.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: If there is no file in it.
    """
    folder = saved_model_dir.rstrip("/")
    digest = hashlib.sha256()
    paths = sorted(_files(folder))
    if not paths:
        raise ValueError(f"{saved_model_dir} holds no file: was the model removed?")
    for path in paths:
        with tf.io.gfile.GFile(f"{folder}/{path}", "rb") as file:
            content = file.read()
        digest.update(f"{path}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(folder: str) -> Iterator[str]:
    for found, _, names in tf.io.gfile.walk(folder):
        inside = found.rstrip("/").removeprefix(folder).lstrip("/")
        for name in names:
            yield posixpath.join(inside, name)
