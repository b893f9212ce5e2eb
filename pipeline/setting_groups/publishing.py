"""How far a publication may differ from the last one, and what is kept."""

from typing import Literal

import pydantic
from pydantic import Field

from pipeline.setting_groups.types import Days, Share


class PublishingSettings(pydantic.BaseModel):
    """The circuit breaker, the history, and rows that are no longer published."""

    departed_accounts: Literal["remove", "keep"] = Field(
        "remove", description="What publishing does to scores of accounts no longer scored."
    )
    max_count_change: Share = Field(
        0.5, description="Circuit breaker: most change of the number of scores, as a share."
    )
    max_mean_shift: Share = Field(
        0.2, description="Circuit breaker: most change of the mean probability."
    )
    max_category_shift: Share = Field(
        0.2, description="Circuit breaker: most change of a category's share of the scores."
    )
    max_moved_share: Share = Field(
        0.1, description="Circuit breaker: most accounts that may move far, as a share."
    )
    moved_threshold: Share = Field(
        0.3, description="Circuit breaker: change of a probability that is a far move."
    )
    accept_shift: str = Field(
        "", description="Circuit breaker: the reason to publish in spite of it, for the log."
    )
    history_days: Days = Field(
        400, description="Days that the history of what was published reaches back."
    )

    @pydantic.field_validator("accept_shift")
    @classmethod
    def _a_reason(cls, reason: str) -> str:
        # A switch of former versions: "false" must not come to mean "accepted".
        if reason.strip().lower() in ("true", "false", "yes", "no", "on", "off", "1", "0"):
            raise ValueError("expected the reason in words, or nothing")
        return " ".join(reason.split())
