"""Finds in the training examples what the features need to know of all of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from components.feedback_example_gen.example_batches import example_batches, example_files
from transforms import event_spec as spec
from transforms.account_features import account_features
from transforms.analysis import (
    Moments,
    add_words,
    batch_moments,
    count_spellings,
    word_files,
    write_moments,
    write_words,
)
from transforms.history import history_of
from transforms.lifetime import life_of
from transforms.vocabularies import VOCABULARIES, event_slots


def analyse(splits: Sequence[str], folder: str, critical_priority: int) -> None:
    """Writes the vocabularies and moments of training examples into a folder.

    Memory is that of a batch, whatever the number of examples.

    Args:
        splits: Folders of gzipped TFRecords of tf.Examples.
        folder: For transforms.analysis.Analysis.
        critical_priority: Lowest priority that is critical, 1..5.

    Raises:
        ValueError: The splits hold no example.
    """
    files = example_files(splits)
    raw = spec.raw_feature_spec(with_label=False)
    spelled = {words.column.feature: raw[words.column.feature] for words in VOCABULARIES.values()}

    @_of_serialized
    def spellings(batch: tf.Tensor) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        return count_spellings(tf.io.parse_example(batch, spelled))

    @_of_serialized
    def moments(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        inputs = tf.io.parse_example(batch, raw)
        history = history_of(inputs, critical_priority)
        life, slots = life_of(inputs, paths), event_slots(inputs, paths)
        return batch_moments(account_features(history, life, slots)[0])

    words: dict[str, Counter[bytes]] = {name: Counter() for name in VOCABULARIES}
    for batch in example_batches(files):
        add_words(words, spellings(tf.constant(batch)))
    if not any(words.values()):
        raise ValueError(f"The training files hold no example: {files}. Did ExampleGen run?")
    write_words(folder, words)
    paths = word_files(folder)
    total: Moments | None = None
    for batch in example_batches(files):
        mean, variance = moments(tf.constant(batch))
        found = Moments(len(batch), mean.numpy(), variance.numpy())
        total = total.joined(found) if total else found
    assert total is not None
    write_moments(folder, total)


def _of_serialized(function: Callable[[tf.Tensor], Any]) -> Callable[[tf.Tensor], Any]:
    """Traces a function of serialized examples once, for batches of any size."""
    examples = tf.TensorSpec([None], tf.string)
    traced: Callable[[tf.Tensor], Any] = tf.function(
        function, input_signature=[examples], autograph=False
    )
    return traced
