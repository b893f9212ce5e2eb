"""The raw numbers behind a reason: what people can count, before anything is scaled.

They are taken from the same events as the features and from no transformed column, so a
sentence made of them can be checked against the feedback itself.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import tensorflow as tf

from transforms.columns import CUSTOMER_TIER, PRODUCT_AREA, REGION, SOURCE, TOPIC
from transforms.history import History, history_of
from transforms.normalisation import normalised
from transforms.thresholds import CRITICAL_PRIORITY
from transforms.windows import within

FACT_DAYS: Final = (14, 30, 90)
FACT_COUNTS: Final = ("count", "negative", "positive", "critical")
USUAL_AFTER_DAYS: Final = 30
"""What is usual is counted in the life before these last days: a burst is no habit."""
NEWEST: Final = 5
UNKNOWN: Final = -1.0
"""What never happened in the listed events, or cannot be told yet."""

TOP_WORDS: Final[Mapping[str, str]] = {
    "top_negative_area": PRODUCT_AREA.name,
    "top_area": PRODUCT_AREA.name,
    "top_topic": TOPIC.name,
    "top_channel": SOURCE.name,
}
"""The word that most events share, in the shortest window of FACT_DAYS that holds one; the
first: most negative events, in the shortest window that holds a negative one."""


class Facts(NamedTuple):
    """Raw numbers and words of a batch."""

    numbers: tf.Tensor
    """float32 [batch, len(fact_names())], counts and days; UNKNOWN where there is none."""
    words: tf.Tensor
    """string [batch, len(fact_word_names())]; empty where there is none."""


def fact_names() -> tuple[str, ...]:
    """Returns the names of the numbers, in order.

    count_14d: events in the last 14 days, and so on for negative, positive and critical ones;
    lifetime_*: ever; listed_events: how many events the example lists;
    days_since_*: days since the newest of its kind, UNKNOWN if the example lists none
    (days_since_last is of the whole life); usual_gap: mean days between events over the
    life, UNKNOWN with fewer than two; usual_*_per_30d: events per 30 days in the life
    before the last USUAL_AFTER_DAYS, UNKNOWN while that is no longer than they are;
    newest, newest_negative, newest_positive: among the last NEWEST events; top_*_count:
    events that share the word of that name.
    """
    return (
        *(f"{what}_{days}d" for days in FACT_DAYS for what in FACT_COUNTS),
        "lifetime_count",
        "lifetime_negative",
        "lifetime_positive",
        "listed_events",
        "tenure_days",
        "days_since_last",
        "days_since_negative",
        "days_since_positive",
        "days_since_critical",
        "usual_gap",
        "usual_per_30d",
        "usual_negative_per_30d",
        "usual_positive_per_30d",
        "newest",
        "newest_negative",
        "newest_positive",
        *(f"{name}_count" for name in TOP_WORDS),
    )


def fact_word_names() -> tuple[str, ...]:
    """Returns the names of the words, in order: those of TOP_WORDS, then tier and region."""
    return (*TOP_WORDS, "tier", "region")


def reason_facts(inputs: Mapping[str, Any], critical_priority: int = CRITICAL_PRIORITY) -> Facts:
    """Counts what a batch of examples holds.

    Args:
        inputs: Raw features by name, as `history_of` takes them.
        critical_priority: Lowest priority that is critical, 1..5.

    Returns:
        The numbers and words, for accounts without a single event too.
    """
    history = history_of(inputs, critical_priority)
    marks = _marks(history)
    inside = within(history.age, FACT_DAYS)
    windows = history.total(inside[:, :, None] * marks[:, None, :])
    tops = [_top(history, name) for name in TOP_WORDS]
    numbers = [
        tf.reshape(windows, [-1, len(FACT_DAYS) * len(FACT_COUNTS)]),
        history.lifetime,
        history.total(marks[:, :1]),
        tf.stack([history.tenure, history.silence], axis=1),
        _days_since(history, marks[:, 1:]),
        _usual_gap(history)[:, None],
        _usual_rates(history, windows),
        history.total(tf.cast(history.newer < NEWEST, tf.float64)[:, None] * marks[:, :3]),
        tf.stack([top.count for top in tops], axis=1),
    ]
    account = [tf.reshape(inputs[one.feature], [-1]) for one in (CUSTOMER_TIER, REGION)]
    words = tf.stack([*(top.word for top in tops), *account], axis=1)
    numbers = tf.ensure_shape(tf.concat(numbers, axis=1), [None, len(fact_names())])
    return Facts(tf.cast(numbers, tf.float32), words)


def _marks(history: History) -> tf.Tensor:
    """1 where an event is one of FACT_COUNTS: [events, 4]."""
    one = tf.ones_like(history.age)
    return tf.stack([one, history.negative, history.positive, history.critical], axis=1)


def _days_since(history: History, marks: tf.Tensor) -> tf.Tensor:
    huge = history.age.dtype.max
    newest = history.smallest(tf.where(marks > 0, history.age[:, None], huge))
    return tf.where(newest < huge, newest, UNKNOWN)


def _usual_gap(history: History) -> tf.Tensor:
    count = history.lifetime[:, 0]
    active = tf.nn.relu(history.tenure - history.silence)
    return tf.where(count >= 2, active / tf.maximum(count - 1, 1), UNKNOWN)


def _usual_rates(history: History, windows: tf.Tensor) -> tf.Tensor:
    """Events per 30 days before the newest window of USUAL_AFTER_DAYS: [batch, 3]."""
    recent = windows[:, FACT_DAYS.index(USUAL_AFTER_DAYS), :3]
    before = history.tenure[:, None] - USUAL_AFTER_DAYS
    rate = 30 * tf.nn.relu(history.lifetime - recent) / tf.maximum(before, 1)
    return tf.where(before >= USUAL_AFTER_DAYS, rate, UNKNOWN)


def _in_shortest_window(history: History, marks: tf.Tensor) -> tf.Tensor:
    """Keeps the marks within the shortest window of the account that holds one: [events]."""
    inside = within(history.age, FACT_DAYS) * marks[:, None]
    first = tf.argmax(history.total(inside) > 0, axis=1)
    return tf.gather(inside, tf.gather(first, history.rows), axis=1, batch_dims=1)


class _Top(NamedTuple):
    word: tf.Tensor
    count: tf.Tensor


def _top(history: History, name: str) -> _Top:
    """The word of most events that count; among equals that of the newest event."""
    one = tf.ones_like(history.age)
    counted = _in_shortest_window(history, history.negative if "negative" in name else one)
    spellings, spelling = tf.unique(history.columns[TOP_WORDS[name]])
    words, word = tf.unique(normalised(spellings))
    word = tf.cast(tf.gather(word, spelling), tf.int64)
    known = tf.size(words, tf.int64)
    pairs, pair = tf.unique(history.rows * known + word)
    account = pairs // tf.maximum(known, 1)
    count = tf.math.unsorted_segment_sum(counted, pair, tf.size(pairs))
    # Newer events come later in the list: the place of a word's newest one settles a draw.
    place = tf.range(tf.size(pair, tf.int64), dtype=tf.int64)
    newest = tf.math.unsorted_segment_max(tf.where(counted > 0, place, -1), pair, tf.size(pairs))
    most = tf.math.unsorted_segment_max(count, account, history.batch())
    leading = tf.logical_and(count > 0, tf.equal(count, tf.gather(most, account)))
    last = tf.math.unsorted_segment_max(tf.where(leading, newest, -1), account, history.batch())
    # One more word stands for none, and keeps the gather in range without any event.
    numbered = tf.concat([word, [known]], axis=0)
    chosen = tf.gather(numbered, tf.where(last >= 0, last, tf.size(word, tf.int64)))
    text = tf.gather(tf.concat([words, [""]], axis=0), chosen)
    return _Top(text, tf.nn.relu(most))
