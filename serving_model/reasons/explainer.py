"""The served model's reasons: contributions of groups of features, and the facts."""

from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving_model.reasons.attributions import base_rate_account, contributions, log_odds
from serving_model.reasons.opened_model import OpenableModel
from serving_model.reasons.path_sums import PathSums
from serving_model.served.blocks import in_blocks
from serving_model.served.interface import BASE_LOG_ODDS, CONTRIBUTIONS, FACT_WORDS, FACTS
from transforms.reason_facts import fact_names, fact_word_names, reason_facts
from transforms.reason_groups import feature_groups, group_names
from transforms.thresholds import CRITICAL_PRIORITY

_BLOCK: Final = 16
"""Accounts whose contributions are computed together: each is worth SEGMENTS rows of products."""
REASON_GROUPS: Final = "reason_groups"
REASON_FACTS: Final = "reason_facts"
REASON_FACT_WORDS: Final = "reason_fact_words"


class Explainer(tf.Module):
    """Takes the answers of one model apart.

    Args:
        model: From `features` [batch, columns] to probabilities [batch, horizons]. One that can
            be taken apart is explained many times as fast.
        training_features: Of the training examples, float32 [n, columns]; the base-rate
            account is made of them and kept as a constant.
        column: Which horizon is the churn probability.
        critical_priority: Lowest priority that the facts call critical, 1..5.
    """

    def __init__(
        self,
        model: keras.Model,
        training_features: NDArray[np.float32],
        column: int = 0,
        critical_priority: int = CRITICAL_PRIORITY,
    ) -> None:
        super().__init__()
        self._model = model
        self._column = column
        self._critical_priority = critical_priority
        rows = tf.TensorSpec([None, training_features.shape[1]], tf.float32)
        answer = tf.function(self._probability, input_signature=[rows], autograph=False)
        base = base_rate_account(lambda rows: answer(tf.constant(rows)).numpy(), training_features)
        self.base: NDArray[np.float32] = base
        """Features of the base-rate account, [columns]."""
        self._base_log_odds = float(log_odds(answer(tf.constant(base[None])))[0])
        self._groups = _membership()
        self._path: PathSums | None = None
        if isinstance(model, OpenableModel):
            self._path = PathSums(model.opened, base, column, self._groups)
        self._of_block = tf.function(self._contributions, autograph=False)

    def reasons(self, raw: Mapping[str, Any], features: tf.Tensor, answer: tf.Tensor) -> Any:
        """Explains one batch.

        Args:
            raw: Parsed examples.
            features: Of them, float32 [batch, columns].
            answer: Their churn probabilities as they are served, float32 [batch, 1].

        Returns:
            CONTRIBUTIONS, BASE_LOG_ODDS, FACTS and FACT_WORDS, by name; of an account the same,
            to the last bit, however many are explained with it.
        """
        facts = reason_facts(raw, self._critical_priority)
        width = self._groups.shape[1]
        return {
            CONTRIBUTIONS: in_blocks(self._of_block, features, answer, width=width, size=_BLOCK),
            BASE_LOG_ODDS: tf.fill(tf.shape(answer), self._base_log_odds),
            FACTS: facts.numbers,
            FACT_WORDS: facts.words,
        }

    def _contributions(self, features: tf.Tensor, answer: tf.Tensor) -> tf.Tensor:
        change = log_odds(answer[:, 0]) - self._base_log_odds
        if self._path is not None:
            return self._path.contributions(features, change)
        each = contributions(self._probability, features, tf.constant(self.base), change)
        return tf.matmul(each, self._groups)

    def _probability(self, features: tf.Tensor) -> tf.Tensor:
        return self._model(features, training=False)[:, self._column]


def reason_card() -> dict[str, str]:
    """Returns for the model card what the columns of the reasons mean, parted by commas."""
    return {
        REASON_GROUPS: ",".join(group_names()),
        REASON_FACTS: ",".join(fact_names()),
        REASON_FACT_WORDS: ",".join(fact_word_names()),
    }


def _membership() -> NDArray[np.float32]:
    """1 where a column of `features` belongs to a group: [columns, groups]."""
    own = np.array(feature_groups())
    return (own[:, None] == np.array(group_names())).astype(np.float32)
