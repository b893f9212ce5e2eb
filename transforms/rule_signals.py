"""The signals of the cold-start rule, from the events of accounts: each 0..1, 1 for the worst.

They use nothing that was learnt: no word, mean or scale of other accounts.
"""

from typing import Final

import tensorflow as tf

from transforms.cold_start_rule import RULE_SIGNALS
from transforms.history import History
from transforms.thresholds import QUIET_GAPS

PRIOR_DAYS: Final = 30.0
"""Days added to the tenure when a pace is taken, so that a first day is no pace."""
SILENCE_DAYS: Final = 60.0
AHEAD_DAYS: Final = 60.0
NEWNESS_DAYS: Final = 60.0
TREND_DAYS: Final = (30.0, 60.0, 90.0)
CRITICAL_DAYS: Final = 30.0
CHANGE_DAYS: Final = 30.0
SHARE_DAYS: Final = 90.0
LAST_EVENTS: Final = 5
LARGEST_FALL: Final = 2.0
"""Of logarithms: about one event where the past predicts fourteen."""


def rule_signals(history: History) -> tf.Tensor:
    """Computes every signal of a batch.

    Args:
        history: The batch.

    Returns:
        float64 [batch, len(RULE_SIGNALS)], 0..1, for accounts without a single event too.
    """
    count, tenure = history.lifetime[:, 0], history.tenure
    found = {
        "silence": history.silence / (history.silence + SILENCE_DAYS),
        "overdue": _overdue(history),
        "low_activity": tf.exp(-AHEAD_DAYS * count / (tenure + PRIOR_DAYS)),
        "falling_activity": _falling(history),
        **_negative(history),
        "recent_tone": _recent_tone(history),
        "critical_feedback": 1 - tf.exp(-_recent(history, history.critical, CRITICAL_DAYS)),
        "newness": tf.exp(-tenure / NEWNESS_DAYS),
    }
    signals = tf.stack([found[name] for name in RULE_SIGNALS], axis=1)
    return tf.clip_by_value(signals, 0.0, 1.0)


def _overdue(history: History) -> tf.Tensor:
    active = tf.nn.relu(history.tenure - history.silence) + PRIOR_DAYS
    gap = active / tf.maximum(history.lifetime[:, 0], 1)
    return history.silence / (history.silence + QUIET_GAPS * gap)


def _falling(history: History) -> tf.Tensor:
    """Mean over TREND_DAYS of the fall; 0 for an account that is no older than the window."""
    one = tf.ones_like(history.age)
    falls = []
    for days in TREND_DAYS:
        recent = _recent(history, one, days)
        earlier = tf.nn.relu(history.lifetime[:, 0] - recent)
        before = history.tenure - days
        expected = days * earlier / tf.maximum(before, days)
        fall = (tf.math.log1p(expected) - tf.math.log1p(recent)) / LARGEST_FALL
        falls.append(tf.where(before > 0, tf.clip_by_value(fall, 0.0, 1.0), tf.zeros_like(fall)))
    return tf.add_n(falls) / len(falls)


def _negative(history: History) -> dict[str, tf.Tensor]:
    """A share of few events says little: each is drawn to that of the life, and that to a third."""
    count, negative = history.lifetime[:, 0], history.lifetime[:, 1]
    ever = (negative + 1) / (count + 3)
    one = tf.ones_like(history.age)

    def share(part: tf.Tensor, whole: tf.Tensor) -> tf.Tensor:
        return (tf.nn.relu(part) + ever) / (tf.nn.relu(whole) + 1)

    wide = _recent(history, history.negative, SHARE_DAYS), _recent(history, one, SHARE_DAYS)
    part, whole = (
        _recent(history, history.negative, CHANGE_DAYS),
        _recent(history, one, CHANGE_DAYS),
    )
    return {
        "negative_share": (ever + share(*wide)) / 2,
        "negative_change": share(part, whole) - share(negative - part, count - whole),
    }


def _recent_tone(history: History) -> tf.Tensor:
    last = tf.cast(history.newer < LAST_EVENTS, tf.float64)
    tone = history.total(last * (history.positive - history.negative))
    mean = tf.math.divide_no_nan(tone, history.total(last))
    return (1 - mean) / 2


def _recent(history: History, marks: tf.Tensor, days: float) -> tf.Tensor:
    """Sums marks [events] of the last days: [batch]."""
    return history.total(tf.cast(history.age <= days, tf.float64) * marks)
