"""Integrated gradients of an opened model, by group of columns, without a gradient by column.

The straight line from the base-rate account to an account is cut into SEGMENTS pieces. At their
ends the encoded columns are read exactly, wherever they bend; within a piece they go straight on.
What goes in steps, such as trees, has no gradient: it is divided by the splits that lead to it.

What each group of columns adds to the sums up to the end of a piece is found by itself: all groups
together give the sums, so that the encodings are multiplied once and not once more for a gradient
by each encoded value. A gradient is taken of the head alone, in the middle of each piece: it has a
few hundred inputs, where the encodings have thousands. Columns and pieces come first in all shapes,
since picking rows is many times as fast as picking columns.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.reasons.attributions import share_missed
from serving_model.reasons.factors import LARGEST_PROBABILITY, SMALLEST_PROBABILITY
from serving_model.reasons.opened_model import Encoded, OpenedModel
from transforms.arrays import Floats32

SEGMENTS: Final = 4
"""Pieces of the line: what twice as many would change is in docs/reasons.md."""
_LEAST_SURPRISE, _MOST_SURPRISE = (
    float(-np.log1p(-one)) for one in (SMALLEST_PROBABILITY, LARGEST_PROBABILITY)
)
"""-log(1 - p) of the probabilities beyond which log-odds do not change any more."""


class _GroupedValues(NamedTuple):
    """P encoded values as they differ from those of the base-rate account, group by group.

    Of a distance d from it in its column, value p is clip(d + offset, least, most): 0 for 0.
    """

    column: NDArray[np.int32]
    """[P]."""
    offset: Floats32
    """[P, 1], as are least and most."""
    least: Floats32
    most: Floats32
    weights: tuple[Floats32, ...]
    """Of each group, [its values, H]."""


class PathSums:
    """What groups of columns add to the log-odds of one horizon.

    Args:
        opened: The model.
        base: Features of the base-rate account, float32 [columns].
        column: Which horizon is explained.
        groups: 1 where a column belongs to a group, each to one, float32 [columns, groups].
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
        self._opened, self._base, self._groups = opened, base, groups.shape[1]
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
        self._encoded = [_grouped(one, base, groups) for one in opened.encoded]

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
            tf.matmul(distance, self._straight), [-1, self._groups, self._periods]
        )
        if self._opened.steps is not None:
            # Steps are taken as evenly as the line goes: each moves all hazards alike.
            steps = self._opened.steps.leaves(features) - self._start_steps
            straight += tf.matmul(steps, self._stepped)[:, :, None]
        ends = self._ends(distance)
        added = [self._added(one, ends) for one in self._encoded]
        by_straight, by_sums = self._gradients(tf.reduce_sum(straight, axis=1), added)
        found = tf.reduce_sum(by_straight[:, None, :] * straight, axis=2)
        if added:
            widths = [one.shape[-1] for one in added]
            for of_groups, own in zip(added, tf.split(by_sums, widths, axis=-1), strict=True):
                found += self._weighed(of_groups, own)
        return found

    def _ends(self, distance: tf.Tensor) -> tf.Tensor:
        """Distances at the ends of the pieces, all but the first: [columns, segments x batch]."""
        places = np.linspace(0, 1, self._segments + 1, dtype=np.float32)[1:]
        ends = tf.transpose(distance)[:, None, :] * places[:, None]
        return tf.reshape(ends, [self._base.size, self._segments * tf.shape(distance)[0]])

    def _added(self, encoded: _GroupedValues, ends: tf.Tensor) -> tf.Tensor:
        """What each group adds to the sums up to each end, [groups, segments x batch, H]."""
        chosen = tf.gather(ends, encoded.column) + encoded.offset
        values = tf.minimum(tf.maximum(chosen, encoded.least), encoded.most)
        parts = tf.split(values, [len(one) for one in encoded.weights])
        products = zip(parts, encoded.weights, strict=True)
        return tf.stack([tf.matmul(own, one, transpose_a=True) for own, one in products])

    def _gradients(
        self, straight: tf.Tensor, added: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Gradients of the log-odds in the middle of the pieces.

        Args:
            straight: What is added to the hazards' log-odds on the whole line, [batch, periods].
            added: To the sums by the groups of each encoding.

        Returns:
            By the straight part, their mean, [batch, periods]; by the sums [segments, batch, H].
        """
        middles = (np.arange(self._segments, dtype=np.float32) + 0.5) / self._segments
        log_odds = self._start + middles[:, None, None] * straight
        sums = self._middle_sums(added, tf.shape(straight)[0])
        if self._opened.head is None:
            return tf.reduce_mean(_by_log_odds(log_odds), axis=0), sums
        with tf.GradientTape() as tape:
            tape.watch(sums)
            flat = tf.reshape(sums, [-1, len(self._start_sums)])
            bent = self._opened.head(flat)[:, : self._periods]
        by_log_odds = _by_log_odds(log_odds + tf.reshape(bent, tf.shape(log_odds)))
        by_bent = tf.reshape(by_log_odds, tf.shape(bent))
        by_sums = tape.gradient(bent, sums, output_gradients=by_bent)
        return tf.reduce_mean(by_log_odds, axis=0), by_sums

    def _middle_sums(self, added: Sequence[tf.Tensor], batch: tf.Tensor) -> tf.Tensor:
        """Returns the sums in the middle of the pieces, [segments, batch, H]."""
        shape = [self._segments, batch, len(self._start_sums)]
        if not added:
            return tf.zeros(shape)
        totals = tf.concat([tf.reduce_sum(one, axis=0) for one in added], axis=1)
        ends = tf.reshape(totals, shape)
        return self._start_sums + (ends + tf.pad(ends[:-1], [[1, 0], [0, 0], [0, 0]])) / 2

    def _weighed(self, added: tf.Tensor, by_sums: tf.Tensor) -> tf.Tensor:
        """What each group adds by its encoded columns, [batch, groups].

        Args:
            added: By each group up to each end, [groups, segments x batch, H].
            by_sums: Gradients by these sums in the middle of the pieces, [segments, batch, H].
        """
        # Instead of the groups' steps from end to end, many, the gradients' steps back.
        falling = by_sums - tf.pad(by_sums[1:], [[0, 1], [0, 0], [0, 0]])
        flat = tf.reshape(falling, tf.shape(added)[1:])
        by_end = tf.reshape(tf.reduce_sum(added * flat, axis=2), [self._groups, self._segments, -1])
        return tf.transpose(tf.reduce_sum(by_end, axis=1))


def _by_log_odds(log_odds: tf.Tensor) -> tf.Tensor:
    """Gradients of the log-odds of leaving by the horizon, by those of the hazards.

    1 - p is the product of one less the hazards, and so exp(-s) of s, the sum of their softplus;
    log(p / (1 - p)) is s + log(1 - exp(-s)).

    Args:
        log_odds: Of the hazards, [..., periods].
    """
    surprise = tf.reduce_sum(tf.nn.softplus(log_odds), axis=-1, keepdims=True)
    changes = tf.logical_and(surprise > _LEAST_SURPRISE, surprise < _MOST_SURPRISE)
    return tf.where(changes, tf.sigmoid(log_odds) / -tf.math.expm1(-surprise), 0.0)


def _grouped(encoded: Encoded, base: Floats32, groups: NDArray[np.float32]) -> _GroupedValues:
    """Brings encoded values into the order of their groups; their widths pass to the weights."""
    own = groups.argmax(axis=1)[encoded.column]
    order = np.argsort(own, kind="stable")
    column, width = encoded.column[order], encoded.width[order]
    least, most = (end[order] * width for end in (encoded.least, encoded.most))
    start = base[column] - encoded.lower[order]
    inside = np.clip(start, least, most)
    counts = np.bincount(own, minlength=groups.shape[1])
    return _GroupedValues(
        column,
        (start - inside)[:, None],
        (least - inside)[:, None],
        (most - inside)[:, None],
        tuple(np.split(encoded.weights[order] / width[:, None], np.cumsum(counts)[:-1])),
    )
