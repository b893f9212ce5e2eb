"""Scores serialized examples with an exported model, and reads its vocabularies."""

import functools
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.reasons.explainer import REASON_FACT_WORDS, REASON_FACTS, REASON_GROUPS
from serving_model.served.interface import (
    BASE_LOG_ODDS,
    CONTRIBUTIONS,
    EXPLAIN,
    FACT_WORDS,
    FACTS,
    HORIZON_PROBABILITIES,
    PROBABILITY,
    SCORE_FEATURES,
    SERVING,
)
from serving_model.served.model_card import CardValue, read_card
from serving_model.served.session import ModelSession
from serving_model.served.tensorflow_variables import set_tensorflow_variables
from transforms.account_features import FEATURES
from transforms.event_spec import ACCOUNT_ID
from transforms.vocabularies import ACCOUNT_VOCABULARIES, EVENT_VOCABULARIES

HORIZONS: Final = "churn_horizons"
SCORE_BATCH: Final = 1024
EXPLAIN_BATCH: Final = 1024
FEATURE_BATCH: Final = 4096
_LOADING: Final = threading.Lock()
"""One model at a time: a caller that needs one that is being loaded waits for it."""
_AT_ONCE: Final = 2
"""Batches that are asked about at a time: most operations of one keep a single processor busy."""


class Answer(NamedTuple):
    """Answers to n examples, in the order given."""

    accounts: NDArray[np.str_]
    probabilities: NDArray[np.float64]
    horizon_probabilities: NDArray[np.float64]
    """[n, K], one for each of `ModelScorer.horizons`."""


class Explanation(NamedTuple):
    """Answers to n examples with their reasons, in the order given."""

    accounts: NDArray[np.str_]
    probabilities: NDArray[np.float64]
    horizon_probabilities: NDArray[np.float64]
    """[n, K], one for each of `ModelScorer.horizons`."""
    base_log_odds: NDArray[np.float64]
    """[n]: plus the sum of an account's contributions, the log-odds of its probability."""
    contributions: NDArray[np.float64]
    """[n, groups], in log-odds."""
    facts: NDArray[np.float64]
    """[n, facts], counts and days, see `transforms.reason_facts.fact_names`."""
    fact_words: NDArray[np.object_]
    """[n, words], str, see `transforms.reason_facts.fact_word_names`."""
    groups: tuple[str, ...]
    """Names of the columns of `contributions`, as the model's card has them."""
    fact_names: tuple[str, ...]
    fact_word_names: tuple[str, ...]


class ModelScorer:
    """An exported churn model, loaded once and called in batches.

    Args:
        saved_model_dir: Folder of a SavedModel that our trainer wrote.
        few_at_a_time: Whether it will be asked about few examples at a time, as a server does:
            the same answers, but a call costs less and the first ones more.

    Raises:
        ValueError: If the folder is not one of our models, naming what it lacks.
    """

    def __init__(self, saved_model_dir: str | Path, *, few_at_a_time: bool = False) -> None:
        directory = str(saved_model_dir)
        self._card = read_card(directory)
        # Kept: signatures hold their variables weakly.
        self._model = _loaded(directory, few_at_a_time)
        self._signature = _serving_signature(self._model, directory)

    @property
    def card(self) -> dict[str, CardValue]:
        """How the model came about: what was handed to the trainer, and what it found."""
        return dict(self._card)

    @property
    def signatures(self) -> Mapping[str, Any]:
        """The signatures of the SavedModel, by name, for callers that have tensors of their own."""
        found: Mapping[str, Any] = self._model.signatures
        return found

    @property
    def horizons(self) -> tuple[int, ...]:
        """Days of the columns of `horizon_probabilities`, as the card has them."""
        return tuple(int(days) for days in str(self._card[HORIZONS]).split(","))

    def score(self, serialized: Sequence[bytes]) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
        """Scores examples.

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
            accounts += [one.decode("utf-8") for one in np.asarray(answer[ACCOUNT_ID])[:, 0]]
            probabilities.append(np.asarray(answer[PROBABILITY])[:, 0].astype(np.float64))
        return np.array(accounts, dtype=np.str_), np.concatenate(probabilities)

    def score_horizons(self, serialized: Sequence[bytes]) -> dict[int, NDArray[np.float64]]:
        """Scores examples at every horizon.

        Args:
            serialized: As for `score`.

        Returns:
            Probabilities of churn within each of `horizons`, by days, float64 [n] each.
        """
        starts = range(0, len(serialized), SCORE_BATCH)
        found = self.score_batches(
            tf.constant(list(serialized[start : start + SCORE_BATCH]), tf.string)
            for start in starts
        ).horizon_probabilities
        return dict(zip(self.horizons, found.T, strict=True))

    def score_features(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores transformed features, such as nobody may have.

        Args:
            features: As the Transform graph of the model gives them, [n, columns].

        Returns:
            Probabilities of churn, [n], in the order given.

        Raises:
            ValueError: If the model has no signature for that.
        """
        signature = self._signature_of(SCORE_FEATURES)
        probabilities = [np.empty(0)]
        for start in range(0, len(features), FEATURE_BATCH):
            batch = tf.constant(features[start : start + FEATURE_BATCH])
            answer = signature(**{FEATURES: batch})[PROBABILITY]
            probabilities.append(np.asarray(answer)[:, 0].astype(np.float64))
        return np.concatenate(probabilities)

    def explain(self, serialized: Sequence[bytes]) -> Explanation:
        """Scores examples and says why.

        Args:
            serialized: As for `score`.

        Raises:
            ValueError: If the model has no signature for that.
        """
        starts = range(0, len(serialized), EXPLAIN_BATCH)
        return self.explain_batches(
            tf.constant(list(serialized[start : start + EXPLAIN_BATCH]), tf.string)
            for start in starts
        )

    def score_batches(self, batches: Iterable[tf.Tensor | NDArray[np.object_]]) -> Answer:
        """Scores batches of examples.

        Args:
            batches: Serialized examples as for `score`, string [batch] each; for a scorer of few at
                a time they may be arrays of objects.
        """
        found = _asked(self._signature, batches)
        return Answer(
            accounts=_account_ids(found),
            probabilities=found[PROBABILITY][:, 0].astype(np.float64),
            horizon_probabilities=found[HORIZON_PROBABILITIES].astype(np.float64),
        )

    def explain_batches(self, batches: Iterable[tf.Tensor | NDArray[np.object_]]) -> Explanation:
        """Scores batches of examples and says why.

        Args:
            batches: Serialized examples as for `score`, string [batch] each; for a scorer of few at
                a time they may be arrays of objects.

        Raises:
            ValueError: If the model has no signature for that.
        """
        signature = self._signature_of(EXPLAIN)
        found = _asked(signature, batches)
        return Explanation(
            accounts=_account_ids(found),
            probabilities=found[PROBABILITY][:, 0].astype(np.float64),
            horizon_probabilities=found[HORIZON_PROBABILITIES].astype(np.float64),
            base_log_odds=found[BASE_LOG_ODDS][:, 0].astype(np.float64),
            contributions=found[CONTRIBUTIONS].astype(np.float64),
            facts=found[FACTS].astype(np.float64),
            fact_words=decoded(found[FACT_WORDS]),
            groups=self._names(REASON_GROUPS),
            fact_names=self._names(REASON_FACTS),
            fact_word_names=self._names(REASON_FACT_WORDS),
        )

    def _names(self, columns: str) -> tuple[str, ...]:
        return tuple(str(self._card[columns]).split(","))

    def _signature_of(self, name: str) -> Any:
        if name not in self._model.signatures:
            raise ValueError(
                f"The model {self._card.get('model_version', '')} has the signatures "
                f"{sorted(self._model.signatures)}, expected {name!r} too. Score with a model that "
                "`tens-insight run train` made."
            )
        return self._model.signatures[name]


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")


