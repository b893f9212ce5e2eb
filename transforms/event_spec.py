"""Names and types of the raw features: what one example looks like.

An example is one account at one cutoff. What it holds of each column of feedback_enriched
follows from transforms/columns.py. Its events are parallel lists, oldest
first and newest last, and hold what the account wrote within the lookback before
the cutoff, at most `max_events` rows. What lies before them is carried by scalars.
FeedbackExampleGen writes this shape, preprocessing_fn reads it, and so does every
signature of the served model.
"""

from typing import TYPE_CHECKING, Final

from transforms import columns
from transforms.columns import ACCOUNT_COLUMNS, EVENT_COLUMNS, Column, Kind

if TYPE_CHECKING:
    import tensorflow as tf

ACCOUNT_ID: Final = columns.ACCOUNT_ID.feature
CUSTOMER_TIER: Final = columns.CUSTOMER_TIER.feature
REGION: Final = columns.REGION.feature
CUTOFF: Final = "cutoff"
"""int64, seconds since 1970-01-01 UTC: the moment that divides features from label."""
LABEL: Final = "churned"
"""int64, 1 if the account churned in [cutoff, cutoff + horizon), else 0."""
DAYS_TO_CHURN: Final = "days_to_churn"
"""float, days from the cutoff until the account was lost, -1 where no loss was seen: the label
is 1 exactly where 0 <= days_to_churn <= horizon. Under inactivity an account is lost at the end
of the first `horizon` silent days, so that no loss lies before the horizon."""
DAYS_OBSERVED: Final = "days_observed"
"""float, days from the cutoff of which the labels know: to the evaluation cutoff in training, to
as_of in evaluation. No loss beyond them was seen."""
LABELS: Final = (LABEL, DAYS_TO_CHURN, DAYS_OBSERVED)
"""In labelled examples only: what became of the account, never a feature."""

TENURE_DAYS: Final = "tenure_days"
"""float, days from the account's first feedback to the cutoff."""
DAYS_SINCE_LAST_EVENT: Final = "days_since_last_event"
"""float, days from the account's newest feedback to the cutoff, lookback or not."""
LIFETIME_COUNT: Final = "lifetime_count"
LIFETIME_COUNTS: Final = (
    LIFETIME_COUNT,
    "lifetime_negative_count",
    "lifetime_neutral_count",
    "lifetime_positive_count",
)
"""float each: feedback rows ever before the cutoff, in total and by sentiment."""

SCALAR_FLOATS: Final = (TENURE_DAYS, DAYS_SINCE_LAST_EVENT, *LIFETIME_COUNTS)
SCALAR_STRINGS: Final = (
    ACCOUNT_ID,
    *(column.feature for column in ACCOUNT_COLUMNS if column.kind is Kind.CATEGORY),
)

EVENT_AGE_DAYS: Final = columns.CREATED_AT.feature
"""float list, days from the event to the cutoff: > 0, falling along the list."""
EVENT_LISTS: Final = (EVENT_AGE_DAYS, *(column.feature for column in EVENT_COLUMNS))
"""One value an event each: categories as strings, numbers as int64."""

DAY_SECONDS: Final = 86_400


def raw_feature_spec(
    with_label: bool,
) -> "dict[str, tf.io.FixedLenFeature | tf.io.VarLenFeature]":
    """Returns how to parse one serialized example.

    Args:
        with_label: Whether the examples carry LABELS. Those to be scored do not.

    Returns:
        Scalars as FixedLenFeature of shape [], event lists as VarLenFeature.
    """
    # Here, because the check of a database counts examples without loading TensorFlow.
    import tensorflow as tf

    def dtype(column: Column) -> tf.DType:
        return tf.string if column.kind is Kind.CATEGORY else tf.int64

    spec = {ACCOUNT_ID: tf.io.FixedLenFeature([], tf.string)}
    spec |= {one.feature: tf.io.FixedLenFeature([], dtype(one)) for one in ACCOUNT_COLUMNS}
    spec |= {name: tf.io.FixedLenFeature([], tf.float32) for name in SCALAR_FLOATS}
    spec[CUTOFF] = tf.io.FixedLenFeature([], tf.int64)
    spec[EVENT_AGE_DAYS] = tf.io.VarLenFeature(tf.float32)
    spec |= {one.feature: tf.io.VarLenFeature(dtype(one)) for one in EVENT_COLUMNS}
    if with_label:
        spec[LABEL] = tf.io.FixedLenFeature([], tf.int64)
        spec[DAYS_TO_CHURN] = tf.io.FixedLenFeature([], tf.float32)
        spec[DAYS_OBSERVED] = tf.io.FixedLenFeature([], tf.float32)
    return spec
