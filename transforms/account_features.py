"""preprocessing_fn: from one account's raw events to the columns that the model reads.

Training, batch scoring and serving run this one graph, so they cannot disagree.
"""

import functools
from collections.abc import Mapping
from typing import Any, Final

import tensorflow as tf
import tensorflow_transform as tft

from transforms import event_spec as spec
from transforms.analysis import Analysis, z_scores
from transforms.blocks import concatenate
from transforms.history import History, history_of, no_history
from transforms.lifetime import Life, life_of, lifetime_blocks, no_life
from transforms.rhythm import rhythm_blocks
from transforms.thresholds import CRITICAL_PRIORITY
from transforms.vocabularies import (
    ACCOUNT_VOCABULARIES,
    EVENT_VOCABULARIES,
    account_one_hots,
    event_slots,
    slot_blocks,
    slot_names,
)
from transforms.windows import window_blocks

FEATURES: Final = "features"
"""float32 [batch, len(feature_names())]: the model's input."""

ANALYSIS: Final = "analysis"
"""In custom_config: the folder of what was found in the training examples (`analysis.Analysis`)."""

BUCKET_EDGES: Final[Mapping[str, tuple[float, ...]]] = {
    "tenure": (14, 30, 60, 120, 240, 480, 960),
    "silence": (2, 5, 10, 20, 40, 80, 160),
}
"""Days, each about twice the one before. Fixed: the sketch behind tf.Transform's quantiles gave
other edges in one run of four on the same data, and so another model."""
LARGEST_SCORE: Final = 6.0
"""z-scores are cut here: a word seen once in training must not swamp the rest."""


def preprocessing_fn(
    inputs: Mapping[str, Any], custom_config: Mapping[str, Any]
) -> dict[str, tf.Tensor]:
    """Turns raw examples into features; tf.Transform calls it.

    It holds none of tf.Transform's analyzers: what it must know of all examples was found
    before, so that one trace is enough.

    Args:
        inputs: Raw features by name as `raw_feature_spec` describes them: scalars
            [batch] or [batch, 1], event lists as SparseTensor. The labels may be absent.
        custom_config: Holds ANALYSIS, and may hold `critical_priority`, the lowest priority
            that is critical, 1..5.

    Returns:
        `features` float32 [batch, len(feature_names())], `account_id` string [batch],
        `cutoff` int64 [batch] and, if they came in, `churned` int64 [batch], `days_to_churn`
        and `days_observed` float32 [batch], as they are.
    """
    analysis = Analysis.read(custom_config[ANALYSIS])
    history = history_of(inputs, critical_priority_of(custom_config))
    life = life_of(inputs, analysis.files)
    matrix, _ = account_features(history, life, event_slots(inputs, analysis.files))
    scores = tf.cast(z_scores(matrix, analysis), tf.float32)
    scores = tf.clip_by_value(scores, -LARGEST_SCORE, LARGEST_SCORE)
    one_hots = tf.cast(account_one_hots(inputs, analysis.files).values, tf.float32)
    features = tf.concat([scores, one_hots, age_buckets(history)], axis=1)
    kept = (spec.ACCOUNT_ID, spec.CUTOFF, *spec.LABELS)
    passed = {name: tf.reshape(inputs[name], [-1]) for name in kept if name in inputs}
    return {FEATURES: tf.ensure_shape(features, [None, len(feature_names())]), **passed}


def critical_priority_of(config: Mapping[str, Any] | None) -> int:
    """Returns `critical_priority` of a custom_config, or the default, 1..5."""
    return int((config or {}).get("critical_priority", CRITICAL_PRIORITY))


def account_features(
    history: History, life: Life, slots: Mapping[str, tf.Tensor]
) -> tuple[tf.Tensor, tuple[str, ...]]:
    """Computes every engineered feature of a batch, before it is scaled.

    Args:
        history: The batch, `events` events in all.
        life: Of the same accounts.
        slots: By name of EVENT_VOCABULARIES, the slot of each event, int64 [events].

    Returns:
        float64 [batch, F], finite everywhere, and the F names.
    """
    blocks = [
        *window_blocks(history),
        *rhythm_blocks(history),
        *lifetime_blocks(history, life),
        *slot_blocks(history, slots),
    ]
    features = concatenate(blocks)
    return features.values, features.names


@functools.cache
def feature_names() -> tuple[str, ...]:
    """Returns the name of each column of `features`, in order.

    A vocabulary's columns are "area[0]" and so on by falling frequency, the last for
    all other words; the vocabulary files of the Transform graph say which word is which.
    """
    with tf.Graph().as_default():
        slots = {name: tf.zeros([0], tf.int64) for name in EVENT_VOCABULARIES}
        _, engineered = account_features(no_history(), no_life(), slots)
    one_hots = [
        n for name, words in ACCOUNT_VOCABULARIES.items() for n in slot_names(name, words.slots)
    ]
    buckets = [
        n
        for name, edges in BUCKET_EDGES.items()
        for n in slot_names(f"{name}_bucket", len(edges) + 1)
    ]
    return (*engineered, *one_hots, *buckets)


def age_buckets(history: History) -> tf.Tensor:
    """Returns the buckets of tenure and silence, one-hot: float32 [batch, 16].

    A bucket holds its lower edge, and not its upper one.
    """
    days = {"tenure": history.tenure, "silence": history.silence}
    one_hots = [
        tf.one_hot(tft.apply_buckets(tf.cast(days[name], tf.float32), [edges]), len(edges) + 1)
        for name, edges in BUCKET_EDGES.items()
    ]
    return tf.concat(one_hots, axis=1)