def decoded(values: NDArray[np.object_]) -> NDArray[np.object_]:
    """Returns texts of bytes, in the same shape."""
    # Few are different: each is decoded once.
    codes = pa.array(values.ravel(), pa.binary()).dictionary_encode()
    known = np.array([_text(one) for one in codes.dictionary.to_pylist()], dtype=object)
    texts: NDArray[np.object_] = known[codes.indices.to_numpy()]
    return texts.reshape(values.shape)


def _account_ids(found: Mapping[str, NDArray[Any]]) -> NDArray[np.str_]:
    return np.array([_text(one) for one in found[ACCOUNT_ID][:, 0]], dtype=np.str_)


def _asked(
    signature: Any, batches: Iterable[tf.Tensor | NDArray[np.object_]]
) -> dict[str, NDArray[Any]]:
    """Asks a signature about batches, several at a time, and joins the answers in their order."""
    if isinstance(batches, list) and len(batches) == 1:  # as a server does: no thread is needed
        return _as_numpy(signature(examples=batches[0]))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda batch: _as_numpy(signature(examples=batch)), batches))
    if not answers:
        answers = [_as_numpy(signature(examples=tf.constant([], tf.string)))]
    return {name: np.concatenate([one[name] for one in answers]) for name in answers[0]}


def _as_numpy(answer: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(value) for name, value in answer.items()}


def _loaded(directory: str, few_at_a_time: bool) -> Any:
    try:
        written = tf.io.gfile.stat(str(Path(directory) / "saved_model.pb")).mtime_nsec
        with _LOADING:
            if few_at_a_time:
                set_tensorflow_variables()
                return ModelSession(directory)
            return _model_of(directory, written)
    except (OSError, tf.errors.NotFoundError) as broken:
        raise ValueError(f"{directory} holds no readable SavedModel: {broken}") from broken


@functools.lru_cache(maxsize=6)
def _model_of(directory: str, written: int) -> Any:
    """Loads a SavedModel, which takes seconds, once for all nodes of a run that ask it.

    Six are kept: challenger, champion, the second model of a split, and three in shadow.
    """
    set_tensorflow_variables()
    return tf.saved_model.load(directory)


def forget_models() -> None:
    """Lets go of loaded models: each goes when the last ModelScorer of it does.

    For a process that asks one model for long, and then another.
    """
    _model_of.cache_clear()


def _serving_signature(model: Any, directory: str) -> Any:
    found = sorted(model.signatures)
    if SERVING not in found:
        raise ValueError(f"{directory} has the signatures {found}, expected {SERVING!r} too.")
    signature = model.signatures[SERVING]
    outputs = sorted(signature.structured_outputs)
    expected = sorted((ACCOUNT_ID, PROBABILITY))
    if not {*expected} <= {*outputs}:
        raise ValueError(f"{directory}: {SERVING!r} answers with {outputs}, expected {expected}.")
    return signature


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
