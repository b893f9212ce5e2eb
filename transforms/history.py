"""What one batch of accounts did, flat: one value per event, one row id per value.

Flat events cost no padding, and every feature is a segment reduction over them, so
the work grows with the number of events and not with the busiest account.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from transforms import event_spec as spec
from transforms.columns import EVENT_COLUMNS, NEGATIVE, POSITIVE, PRIORITY, SENTIMENT, Column, Kind
from transforms.thresholds import CRITICAL_PRIORITY


class History(NamedTuple):
    """The histories of `batch` accounts with `events` events in all, as float64.

    Account tensors have shape [batch], event tensors [events]. Ages are days before
    the cutoff and fall within an account: its newest event comes last.
    """

    tenure: tf.Tensor
    silence: tf.Tensor
    """Days since the newest event ever."""
    lifetime: tf.Tensor
    """[batch, 3]: events ever; negative ones; positive ones."""
    rows: tf.Tensor
    """int64: the account that each event belongs to, ascending."""
    newer: tf.Tensor
    """int64: how many events of the same account are newer; 0 for its newest."""
    age: tf.Tensor
    negative: tf.Tensor
    """1 for a negative event, else 0."""
    positive: tf.Tensor
    critical: tf.Tensor
    """1 for an event of critical priority, else 0."""
    columns: Mapping[str, tf.Tensor]
    """Each of EVENT_COLUMNS by its name: a number as float64, a category as string."""

    @property
    def priority(self) -> tf.Tensor:
        """Priority of each event, 1 to 5."""
        return self.columns[PRIORITY.name]

    def total(self, values: tf.Tensor) -> tf.Tensor:
        """Sums `values` [events, ...] per account: [batch, ...]; 0 without events."""
        return tf.math.unsorted_segment_sum(values, self.rows, self.batch())

    def largest(self, values: tf.Tensor) -> tf.Tensor:
        """Maximum of `values` [events, ...] >= 0 per account; 0 without events."""
        return tf.nn.relu(tf.math.unsorted_segment_max(values, self.rows, self.batch()))

    def smallest(self, values: tf.Tensor) -> tf.Tensor:
        """Minimum of `values` [events, ...] per account; huge without events."""
        return tf.math.unsorted_segment_min(values, self.rows, self.batch())

    def batch(self) -> tf.Tensor:
        """Number of accounts, scalar int32."""
        return tf.shape(self.tenure)[0]


def no_history() -> History:
    """Returns a batch of no accounts."""
    number, row = tf.zeros([0], tf.float64), tf.zeros([0], tf.int64)
    text = tf.zeros([0], tf.string)
    return History(
        tenure=number,
        silence=number,
        lifetime=tf.zeros([0, 3], tf.float64),
        rows=row,
        newer=row,
        age=number,
        negative=number,
        positive=number,
        critical=number,
        columns={
            column.name: text if column.kind is Kind.CATEGORY else number
            for column in EVENT_COLUMNS
        },
    )


def history_of(inputs: Mapping[str, Any], critical_priority: int = CRITICAL_PRIORITY) -> History:
    """Flattens parsed examples.

    Args:
        inputs: Raw features by name: scalars as tensors of [batch] or [batch, 1], event
            lists as SparseTensor of [batch, longest list], all of the same lengths.
        critical_priority: Lowest priority that is critical, 1..5.

    Returns:
        The batch as flat tensors.
    """
    age: tf.SparseTensor = inputs[spec.EVENT_AGE_DAYS]
    rows, column = age.indices[:, 0], age.indices[:, 1]
    tenure = scalar(inputs, spec.TENURE_DAYS)
    length = tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, tf.shape(tenure)[0])
    columns = {column.name: _values(inputs, column) for column in EVENT_COLUMNS}
    sentiment = columns[SENTIMENT.name]
    counts = ("lifetime_count", "lifetime_negative_count", "lifetime_positive_count")
    return History(
        tenure=tenure,
        silence=scalar(inputs, spec.DAYS_SINCE_LAST_EVENT),
        lifetime=tf.stack([scalar(inputs, name) for name in counts], axis=1),
        rows=rows,
        newer=tf.gather(length, rows) - 1 - column,
        age=tf.cast(age.values, tf.float64),
        negative=tf.cast(tf.equal(sentiment, NEGATIVE), tf.float64),
        positive=tf.cast(tf.equal(sentiment, POSITIVE), tf.float64),
        critical=tf.cast(columns[PRIORITY.name] >= critical_priority, tf.float64),
        columns=columns,
    )


def scalar(inputs: Mapping[str, Any], name: str) -> tf.Tensor:
    """Returns the float feature `name` as float64 [batch], never below 0."""
    return tf.nn.relu(tf.cast(tf.reshape(inputs[name], [-1]), tf.float64))


def _values(inputs: Mapping[str, Any], column: Column) -> tf.Tensor:
    values = inputs[column.feature].values
    return values if column.kind is Kind.CATEGORY else tf.cast(values, tf.float64)
