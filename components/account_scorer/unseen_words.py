"""How much of what is scored are words that the champion does not know."""

import json
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from absl import logging
from tfx import types

from components.feedback_example_gen.word_counts import read_word_counts, words_of
from components.registry.metadata_text import without_backslash
from serving_model.served.model_words import read_vocabularies
from transforms.vocabularies import VOCABULARIES
from transforms.words import normalised

_NAMED: Final = 3


def describe_unseen_words(scores: types.Artifact, examples: types.Artifact, model_uri: str) -> None:
    """Records the share of words outside the model's vocabularies in the score split.

    Such a word was never seen in training or is too rare to have a slot; the model
    counts it with all other words. A model without a vocabulary file is logged.

    Args:
        scores: PublishedScores; gets for each of VOCABULARIES the property
            unseen_<name>_share, in [0, 1], of events (tier and region: of accounts), and
            where it is not 0 unseen_<name>_examples, a JSON list of the most frequent, see
            metadata_text.
        examples: The Examples that were scored, with their counts of words.
        model_uri: Folder of the SavedModel.
    """
    words, vocabularies = read_word_counts(examples.uri), read_vocabularies(model_uri)
    for name, own in VOCABULARIES.items():
        if name not in vocabularies:
            logging.warning("%s has no vocabulary %r: unseen words not counted", model_uri, name)
            continue
        share, named = unseen_words(words, own.column.name, vocabularies[name])
        scores.set_float_custom_property(f"unseen_{name}_share", share)
        if named:
            text = json.dumps(named, ensure_ascii=False)
            scores.set_string_custom_property(f"unseen_{name}_examples", without_backslash(text))


def unseen_words(
    words: pa.Table, column: str, vocabulary: frozenset[bytes]
) -> tuple[float, list[str]]:
    """Returns the share of a column's events outside a vocabulary, and the commonest words.

    Args:
        words: As read_word_counts returns them. What its null line counts is outside.
        column: One of the open sets.
        vocabulary: Normalised words.
    """
    values, scored = words_of(words, column, "scored")
    own = words.filter(pa.compute.equal(words["column"], column))
    total = pa.compute.sum(own["scored"]).as_py() or 0
    spelled = normalised(values).numpy().tolist()
    known = np.array([word in vocabulary for word in spelled], dtype=bool)
    unseen: dict[str, int] = {}
    for place in np.flatnonzero(~known & (scored > 0)):
        word = spelled[place].decode("utf-8", "replace")[:40]
        unseen[word] = unseen.get(word, 0) + int(scored[place])
    named = sorted(unseen, key=lambda word: (-unseen[word], word))[:_NAMED]
    return (1 - int(scored[known].sum()) / total if total else 0.0), named
