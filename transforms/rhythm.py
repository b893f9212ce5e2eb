"""When the account speaks: recency, its own pace, and what it said last."""

from typing import Final, NamedTuple

import tensorflow as tf

from transforms.blocks import Block, block, columns
from transforms.history import History

DECAY_DAYS: Final = (7, 30, 90)
DECAYED: Final = ("count", "negative", "positive")
LAST_EVENTS: Final = 5
QUARTER_WEEKS: Final = 13
PACE_PRIOR_DAYS: Final = 30.0
"""Days added to the tenure when a pace is taken, so that a first day is no pace."""


def rhythm_blocks(history: History) -> list[Block]:
    """Returns recency, gaps, active weeks, decayed counts and the last five events.

    Args:
        history: The batch.

    Returns:
        Blocks of finite values, for accounts without a single event too.
    """
    gaps = _gaps(history)
    return [
        _recency(history),
        _gap_lengths(gaps),
        _against_own_pace(history, gaps),
        _active_weeks(history),
        _decayed(history),
        *_last_events(history),
    ]


def _recency(history: History) -> Block:
    """What never happened counts as long ago as the account is old."""
    ages = tf.where(history.critical > 0, history.age, history.age.dtype.max)
    since_critical = tf.minimum(history.smallest(ages), history.tenure)
    return columns(
        tenure=tf.math.log1p(history.tenure),
        newness_14d=tf.exp(-history.tenure / 14),
        newness_60d=tf.exp(-history.tenure / 60),
        since_last=tf.math.log1p(history.silence),
        since_critical=tf.math.log1p(since_critical),
    )


class _Gaps(NamedTuple):
    """Days between an account's events, each [batch]; the lifetime's where none is seen."""

    mean: tf.Tensor
    typical: tf.Tensor
    """Geometric mean: near the median, and linear to compute."""
    longest: tf.Tensor
    spread: tf.Tensor
    """Standard deviation; 0 with fewer than two gaps."""
    lifetime: tf.Tensor
    """Mean over the whole life; the tenure for an account with one event."""


def _gaps(history: History) -> _Gaps:
    same = tf.cast(tf.equal(history.rows[1:], history.rows[:-1]), tf.float64)
    gap = same * tf.nn.relu(history.age[:-1] - history.age[1:])
    later = history._replace(rows=history.rows[1:])
    sums = later.total(tf.stack([same, gap, tf.math.log1p(gap)], axis=1))
    count = sums[:, 0]
    mean = tf.math.divide_no_nan(sums[:, 1], count)
    off = same * tf.square(gap - tf.gather(mean, later.rows))
    variance = tf.math.divide_no_nan(later.total(off), count)
    lifetime = _lifetime_gap(history)
    typical = tf.math.expm1(tf.math.divide_no_nan(sums[:, 2], count))
    return _Gaps(
        mean=tf.where(count > 0, mean, lifetime),
        typical=tf.where(count > 0, typical, lifetime),
        longest=tf.where(count > 0, later.largest(gap), lifetime),
        spread=tf.sqrt(variance),
        lifetime=lifetime,
    )


def _lifetime_gap(history: History) -> tf.Tensor:
    count = history.lifetime[:, 0]
    active = tf.nn.relu(history.tenure - history.silence)
    return tf.where(count >= 2, active / tf.maximum(count - 1, 1), history.tenure)


def _gap_lengths(gaps: _Gaps) -> Block:
    return block((f"gap_{name}" for name in gaps._fields), tf.math.log1p(tf.stack(gaps, axis=1)))


def _against_own_pace(history: History, gaps: _Gaps) -> Block:
    """How long the silence is, measured by the account's own gaps."""
    silence = tf.math.log1p(history.silence)
    pace = history.lifetime[:, 0] / (history.tenure + PACE_PRIOR_DAYS)
    overdue = tf.nn.relu(history.silence - gaps.mean) / (gaps.spread + 1)
    return columns(
        pace=tf.math.log1p(PACE_PRIOR_DAYS * pace),
        missed_events=tf.math.log1p(history.silence * pace),
        overdue=tf.math.log1p(overdue),
        silence_to_mean_gap=silence - tf.math.log1p(gaps.mean),
        silence_to_typical_gap=silence - tf.math.log1p(gaps.typical),
        silence_to_longest_gap=silence - tf.math.log1p(gaps.longest),
        silence_to_lifetime_gap=silence - tf.math.log1p(gaps.lifetime),
    )


def _active_weeks(history: History) -> Block:
    """Weeks before the cutoff, counted backwards from it, that hold an event."""
    week = tf.floor(history.age / 7)
    other = tf.not_equal(history.rows[1:], history.rows[:-1])
    starts = tf.logical_or(other, tf.not_equal(week[1:], week[:-1]))
    first = tf.ones_like(history.rows[:1], dtype=tf.bool)
    new = tf.cast(tf.concat([first, starts], axis=0), tf.float64)
    recent = tf.cast(week < QUARTER_WEEKS, tf.float64)
    weeks = history.total(tf.stack([new, new * recent], axis=1))
    covered = tf.minimum(history.tenure / 7, float(QUARTER_WEEKS)) + 1
    return columns(
        active_weeks=tf.math.log1p(weeks[:, 0]),
        active_weeks_quarter=tf.math.log1p(weeks[:, 1]),
        active_share_quarter=weeks[:, 1] / covered,
    )


def _decayed(history: History) -> Block:
    """Counts in which an event fades with its age, at several paces."""
    fade = tf.exp(-history.age[:, None] / tf.constant(DECAY_DAYS, tf.float64))
    marks = tf.stack([tf.ones_like(history.age), history.negative, history.positive], axis=1)
    sums = history.total(fade[:, :, None] * marks[:, None, :])
    names = (f"{what}_fading_{days}d" for days in DECAY_DAYS for what in DECAYED)
    return block(names, tf.math.log1p(sums))


def _last_events(history: History) -> list[Block]:
    """Tone and age of the newest events, newest first."""
    place = tf.range(LAST_EVENTS, dtype=tf.int64)
    here = tf.cast(tf.equal(history.newer[:, None], place), tf.float64)
    tone = history.positive - history.negative
    seen = history.total(here)
    tones = history.total(here * tone[:, None])
    ages = history.total(here * history.age[:, None])
    ages = tf.where(seen > 0, ages, history.tenure[:, None])
    mean = tf.math.divide_no_nan(tf.reduce_sum(tones, axis=1), tf.reduce_sum(seen, axis=1))
    return [
        block((f"tone_{n}" for n in range(1, LAST_EVENTS + 1)), tones),
        columns(tone_last_five=mean),
        block((f"age_{n}" for n in range(2, LAST_EVENTS + 1)), tf.math.log1p(ages[:, 1:])),
    ]
