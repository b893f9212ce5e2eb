"""Is there a champion, and was it made for snapshots like these?"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tfx import types

from components.errors import NothingToPublish

MUST_AGREE: Final = (
    "lookback_days",
    "horizon_days",
    "max_events",
    "duplicate_events",
    "label_source",
)
UNSAID: Final = {"duplicate_events": "keep"}
"""What held for models whose card does not say it."""


def require_champion(models: Sequence[types.Artifact]) -> types.Artifact:
    """Returns the one model that the resolver found.

    Raises:
        NothingToPublish: It found none: no model was ever blessed, or all were withdrawn.
    """
    if not models:
        raise NothingToPublish(
            "There is no champion: no model was ever blessed, or all that were are withdrawn, so "
            "there is nothing to score with and account_risk_scores is as it was. `tens-insight "
            "models list` shows which. Run `tens-insight run train`; if it says that the "
            "challenger was not blessed, its report of the gate says why."
        )
    return models[0]


def require_fit(card: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Checks that the champion learnt from snapshots cut like those to be scored.

    Args:
        card: The model's card.
        facts: Custom properties of the Examples.

    Raises:
        NothingToPublish: Lookback, horizon, length of the lists, treatment of duplicates
            or label source differ.
    """
    known = {**UNSAID, **card}
    differing = [
        f"{name} was {known[name]} and is {facts[name]}"
        for name in MUST_AGREE
        if known[name] != facts[name]
    ]
    if differing:
        raise NothingToPublish(
            f"The champion {card['model_version']} does not fit the present settings: "
            f"{', '.join(differing)}. Restore them, or run `tens-insight run train` until a model "
            "with the new ones is blessed."
        )
