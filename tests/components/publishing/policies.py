"""Policies of publishers: nothing is compared unless a test asks for it."""

from dataclasses import fields, replace
from typing import Any

from components.publishing.config import ScorePublishingConfig
from components.publishing.publication import PublishPolicy


def publish_policy(max_count_change: float, max_mean_shift: float = 1.0, **changes: Any) -> Any:
    """Returns a policy; the other limits of probabilities are switched off."""
    lax = ScorePublishingConfig(
        max_count_change=max_count_change,
        max_mean_shift=max_mean_shift,
        max_category_shift=1.0,
        max_moved_share=1.0,
    )
    return policy_with(PublishPolicy(lax), **changes)


def policy_with(policy: PublishPolicy, **changes: Any) -> PublishPolicy:
    """Returns a policy with other limits or other flags."""
    names = {one.name for one in fields(policy.limits)}
    limits = {name: value for name, value in changes.items() if name in names}
    flags = {name: value for name, value in changes.items() if name not in names}
    return replace(policy, limits=replace(policy.limits, **limits), **flags)
