"""The weighted rule that scores accounts while no model is blessed: one account in, 0..1 out.

It learns nothing. Each signal says something about the account's own feedback alone, from 0 (good)
to 1 (bad), as transforms/rule_signals.py computes it; the score is their weighted sum. What the
weights were chosen by is in docs/decisions/cold-start.md. Nothing here knows TensorFlow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from transforms.signal_weights import SignalWeights, exact_numbers, short_hash

RULE_PREFIX: Final = "rules-"
"""Begins the version of every rule, and of no model."""
NOTHING_LEARNT: Final = "a rule with fixed weights scored: nothing was learnt"
DEFINITION: Final = 1
"""Goes up with any change of transforms/rule_signals.py that moves a signal: another rule then has
another version."""
LOG_ODDS_PER_SCORE: Final = 6.0
"""What the whole way from score 0 to score 1 adds to the log-odds of churn."""


@dataclass(frozen=True)
class RuleWeights(SignalWeights):
    """How much each signal counts: numbers >= 0 whose sum is 1.

    Attributes:
        silence: Days since the last event: 1/2 after 60 of them.
        overdue: The same against the account's own pace: 1/2 after three of its mean gaps.
        low_activity: Chance of no event in 60 days at the pace of its whole life.
        falling_activity: Events of the last 30, 60 and 90 days below those its past predicts.
        negative_share: Share of negative events, of its life and of the last 90 days.
        negative_change: By how much that share is higher in the last 30 days than before.
        recent_tone: Tone of the last five events: 0 all positive, 1 all negative.
        critical_feedback: Events of critical priority in the last 30 days.
        newness: How young it is: 1 on its first day, about a third after 60 days.

    Raises:
        ValueError: A weight is negative or no number, or their sum is not 1 within 1e-9.
    """

    silence: float = 0.22
    overdue: float = 0.02
    low_activity: float = 0.24
    falling_activity: float = 0.24
    negative_share: float = 0.06
    negative_change: float = 0.02
    recent_tone: float = 0.08
    critical_feedback: float = 0.01
    newness: float = 0.11


RULE_SIGNALS: Final = RuleWeights.signals()

RULE_GROUPS: Final[Mapping[str, str]] = {
    "silence": "silence",
    "overdue": "silence",
    "low_activity": "rhythm",
    "falling_activity": "volume",
    "negative_share": "negative_feedback",
    "negative_change": "negative_feedback",
    "recent_tone": "recent_tone",
    "critical_feedback": "urgency",
    "newness": "tenure",
}
"""The reason group of each signal, of those that `transforms.reason_groups` names."""


def is_rule(model_version: str) -> bool:
    """Tells whether a version is that of a rule, so that nothing was learnt."""
    return model_version.startswith(RULE_PREFIX)


def rule_version(weights: RuleWeights, **settings: float) -> str:
    """Returns the name of a rule: equal rules have equal names.

    Args:
        weights: Of the signals.
        **settings: What else decides a probability, such as the base rate that is assumed.
    """
    exact = {
        "definition": DEFINITION,
        "log_odds_per_score": LOG_ODDS_PER_SCORE,
        "weights": weights.exact(),
        "settings": exact_numbers(settings),
    }
    return f"{RULE_PREFIX}{short_hash(exact)}"
