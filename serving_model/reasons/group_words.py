"""What a reason group is called in tables and pictures."""

from collections.abc import Mapping
from typing import Final

GROUP_WORDS: Final[Mapping[str, str]] = {
    "silence": "time since the last message",
    "rhythm": "how regularly it writes",
    "volume": "how much it writes",
    "negative_feedback": "negative feedback",
    "positive_feedback": "positive feedback",
    "recent_tone": "tone of the last five messages",
    "urgency": "critical messages",
    "product_areas": "product areas it writes about",
    "channels": "channels it writes through",
    "topics": "topics it writes about",
    "tenure": "age of the account",
    "tier": "customer tier",
    "region": "region",
}
"""By the names of `transforms.reason_groups.group_names`; "it" is the account."""


def group_words(group: str) -> str:
    """Returns the words of a group; its name where a model has a group of its own."""
    return GROUP_WORDS.get(group, group)
