"""How much, how angry and how critical: the events in windows before the cutoff."""

from typing import Final

import tensorflow as tf

from transforms.blocks import Block, block
from transforms.history import History

WINDOW_DAYS: Final = (7, 14, 30, 60, 90)
WINDOWS: Final = (*(f"{days}d" for days in WINDOW_DAYS), "lookback")
COUNTED: Final = ("count", "negative", "positive", "critical")
TONES: Final = ("negative", "positive")

MIDDLE_PRIORITY: Final = 3


def window_blocks(history: History) -> list[Block]:
    """Returns counts, shares of tone, priorities and trends in all windows.

    Args:
        history: The batch.

    Returns:
        Blocks of finite values, for accounts without a single event too.
    """
    sums = _window_sums(history)
    return [
        block((f"{what}_{window}" for window in WINDOWS for what in COUNTED), _counts(sums)),
        block((f"{what}_lifetime" for what in COUNTED[:3]), tf.math.log1p(history.lifetime)),
        *_share_blocks(history, sums),
        *_priority_blocks(history, sums),
        block((f"trend_{window}" for window in WINDOWS[:-1]), _trends(history, sums)),
    ]


def within(age: tf.Tensor, days: tuple[int, ...]) -> tf.Tensor:
    """Returns 1 where an event of `age` [events] lies in a window: [events, windows]."""
    return tf.cast(age[:, None] <= tf.constant(days, tf.float64), tf.float64)


def _window_sums(history: History) -> tf.Tensor:
    """Sums of 1, negative, positive, critical, priority: [batch, windows, 5]."""
    one = tf.ones_like(history.age)
    marks = [one, history.negative, history.positive, history.critical, history.priority]
    inside = tf.concat([within(history.age, WINDOW_DAYS), one[:, None]], axis=1)
    return history.total(inside[:, :, None] * tf.stack(marks, axis=1)[:, None, :])


def _counts(sums: tf.Tensor) -> tf.Tensor:
    return tf.math.log1p(sums[:, :, : len(COUNTED)])


def _share_blocks(history: History, sums: tf.Tensor) -> list[Block]:
    """Shares of negative and positive, in life and in windows, and their change.

    A share of few events says little, so each window is drawn to the account's own
    share in life by the weight of one event, and that to a third by three events.
    """
    ever = (history.lifetime[:, 1:] + 1) / (history.lifetime[:, :1] + 3)
    recent = _drawn(sums[:, :, 1:3], sums[:, :, :1], ever)
    rest = tf.nn.relu(history.lifetime[:, None, :] - sums[:, :, :3])
    change = recent - _drawn(rest[:, :, 1:], rest[:, :, :1], ever)
    return [
        block((f"{tone}_share_lifetime" for tone in TONES), ever),
        block((f"{tone}_share_{window}" for window in WINDOWS for tone in TONES), recent),
        block((f"{tone}_change_{window}" for window in WINDOWS for tone in TONES), change),
    ]


def _drawn(part: tf.Tensor, whole: tf.Tensor, prior: tf.Tensor) -> tf.Tensor:
    return (part + prior[:, None, :]) / (whole + 1)


def _priority_blocks(history: History, sums: tf.Tensor) -> list[Block]:
    mean = (sums[:, :, 4] + MIDDLE_PRIORITY) / (sums[:, :, 0] + 1)
    recent = within(history.age, WINDOW_DAYS) * history.priority[:, None]
    highest = history.largest(tf.concat([recent, history.priority[:, None]], axis=1))
    return [
        block((f"priority_mean_{window}" for window in WINDOWS), mean),
        block((f"priority_max_{window}" for window in WINDOWS), highest),
    ]


def _trends(history: History, sums: tf.Tensor) -> tf.Tensor:
    """Log of the events in a window against those that the account's past predicts.

    0 for an account that is no older than the window: it has no past to compare with.
    The past counts as no shorter than the window, so that a young account's first
    days are not taken for its habit.
    """
    days = tf.constant(WINDOW_DAYS, tf.float64)
    recent = sums[:, :-1, 0]
    earlier = tf.nn.relu(history.lifetime[:, :1] - recent)
    before = history.tenure[:, None] - days
    expected = days * earlier / tf.maximum(before, days)
    trend = tf.math.log1p(recent) - tf.math.log1p(expected)
    return tf.where(before > 0, trend, tf.zeros_like(trend))
