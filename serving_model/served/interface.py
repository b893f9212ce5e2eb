"""The interface of a served model: its five signatures, with inputs, outputs, shapes, dtypes.

Whatever learner made it, a model that has these signatures can be judged, published and
reviewed: ModelScorer, the Evaluator and AccountScorer call nothing else.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import tensorflow as tf

from transforms import event_spec as spec
from transforms.account_features import FEATURES

SERVING: Final = "serving_default"
"""Scores serialized examples."""
EXPLAIN: Final = "explain"
"""Scores serialized examples and gives reasons."""
TRANSFORM: Final = "transform_features"
"""Applies the Transform graph to serialized examples."""
SCORE_FEATURES: Final = "score_features"
"""Scores transformed features, such as those of permutation importance."""
RAW_EVENTS: Final = "raw_events"
"""Scores raw features by name: scalars [batch], lists dense [batch, events] or [batch, sources].

Lists shorter than the longest one are padded: whatever stands where `event_age_days`, or of
the sources `days_since_source`, is negative is not read. Events stay oldest first, newest last.
"""

PROBABILITY: Final = "churn_probability"
HORIZON_PROBABILITIES: Final = "horizon_probabilities"
"""One column for each of the card's churn_horizons, rising with the horizon."""
CONTRIBUTIONS: Final = "contributions"
"""In log-odds of churn_probability; columns as the card's reason_groups."""
BASE_LOG_ODDS: Final = "base_log_odds"
"""Plus the sum of contributions, the log-odds of churn_probability."""
FACTS: Final = "facts"
"""Columns as `transforms.reason_facts.fact_names`."""
FACT_WORDS: Final = "fact_words"
"""Columns as `transforms.reason_facts.fact_word_names`."""


class Tensor(NamedTuple):
    """Dtype and shape of an input or output; None is a size that varies, such as the batch."""

    dtype: tf.DType
    shape: tuple[int | None, ...]


class Signature(NamedTuple):
    """Inputs and outputs of a signature, by name."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


_EXAMPLES: Final = {"examples": Tensor(tf.string, (None,))}
"""Serialized tf.Examples of `raw_feature_spec(with_label=False)`."""
_FEATURES: Final = {FEATURES: Tensor(tf.float32, (None, None))}
"""[batch, columns]."""
_PROBABILITY: Final = {PROBABILITY: Tensor(tf.float32, (None, 1))}
_ANSWER: Final = {
    spec.ACCOUNT_ID: Tensor(tf.string, (None, 1)),
    **_PROBABILITY,
    HORIZON_PROBABILITIES: Tensor(tf.float32, (None, None)),
}
_REASONS: Final = {
    CONTRIBUTIONS: Tensor(tf.float32, (None, None)),
    BASE_LOG_ODDS: Tensor(tf.float32, (None, 1)),
    FACTS: Tensor(tf.float32, (None, None)),
    FACT_WORDS: Tensor(tf.string, (None, None)),
}
_RAW: Final = {
    name: Tensor(feature.dtype, (None, None) if name in spec.LISTS else (None,))
    for name, feature in spec.raw_feature_spec(with_label=False).items()
}

SIGNATURES: Final[Mapping[str, Signature]] = {
    SERVING: Signature(_EXAMPLES, _ANSWER),
    EXPLAIN: Signature(_EXAMPLES, {**_ANSWER, **_REASONS}),
    TRANSFORM: Signature(_EXAMPLES, _FEATURES),
    SCORE_FEATURES: Signature(_FEATURES, _PROBABILITY),
    RAW_EVENTS: Signature(_RAW, _ANSWER),
}
"""By name; the order is that of the exported model, SERVING first."""
