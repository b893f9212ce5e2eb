"""The words that an exported model knows: its vocabularies, as Transform wrote them."""

from pathlib import Path

import tensorflow as tf

from transforms.vocabularies import ACCOUNT_VOCABULARIES, EVENT_VOCABULARIES


def read_vocabularies(saved_model_dir: str | Path) -> dict[str, frozenset[bytes]]:
    """Returns the words of each vocabulary, spelled as `transforms.normalisation.normalised` does.

    Args:
        saved_model_dir: Folder of a SavedModel that our trainer wrote.

    Returns:
        By the names of EVENT_VOCABULARIES and ACCOUNT_VOCABULARIES; a vocabulary of which
        the model has no file is not among them.
    """
    found = {}
    for name in (*EVENT_VOCABULARIES, *ACCOUNT_VOCABULARIES):
        path = f"{str(saved_model_dir).rstrip('/')}/assets/{name}"
        if tf.io.gfile.exists(path):
            with tf.io.gfile.GFile(path, "rb") as file:
                found[name] = frozenset(file.read().split(b"\n")) - {b""}
    return found
