"""Integrated gradients of an opened model, by group of columns, without a gradient by column.

The straight line from the base-rate account to an account is cut into SEGMENTS pieces. At their
ends the encoded columns are read exactly, wherever they bend; within a piece they go straight on.
What goes in steps, such as trees, has no gradient: it is divided by the splits that lead to it.
A gradient is taken of the head alone, in the middle of each piece: it has a few hundred inputs,
where the encodings have thousands. Columns and pieces come first in all shapes, since picking rows
is many times as fast as picking columns.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.reasons.attributions import share_missed
from serving_model.reasons.factors import LARGEST_PROBABILITY, SMALLEST_PROBABILITY
from serving_model.reasons.opened_model import Encoded, OpenedModel
from transforms.arrays import Floats32

SEGMENTS: Final = 4
"""Pieces of the line: what twice as many would change is in docs/reasons.md."""
_LEAST_SURPRISE: Final = 1e-30
"""Of an account that stays: far below the smallest probability, and still no 0 in float32."""
_LEAST, _MOST = (
    float(np.log(one) - np.log1p(-one)) for one in (SMALLEST_PROBABILITY, LARGEST_PROBABILITY)
)


class PathSums:
    """What groups of columns add to the log-odds of one horizon.

    Args:
        opened: The model.
        base: Features of the base-rate account, float32 [columns].
        column: Which horizon is explained.
        groups: 1 where a column belongs to a group, float32 [columns, groups].
        segments: Pieces of the line.
    """

    def __init__(
        self,
        opened: OpenedModel,
        base: Floats32,
        column: int,
        groups: NDArray[np.float32],
        segments: int = SEGMENTS,
    ) -> None:
        self._opened, self._base, self._groups = opened, base, groups
        self._periods, self._segments = column + 1, segments
        straight = opened.straight[:, : self._periods]
        self._straight = (groups[:, :, None] * straight[:, None, :]).reshape(len(base), -1)
        self._start = base @ straight + opened.constant[: self._periods]
        if opened.steps is not None:
            self._stepped = opened.steps.added @ groups
            self._start_steps = np.asarray(opened.steps.leaves(tf.constant(base[None])))[0]
            self._start = self._start + (self._start_steps @ opened.steps.added).sum()
        self._start_sums = np.zeros(0, np.float32)
        if opened.sums is not None:
            self._start_sums = np.asarray(opened.sums(tf.constant(base[None])))[0]

    def contributions(self, features: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
        """Divides a change of log-odds among the groups.

        Args:
            features: Of the accounts, float32 [batch, columns].
            change: Log-odds of the accounts less those of the base-rate account, [batch].

        Returns:
            float32 [batch, groups]; each row adds up to its `change`.
        """
        return share_missed(self.found(features), change)

    def found(self, features: tf.Tensor) -> tf.Tensor:
        """Returns the contributions before what they miss is shared, float32 [batch, groups]."""
        distance = features - self._base
        straight = tf.reshape(
            tf.matmul(distance, self._straight), [-1, self._groups.shape[1], self._periods]
        )
        if self._opened.steps is not None:
            # Steps are taken as evenly as the line goes: each moves all hazards alike.
            steps = self._opened.steps.leaves(features) - self._start_steps
            straight += tf.matmul(steps, self._stepped)[:, :, None]
        ends = self._ends(distance)
        values = [_values(one, ends) for one in self._opened.encoded]
        by_straight, by_sums = self._gradients(tf.reduce_sum(straight, axis=1), values)
        found = tf.einsum("bk,bgk->bg", by_straight, straight)
        for encoded, of_ends in zip(self._opened.encoded, values, strict=True):
            found += self._added(encoded, of_ends, by_sums)
        return found

    def _ends(self, distance: tf.Tensor) -> tf.Tensor:
        """Features at the ends of the pieces, all but the first: [columns, segments, batch]."""
        places = np.linspace(0, 1, self._segments + 1, dtype=np.float32)[1:]
        return self._base[:, None, None] + places[:, None] * tf.transpose(distance)[:, None, :]

    def _gradients(
        self, straight: tf.Tensor, values: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Gradients of the log-odds in the middle of the pieces.

        Args:
            straight: What is added to the hazards' log-odds on the whole line, [batch, periods].
            values: Of each encoding at the ends of the pieces.

        Returns:
            By the straight part, their mean, [batch, periods]; by the sums [segments, batch, H].
        """
        middles = (np.arange(self._segments, dtype=np.float32) + 0.5) / self._segments
        log_odds = self._start + middles[:, None, None] * straight
        sums = self._middle_sums(values, tf.shape(straight)[0])
        with tf.GradientTape() as tape:
            tape.watch([log_odds, sums])
            answer = self._answer(log_odds, sums)
        by_log_odds, by_sums = tape.gradient(answer, [log_odds, sums])
        return tf.reduce_mean(by_log_odds, axis=0), by_sums

    def _middle_sums(self, values: Sequence[tf.Tensor], batch: tf.Tensor) -> tf.Tensor:
        """Returns the sums in the middle of the pieces, [segments, batch, H]."""
        shape = [self._segments, batch, len(self._start_sums)]
        parts = [
            tf.matmul(tf.reshape(of_ends, [len(one.column), -1]), one.weights, transpose_a=True)
            - _value(one, self._base) @ one.weights
            for one, of_ends in zip(self._opened.encoded, values, strict=True)
        ]
        if not parts:
            return tf.zeros(shape)
        ends = tf.reshape(tf.concat(parts, axis=1), shape)
        return self._start_sums + (ends + tf.pad(ends[:-1], [[1, 0], [0, 0], [0, 0]])) / 2

    def _answer(self, log_odds: tf.Tensor, sums: tf.Tensor) -> tf.Tensor:
        """Log-odds of leaving by the horizon, of log-odds of the hazards without the sums' part."""
        if self._opened.head is not None:
            flat = tf.reshape(sums, [-1, len(self._start_sums)])
            bent = self._opened.head(flat)[:, : self._periods]
            log_odds += tf.reshape(bent, tf.shape(log_odds))
        surprise = tf.maximum(tf.reduce_sum(tf.nn.softplus(log_odds), axis=-1), _LEAST_SURPRISE)
        found = surprise + tf.math.log(-tf.math.expm1(-surprise))
        return tf.clip_by_value(found, _LEAST, _MOST)

    def _added(self, encoded: Encoded, values: tf.Tensor, by_sums: tf.Tensor) -> tf.Tensor:
        """What each group adds by its encoded columns, [batch, groups]."""
        count, sums = encoded.weights.shape
        base = _value(encoded, self._base)[:, None, None]
        start = tf.broadcast_to(base, [count, 1, tf.shape(values)[2]])
        steps = values - tf.concat([start, values[:, :-1]], axis=1)
        own = tf.reshape(by_sums[..., encoded.first : encoded.first + sums], [-1, sums])
        slopes = tf.reshape(tf.matmul(encoded.weights, own, transpose_b=True), tf.shape(steps))
        by_value = tf.reduce_sum(slopes * steps, axis=1)
        return tf.matmul(by_value, self._groups[encoded.column], transpose_a=True)


def _values(encoded: Encoded, features: tf.Tensor) -> tf.Tensor:
    """Encodes features [columns, segments, batch] as [P, segments, batch]."""
    lower, width, least, most = (
        one[:, None, None] for one in (encoded.lower, encoded.width, encoded.least, encoded.most)
    )
    chosen = tf.gather(features, encoded.column)
    return tf.clip_by_value((chosen - lower) * (1 / width), least, most)


def _value(encoded: Encoded, features: Floats32) -> Floats32:
    """Encodes the features [columns] of one account as [P]."""
    values = (features[encoded.column] - encoded.lower) * (1 / encoded.width)
    return np.clip(values, encoded.least, encoded.most)
