"""Names and types of the raw features: what one example looks like.

An example is one account at one cutoff. What it holds of each column of feedback_enriched
follows from transforms/columns.py. Its events are parallel lists, oldest
first and newest last, and hold what the account wrote within the lookback before
the cutoff, at most `max_events` rows. What lies before them is carried by scalars, and by a short
list of the sources that the account ever wrote through. These know the whole life, so that a
feature of theirs does not end with the lookback.
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

EVENT_DAYS: Final = "lifetime_event_days"
"""float, calendar days (UTC) with feedback ever before the cutoff: one visit each."""
DAY_GAPS: Final = ("day_gap_typical", "day_gap_longest", "day_gap_deviation")
"""float each, days between neighbouring event days in life: their geometric mean, the longest,
their standard deviation; 0 with a single event day."""
TONES: Final = (columns.NEGATIVE, columns.NEUTRAL, columns.POSITIVE)
DAYS_SINCE_TONE: Final = tuple(f"days_since_{tone}" for tone in TONES)
"""float each, days from the newest feedback of a sentiment to the cutoff, in life; -1 for never."""
HALF_YEAR_DAYS: Final = 180
HALF_YEAR_COUNTS: Final = (
    "half_year_count",
    "half_year_negative_count",
    "half_year_positive_count",
)
"""float each, feedback within HALF_YEAR_DAYS before the cutoff, however short the lookback is."""
LIFE_FLOATS: Final = (EVENT_DAYS, *DAY_GAPS, *DAYS_SINCE_TONE, *HALF_YEAR_COUNTS)
"""Follow from the same rows as the other scalars and the lists, so that nothing watches them for
drift a second time."""
LIFE_SOURCE: Final = "lifetime_source"
"""string list, each source that the account ever wrote through, as it is spelled."""
LIFE_SOURCE_COUNT: Final = "lifetime_source_count"
"""float list, feedback ever through each of them."""
DAYS_SINCE_SOURCE: Final = "days_since_source"
"""float list, days from the newest feedback through each of them to the cutoff."""
SOURCE_LISTS: Final = (LIFE_SOURCE, LIFE_SOURCE_COUNT, DAYS_SINCE_SOURCE)
SCALAR_STRINGS: Final = (
    ACCOUNT_ID,
    *(column.feature for column in ACCOUNT_COLUMNS if column.kind is Kind.CATEGORY),
)

EVENT_AGE_DAYS: Final = columns.CREATED_AT.feature
"""float list, days from the event to the cutoff: > 0, falling along the list."""
EVENT_LISTS: Final = (EVENT_AGE_DAYS, *(column.feature for column in EVENT_COLUMNS))
"""One value an event each: categories as strings, numbers as int64."""
LISTS: Final = (*EVENT_LISTS, *SOURCE_LISTS)

DAY_SECONDS: Final = 86_400


def raw_feature_spec(
    with_label: bool,
) -> "dict[str, tf.io.FixedLenFeature | tf.io.VarLenFeature]":
    """Returns how to parse one serialized example.

    Args:
        with_label: Whether the examples carry LABELS. Those to be scored do not.

    Returns:
        Scalars as FixedLenFeature of shape [], lists as VarLenFeature.
    """
    # Here, because the check of a database counts examples without loading TensorFlow.
    import tensorflow as tf

    def dtype(column: Column) -> tf.DType:
        return tf.string if column.kind is Kind.CATEGORY else tf.int64

    spec = {ACCOUNT_ID: tf.io.FixedLenFeature([], tf.string)}
    spec |= {one.feature: tf.io.FixedLenFeature([], dtype(one)) for one in ACCOUNT_COLUMNS}
    floats = (*SCALAR_FLOATS, *LIFE_FLOATS)
    spec |= {name: tf.io.FixedLenFeature([], tf.float32) for name in floats}
    spec[CUTOFF] = tf.io.FixedLenFeature([], tf.int64)
    spec[EVENT_AGE_DAYS] = tf.io.VarLenFeature(tf.float32)
    spec |= {one.feature: tf.io.VarLenFeature(dtype(one)) for one in EVENT_COLUMNS}
    spec[LIFE_SOURCE] = tf.io.VarLenFeature(tf.string)
    spec |= {
        name: tf.io.VarLenFeature(tf.float32) for name in (LIFE_SOURCE_COUNT, DAYS_SINCE_SOURCE)
    }
    if with_label:
        spec[LABEL] = tf.io.FixedLenFeature([], tf.int64)
        spec[DAYS_TO_CHURN] = tf.io.FixedLenFeature([], tf.float32)
        spec[DAYS_OBSERVED] = tf.io.FixedLenFeature([], tf.float32)
    return spec
