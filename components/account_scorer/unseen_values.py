"""How much of what is scored are words that the champion does not know."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from absl import logging

from components.feedback_example_gen.category_values import read_value_counts, values_of
from components.registry.published_properties import UnseenValues
from serving_model.served.predict import read_vocabularies
from transforms.normalisation import normalised
from transforms.vocabularies import VOCABULARIES

_NAMED: Final = 3


def count_unseen_values(examples_uri: str, model_uri: str) -> dict[str, UnseenValues]:
    """Returns the words outside the model's vocabularies in the score split.

    Such a word was never seen in training or is too rare to have a slot; the model
    counts it with all other words. A model without a vocabulary file is logged.

    Args:
        examples_uri: Folder of the Examples that were scored, with their counts of words.
        model_uri: Folder of the SavedModel.
    """
    words, vocabularies = read_value_counts(examples_uri), read_vocabularies(model_uri)
    found = {}
    for name, own in VOCABULARIES.items():
        if name not in vocabularies:
            logging.warning("%s has no vocabulary %r: unseen words not counted", model_uri, name)
            continue
        share, named = unseen_values(words, own.column.name, vocabularies[name])
        found[name] = UnseenValues(share, tuple(named) or None)
    return found


def unseen_values(
    words: pa.Table, column: str, vocabulary: frozenset[bytes]
) -> tuple[float, list[str]]:
    """Returns the share of a column's events outside a vocabulary, and the commonest words.

    Args:
        words: As read_value_counts returns them. What its null line counts is outside.
        column: One of the open sets.
        vocabulary: Normalised words.
    """
    values, scored = values_of(words, column, "scored")
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
