"""Scores serialized snapshots with an exported model, as batch jobs do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.model_card import CardValue, read_card
from serving_model.signatures import HORIZON_PROBABILITIES, PROBABILITY, SERVING
from transforms.event_spec import ACCOUNT_ID

SCORE_BATCH: Final = 1024


class ModelScorer:
    """An exported churn model, loaded once and called in batches.

    Args:
        saved_model_dir: Folder of a SavedModel that our trainer wrote.

    Raises:
        ValueError: If the folder is not one of our models, naming what it lacks.
    """

    def __init__(self, saved_model_dir: str | Path) -> None:
        directory = str(saved_model_dir)
        self._card = read_card(directory)
        self._model = _loaded(directory)  # kept: signatures hold their variables weakly
        self._signature = _serving_signature(self._model, directory)

    @property
    def card(self) -> dict[str, CardValue]:
        """How the model came about: what was handed to the trainer, and what it found."""
        return dict(self._card)

    def score(self, serialized: Sequence[bytes]) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
        """Scores snapshots.

        Args:
            serialized: n serialized tf.Examples of `raw_feature_spec(with_label=False)`.

        Returns:
            Account ids, str [n], and probabilities of churn, float64 [n], in the order given.
        """
        accounts: list[str] = []
        probabilities: list[NDArray[np.float64]] = [np.empty(0)]
        for start in range(0, len(serialized), SCORE_BATCH):
            batch = tf.constant(list(serialized[start : start + SCORE_BATCH]), tf.string)
            answer = self._signature(examples=batch)
            accounts += [one.decode("utf-8") for one in answer[ACCOUNT_ID].numpy()[:, 0]]
            probabilities.append(answer[PROBABILITY].numpy()[:, 0].astype(np.float64))
        return np.array(accounts, dtype=np.str_), np.concatenate(probabilities)


def _loaded(directory: str) -> Any:
    try:
        return tf.saved_model.load(directory)
    except OSError as broken:
        raise ValueError(f"{directory} holds no readable SavedModel: {broken}") from broken


def _serving_signature(model: Any, directory: str) -> Any:
    found = sorted(model.signatures)
    if SERVING not in found:
        raise ValueError(f"{directory} has the signatures {found}, expected {SERVING!r} too.")
    signature = model.signatures[SERVING]
    outputs = sorted(signature.structured_outputs)
    expected = sorted((ACCOUNT_ID, PROBABILITY, HORIZON_PROBABILITIES))
    if outputs != expected:
        raise ValueError(f"{directory}: {SERVING!r} answers with {outputs}, expected {expected}.")
    return signature
