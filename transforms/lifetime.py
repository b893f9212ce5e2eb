"""What the whole life shows, beyond the lists of events: event days, tones, half a year, sources.

An account that writes three rows on one day came once: days with an event, and the gaps between
them, are the visits that models of repeat buying count (Fader, Hardie and Lee 2005, "Counting your
customers the easy way"). None of this ends with the lookback.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import tensorflow as tf

from transforms import event_spec as spec
from transforms.blocks import Block, block, columns
from transforms.history import History, scalar
from transforms.rhythm import PACE_PRIOR_DAYS
from transforms.vocabularies import EVENT_VOCABULARIES, life_source_slots, slot_names

SOURCES: Final = "source"
"""Name of the vocabulary that the sources of a life are words of."""
HALF_YEAR: Final = f"{spec.HALF_YEAR_DAYS}d"


class Life(NamedTuple):
    """What `batch` accounts did in their whole lives, as float64."""

    event_days: tf.Tensor
    """[batch]: calendar days with an event."""
    day_gaps: tf.Tensor
    """[batch, 3]: days between neighbouring event days, as event_spec.DAY_GAPS."""
    since_tone: tf.Tensor
    """[batch, 3]: days since the newest event of each of event_spec.TONES; below 0 for never."""
    half_year: tf.Tensor
    """[batch, 3]: events within 180 days; negative ones; positive ones."""
    source_rows: tf.Tensor
    """int64 [sources]: the account that each source of an account belongs to, ascending."""
    source_slot: tf.Tensor
    """int64 [sources]: the slot of its word."""
    source_count: tf.Tensor
    """[sources]: events ever through it."""
    since_source: tf.Tensor
    """[sources]: days since the newest of them."""


def no_life() -> Life:
    """Returns a batch of no accounts."""
    number, row = tf.zeros([0], tf.float64), tf.zeros([0], tf.int64)
    three = tf.zeros([0, 3], tf.float64)
    return Life(number, three, three, three, row, row, number, number)


def life_of(inputs: Mapping[str, Any], files: Mapping[str, str]) -> Life:
    """Takes the lives from parsed examples.

    Args:
        inputs: Raw features by name: scalars as tensors of [batch] or [batch, 1], lists of
            sources as SparseTensor of [batch, longest list], all of the same lengths.
        files: Path of the file of words, by name of EVENT_VOCABULARIES.
    """
    since = [tf.cast(tf.reshape(inputs[name], [-1]), tf.float64) for name in spec.DAYS_SINCE_TONE]
    counts: tf.SparseTensor = inputs[spec.LIFE_SOURCE_COUNT]
    return Life(
        event_days=scalar(inputs, spec.EVENT_DAYS),
        day_gaps=tf.stack([scalar(inputs, name) for name in spec.DAY_GAPS], axis=1),
        since_tone=tf.stack(since, axis=1),
        half_year=tf.stack([scalar(inputs, name) for name in spec.HALF_YEAR_COUNTS], axis=1),
        source_rows=counts.indices[:, 0],
        source_slot=life_source_slots(inputs, files),
        source_count=tf.nn.relu(tf.cast(counts.values, tf.float64)),
        since_source=tf.nn.relu(tf.cast(inputs[spec.DAYS_SINCE_SOURCE].values, tf.float64)),
    )


def lifetime_blocks(history: History, life: Life) -> list[Block]:
    """Returns event days and their gaps, recency by tone and source, the pace of half a year.

    Args:
        history: The batch.
        life: Of the same accounts.

    Returns:
        Blocks of finite values, for accounts without a single event too.
    """
    return [
        _event_days(history, life),
        _since_tone(history, life),
        _half_year_pace(history, life),
        *_by_source(history, life),
    ]


def _event_days(history: History, life: Life) -> Block:
    """Event days, the gaps between them, and how long the silence is by their measure."""
    days, silence = life.event_days, tf.math.log1p(history.silence)
    active = tf.nn.relu(history.tenure - history.silence)
    several = days >= 2
    mean = tf.where(several, active / tf.maximum(days - 1, 1), history.tenure)
    typical, longest, deviation = tf.unstack(life.day_gaps, axis=1)
    typical, longest = (tf.where(several, gap, history.tenure) for gap in (typical, longest))
    pace = days / (history.tenure + PACE_PRIOR_DAYS)
    overdue = tf.nn.relu(history.silence - mean) / (deviation + 1)
    return columns(
        event_days=tf.math.log1p(days),
        events_a_day=tf.math.log1p(tf.math.divide_no_nan(history.lifetime[:, 0], days)),
        day_gap_mean=tf.math.log1p(mean),
        day_gap_typical=tf.math.log1p(typical),
        day_gap_longest=tf.math.log1p(longest),
        day_gap_spread=tf.math.log1p(deviation),
        day_pace=tf.math.log1p(PACE_PRIOR_DAYS * pace),
        missed_days=tf.math.log1p(history.silence * pace),
        overdue_days=tf.math.log1p(overdue),
        silence_to_mean_day_gap=silence - tf.math.log1p(mean),
        silence_to_typical_day_gap=silence - tf.math.log1p(typical),
        silence_to_longest_day_gap=silence - tf.math.log1p(longest),
    )


def _half_year_pace(history: History, life: Life) -> Block:
    """Events per 30 days of half a year, or of the life where that is shorter.

    Counts alone would say how old the record is: at the first cutoffs of a young one nobody has
    half a year behind it.
    """
    covered = tf.minimum(history.tenure, float(spec.HALF_YEAR_DAYS)) + PACE_PRIOR_DAYS
    paces = PACE_PRIOR_DAYS * life.half_year / covered[:, None]
    names = (f"{what}_{HALF_YEAR}" for what in ("pace", "negative_pace", "positive_pace"))
    return block(names, tf.math.log1p(paces))


def _since_tone(history: History, life: Life) -> Block:
    """Days since the newest event of each tone; what never happened is as old as the account."""
    tenure = history.tenure[:, None]
    since = tf.where(life.since_tone >= 0, tf.minimum(life.since_tone, tenure), tenure)
    return block((f"since_{tone}" for tone in spec.TONES), tf.math.log1p(since))


def _by_source(history: History, life: Life) -> list[Block]:
    """Share of all events ever by source, and days since the newest; for none, the tenure."""
    depth = EVENT_VOCABULARIES[SOURCES].slots
    cells, cell = history.batch() * depth, life.source_rows * depth + life.source_slot
    count = tf.math.unsorted_segment_sum(life.source_count, cell, cells)
    since = tf.math.unsorted_segment_min(life.since_source, cell, cells)
    since = tf.minimum(tf.reshape(since, [-1, depth]), history.tenure[:, None])
    share = tf.reshape(count, [-1, depth]) / (history.lifetime[:, :1] + 1)
    return [
        block(slot_names(f"{SOURCES}_share_lifetime", depth), share),
        block(slot_names(f"{SOURCES}_since", depth), tf.math.log1p(since)),
    ]
