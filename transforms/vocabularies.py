"""What the account speaks about, and where: counts over words of open sets."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from transforms import event_spec as spec
from transforms.blocks import Block, block, columns
from transforms.columns import CUSTOMER_TIER, PRODUCT_AREA, REGION, SOURCE, TOPIC, Column
from transforms.history import History
from transforms.normalisation import normalised

FRESH_DAYS: Final = 30.0


class Vocabulary(NamedTuple):
    """The words of one column of feedback that get a feature of their own."""

    column: Column
    size: int
    """The most frequent words kept; all others share one more column, the last."""
    reason: str
    """The reason group that its features belong to, see reason_groups."""
    facets: tuple[str, ...] = ()
    """What is computed per word: of "count", "negative" and "fresh"."""

    @property
    def slots(self) -> int:
        """Number of columns."""
        return self.size + 1


def _by_label(*vocabularies: Vocabulary) -> Mapping[str, Vocabulary]:
    return {words.column.label: words for words in vocabularies}


EVENT_VOCABULARIES: Final = _by_label(
    Vocabulary(PRODUCT_AREA, 12, "product_areas", ("count", "negative", "fresh")),
    Vocabulary(SOURCE, 10, "channels", ("count", "fresh")),
    Vocabulary(TOPIC, 24, "topics", ("count",)),
)
ACCOUNT_VOCABULARIES: Final = _by_label(
    Vocabulary(CUSTOMER_TIER, 8, "tier"),
    Vocabulary(REGION, 12, "region"),
)
VOCABULARIES: Final = {**EVENT_VOCABULARIES, **ACCOUNT_VOCABULARIES}


def event_slots(inputs: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, tf.Tensor]:
    """Returns the slot of each event's area, source and topic, int64 [events] each.

    Args:
        inputs: Raw features by name.
        files: Path of the file of words, by name of EVENT_VOCABULARIES.
    """
    return {
        name: slots_in(files[name], spelled_words(inputs, words.column), words.size)
        for name, words in EVENT_VOCABULARIES.items()
    }


def life_source_slots(inputs: Mapping[str, Any], files: Mapping[str, str]) -> tf.Tensor:
    """Returns the slot of each source that an account ever wrote through, int64 [sources].

    Args:
        inputs: Raw features by name.
        files: Path of the file of words, by name of EVENT_VOCABULARIES.
    """
    words = EVENT_VOCABULARIES[SOURCE.label]
    return slots_in(files[SOURCE.label], inputs[spec.LIFE_SOURCE].values, words.size)


def account_one_hots(inputs: Mapping[str, Any], files: Mapping[str, str]) -> Block:
    """Returns tier and region as one-hot columns, float64 [batch, slots].

    Args:
        inputs: Raw features by name.
        files: Path of the file of words, by name of ACCOUNT_VOCABULARIES.
    """
    names, values = [], []
    for name, words in ACCOUNT_VOCABULARIES.items():
        slot = slots_in(files[name], spelled_words(inputs, words.column), words.size)
        values.append(tf.one_hot(slot, words.slots, dtype=tf.float64))
        names += slot_names(name, words.slots)
    return block(names, tf.concat(values, axis=1))


def slot_names(name: str, slots: int) -> list[str]:
    """Returns the column names of one vocabulary; the last is that of all other words."""
    return [f"{name}[{slot}]" for slot in range(slots)]


def slot_blocks(history: History, slots: Mapping[str, tf.Tensor]) -> list[Block]:
    """Returns counts, freshness and spread over areas, sources and topics.

    Args:
        history: The batch.
        slots: By name of EVENT_VOCABULARIES, the slot of each event, int64 [events].

    Returns:
        Blocks of finite values, for accounts without a single event too.
    """
    return [
        one
        for name, words in EVENT_VOCABULARIES.items()
        for one in _blocks_of(history, name, slots[name])
    ]


def _blocks_of(history: History, name: str, slot: tf.Tensor) -> list[Block]:
    words = EVENT_VOCABULARIES[name]
    count, negative, fresh = tf.unstack(_cells(history, slot, words.slots), axis=2)
    facets = {
        "count": block(slot_names(name, words.slots), tf.math.log1p(count)),
        "negative": block(slot_names(f"{name}_negative", words.slots), tf.math.log1p(negative)),
        "fresh": block(slot_names(f"{name}_fresh", words.slots), fresh),
    }
    return [*(facets[facet] for facet in words.facets), _spread(name, count)]


def _cells(history: History, slot: tf.Tensor, depth: int) -> tf.Tensor:
    """Events, negative ones, and how fresh the newest is: [batch, depth, 3]."""
    cells, cell = history.batch() * depth, history.rows * depth + slot
    marks = tf.stack([tf.ones_like(history.age), history.negative], axis=1)
    sums = tf.math.unsorted_segment_sum(marks, cell, cells)
    fading = tf.exp(-history.age / FRESH_DAYS)
    fresh = tf.nn.relu(tf.math.unsorted_segment_max(fading, cell, cells))
    together = tf.concat([sums, fresh[:, None]], axis=1)
    return tf.reshape(together, [-1, depth, 3])


def _spread(name: str, count: tf.Tensor) -> Block:
    share = tf.math.divide_no_nan(count, tf.reduce_sum(count, axis=1, keepdims=True))
    entropy = -tf.reduce_sum(tf.math.xlogy(share, share), axis=1)
    distinct = tf.reduce_sum(tf.sign(count), axis=1)
    return columns(**{f"{name}_entropy": entropy, f"{name}_distinct": distinct})


def spelled_words(inputs: Mapping[str, Any], column: Column) -> tf.Tensor:
    """Returns the words of a column as they are spelled: string [events], or [batch]."""
    values = inputs[column.feature]
    return tf.reshape(values, [-1]) if column.of_account else values.values


def slots_in(vocabulary: str | tf.Tensor, values: tf.Tensor, size: int) -> tf.Tensor:
    """Returns the slot of each word, int64 [n]; `size` for words outside the vocabulary.

    Args:
        vocabulary: Path of a file of words as `normalised` writes them.
        values: Words as they are spelled, string [n].
        size: Slot of all other words, however short the vocabulary is.
    """
    return _each_once(
        lambda spellings: tft.apply_vocabulary(
            normalised(spellings), vocabulary, default_value=size
        ),
        values,
    )


def _each_once(function: Callable[[tf.Tensor], tf.Tensor], values: tf.Tensor) -> tf.Tensor:
    """Applies a function to each spelling once: a batch has many events and few of them."""
    spellings, place = tf.unique(values)
    return tf.gather(function(spellings), place)
