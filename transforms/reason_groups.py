"""Which feature belongs to which reason: the words of people who look after accounts.

A model's answer is taken apart by column; nobody outside reads columns. Features that say
the same thing in several ways stand in one group, so that what they share adds up.
"""

import functools
import re
from collections.abc import Mapping
from typing import Final

from transforms.account_features import feature_names
from transforms.vocabularies import ACCOUNT_VOCABULARIES, EVENT_VOCABULARIES, Vocabulary


def _patterns(vocabularies: Mapping[str, Vocabulary]) -> dict[str, str]:
    """Returns by group a pattern of the features that are made of words."""
    return _joined(*({words.reason: rf"{name}(_.+|\[.+)"} for name, words in vocabularies.items()))


def _joined(*patterns: Mapping[str, str]) -> dict[str, str]:
    """Returns the patterns by group; a group of several gets all of them."""
    groups: dict[str, str] = {}
    for group, pattern in (item for one in patterns for item in one.items()):
        groups[group] = f"{groups[group]}|{pattern}" if group in groups else pattern
    return groups


REASON_GROUPS: Final[Mapping[str, str]] = _joined(
    {
        "silence": r"since_last|missed_.+|overdue|overdue_days|silence_.+",
        "rhythm": r"gap_.+|pace|pace_\d+d|active_.+|age_\d+|event_days|events_a_day|day_.+",
        "volume": r"count_.+|trend_.+",
        "negative_feedback": r"negative_.+|since_negative",
        "positive_feedback": r"positive_.+|since_positive",
        "recent_tone": r"tone_.+|since_neutral",
        "urgency": r"critical_.+|priority_.+|since_critical",
    },
    _patterns(EVENT_VOCABULARIES),
    {"tenure": r"tenure|tenure_.+|newness_.+"},
    _patterns(ACCOUNT_VOCABULARIES),
)
"""By group, a regular expression that matches the whole name of each of its features."""


def group_names() -> tuple[str, ...]:
    """Returns the groups in the order of the columns of `contributions`."""
    return tuple(REASON_GROUPS)


def group_of(feature: str) -> str:
    """Returns the one group of a feature.

    Args:
        feature: One of `feature_names()`.

    Raises:
        ValueError: If it fits no group, or more than one.
    """
    found = [group for group, names in REASON_GROUPS.items() if re.fullmatch(names, feature)]
    if len(found) == 1:
        return found[0]
    raise ValueError(
        f"The feature {feature!r} belongs to the reason groups {found}, expected exactly one: "
        "a reason can only be told if each feature has its group. Add it to REASON_GROUPS."
    )


@functools.cache
def feature_groups() -> tuple[str, ...]:
    """Returns the group of each column of `features`, in order.

    Raises:
        ValueError: If a feature fits no group, or more than one.
    """
    return tuple(group_of(name) for name in feature_names())
