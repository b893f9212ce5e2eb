"""The cold-start rule as a SavedModel of the same signatures as a model that was learnt.

So whatever asks a model asks the rule too: bulk scoring, reasons, risk bands, TensorFlow Serving.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from scipy.optimize import brentq
from scipy.special import expit, logit

from serving_model.reasons.explainer import REASON_FACT_WORDS, REASON_FACTS, REASON_GROUPS
from serving_model.served.blocks import filled_up
from serving_model.served.interface import (
    BASE_LOG_ODDS,
    CONTRIBUTIONS,
    FACT_WORDS,
    FACTS,
    HORIZON_PROBABILITIES,
    PROBABILITY,
)
from serving_model.served.signatures import PARSED, Tensors, column, save_served
from transforms import event_spec as spec
from transforms.arrays import Floats
from transforms.cold_start_rule import LOG_ODDS_PER_SCORE, RULE_GROUPS, RULE_SIGNALS, RuleWeights
from transforms.history import history_of
from transforms.reason_facts import fact_names, fact_word_names, reason_facts
from transforms.rule_signals import rule_signals

_GROUPS: Final = tuple(dict.fromkeys(RULE_GROUPS[name] for name in RULE_SIGNALS))
_FARTHEST: Final = LOG_ODDS_PER_SCORE + 1.0
"""Log-odds by which the intercept may lie off those of the base rate: scores lie in 0..1."""


class FittedRule(NamedTuple):
    """The rule for one population: log-odds = intercept + 6 x weights x (signals - means)."""

    weights: RuleWeights
    means: Floats
    """Of the population, by signal."""
    intercept: float
    """Log-odds of an account whose signals are the means."""

    def log_odds(self, signals: Floats) -> Floats:
        """Returns the log-odds of accounts, [n], of their signals [n, len(RULE_SIGNALS)]."""
        return np.asarray(self.intercept + (signals - self.means) @ slopes(self.weights))

    def probabilities(self, signals: Floats) -> Floats:
        """Returns probabilities of churn, [n], of signals [n, len(RULE_SIGNALS)]."""
        return np.asarray(expit(self.log_odds(signals)))


def slopes(weights: RuleWeights) -> Floats:
    """Returns what each signal adds to the log-odds where it is 1, by signal."""
    return LOG_ODDS_PER_SCORE * np.array(list(weights.as_dict().values()))


def fit_rule(weights: RuleWeights, signals: Floats, base_rate: float) -> FittedRule:
    """Finds the intercept with which the mean probability is the base rate.

    Args:
        weights: Of the signals.
        signals: Of the population, [n, len(RULE_SIGNALS)], of at least one account.
        base_rate: Share of the accounts that leave within the horizon, in (0, 1).
    """
    means = signals.mean(axis=0)
    around = (signals - means) @ slopes(weights)
    expected = float(logit(base_rate))

    def excess(intercept: float) -> float:
        return float(expit(intercept + around).mean()) - base_rate

    found = brentq(excess, expected - _FARTHEST, expected + _FARTHEST, xtol=1e-10)
    return FittedRule(weights, means, float(found))


def batch_signals(batch: tf.Tensor, critical_priority: int) -> Floats:
    """Computes the signals of one batch of serialized examples, with labels or without.

    Args:
        batch: n serialized tf.Examples, string [n].
        critical_priority: Lowest priority that is critical, 1..5.

    Returns:
        float64 [n, len(RULE_SIGNALS)].
    """
    raw = tf.io.parse_example(batch, PARSED)
    found: Floats = rule_signals(history_of(raw, critical_priority)).numpy()
    return found


def export_rule(rule: FittedRule, critical_priority: int, directory: str) -> None:
    """Writes a SavedModel with the signatures of `served.interface`; the card is the caller's.

    Its "features" are the signals.

    Args:
        rule: Fitted to the population.
        critical_priority: Lowest priority that is critical, 1..5.
        directory: Where to write; made if missing.
    """
    save_served(_ServedRule(rule, critical_priority), [None, len(RULE_SIGNALS)], directory)


def rule_reason_card() -> dict[str, str]:
    """Returns for the card what the columns of the reasons mean, parted by commas."""
    return {
        REASON_GROUPS: ",".join(_GROUPS),
        REASON_FACTS: ",".join(fact_names()),
        REASON_FACT_WORDS: ",".join(fact_word_names()),
    }


class _ServedRule(tf.Module):
    """The rule as every signature runs it."""

    def __init__(self, rule: FittedRule, critical_priority: int) -> None:
        super().__init__()
        self._critical_priority = critical_priority
        self._slopes = slopes(rule.weights).astype(np.float32)
        self._means = rule.means.astype(np.float32)
        self._intercept = np.float32(rule.intercept)

    def features(self, raw: Tensors) -> tf.Tensor:
        """Returns the signals of parsed examples, float32 [batch, len(RULE_SIGNALS)]."""
        return tf.cast(rule_signals(history_of(raw, self._critical_priority)), tf.float32)

    def answer(self, raw: Tensors) -> Tensors:
        """Returns account_id and churn_probability [batch, 1] and HORIZON_PROBABILITIES."""
        return self._answer(raw, self.features(raw))

    def explain(self, raw: Tensors) -> Tensors:
        """Returns the answer to parsed examples and its reasons."""
        features = self.features(raw)
        facts = reason_facts(raw, self._critical_priority)
        answer = self._answer(raw, features)
        return {
            **answer,
            CONTRIBUTIONS: self._contributions(features),
            BASE_LOG_ODDS: tf.fill(tf.shape(answer[PROBABILITY]), self._intercept),
            FACTS: facts.numbers,
            FACT_WORDS: facts.words,
        }

    def score_features(self, features: tf.Tensor) -> Tensors:
        """Returns churn_probability [batch, 1] of signals, float32 [batch, len(RULE_SIGNALS)]."""
        # The same to the last bit however many are asked about: sums go signal by signal, and to
        # whole blocks, since TensorFlow takes the sigmoid of what is left over otherwise.
        rows = tf.shape(features)[0]
        padded = filled_up(features)
        log_odds = tf.fill([tf.shape(padded)[0]], self._intercept)
        for moved in tf.unstack(self._moved(padded), axis=1):
            log_odds += moved
        return {PROBABILITY: column(tf.sigmoid(log_odds)[:rows])}

    def _answer(self, raw: Tensors, features: tf.Tensor) -> Mapping[str, Any]:
        scored = self.score_features(features)
        return {
            spec.ACCOUNT_ID: column(raw[spec.ACCOUNT_ID]),
            **scored,
            HORIZON_PROBABILITIES: scored[PROBABILITY],
        }

    def _contributions(self, features: tf.Tensor) -> tf.Tensor:
        """What the signals of each group add, [batch, groups], in any batch the same."""
        signals = tf.unstack(self._moved(features), axis=1)
        moved = dict.fromkeys(_GROUPS, tf.zeros([tf.shape(features)[0]]))
        for name, signal in zip(RULE_SIGNALS, signals, strict=True):
            moved[RULE_GROUPS[name]] += signal
        return tf.stack([moved[group] for group in _GROUPS], axis=1)

    def _moved(self, features: tf.Tensor) -> tf.Tensor:
        """What each signal adds to the log-odds of the mean account, [batch, signals]."""
        return (features - self._means) * self._slopes
