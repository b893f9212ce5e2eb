"""The card beside a model: how it came about, as JSON that any tool can read."""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

import tensorflow as tf

CARD: Final = "assets.extra/model_card.json"
"""Where the card lies in a SavedModel; TensorFlow leaves `assets.extra` to us."""

CardValue = str | int | float


def write_card(saved_model_dir: str, card: Mapping[str, CardValue]) -> None:
    """Writes the card into an exported model, on whatever file system it lies.

    Args:
        saved_model_dir: Folder of the SavedModel.
        card: Plain values by name.

    Raises:
        ValueError: If a value is NaN or infinite, which JSON cannot hold.
    """
    text = json.dumps(dict(card), indent=2, sort_keys=True, allow_nan=False)
    path = _card_path(saved_model_dir)
    tf.io.gfile.makedirs(str(PurePosixPath(path).parent))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(text + "\n")


def read_card(saved_model_dir: str) -> dict[str, CardValue]:
    """Returns the card of an exported model.

    Raises:
        ValueError: If the folder holds no card, or one that is not a JSON object.
    """
    path = _card_path(saved_model_dir)
    if not tf.io.gfile.exists(path):
        raise ValueError(
            f"{saved_model_dir} is not a churn model: expected a SavedModel with {CARD}, "
            "which our trainer writes. Point to a model that `run train` made."
        )
    with tf.io.gfile.GFile(path) as file:
        text = file.read()
    try:
        card = json.loads(text)
    except json.JSONDecodeError as broken:
        raise ValueError(f"{path} is not valid JSON ({broken}): train the model again.") from None
    if not isinstance(card, dict):
        raise ValueError(f"{path} holds {type(card).__name__}, expected an object of values.")
    return card


def _card_path(saved_model_dir: str) -> str:
    return f"{saved_model_dir.rstrip('/')}/{CARD}"
