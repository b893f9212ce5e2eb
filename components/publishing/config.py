"""The settings that publishers share: the circuit breaker, and how much history is kept."""

import pydantic
from pydantic import Field

from components.config import Fraction, component_config
from components.history_config import HistoryConfig


@component_config
class PublishingConfig(HistoryConfig):
    """Limits of any output table on how far a publication may differ from the last one."""

    max_count_change: float = Field(
        default=0.5,
        ge=0,
        le=1_000,
        description="Circuit breaker: maximum change of the number of rows, as a fraction of the "
        "last publication.",
    )
    accept_shift: str = Field(
        default="",
        description="Circuit breaker: publish in spite of it, for this reason, which is logged.",
    )

    @pydantic.field_validator("accept_shift")
    @classmethod
    def _a_reason(cls, reason: str) -> str:
        if reason.strip().lower() in ("true", "false", "yes", "no", "on", "off", "1", "0"):
            raise ValueError("expected the reason in words, or nothing")
        return " ".join(reason.split())


@component_config
class ScorePublishingConfig(PublishingConfig):
    """Limits of a table of probabilities."""

    max_mean_shift: Fraction = Field(
        default=0.2, description="Circuit breaker: maximum change of the mean probability (0..1)."
    )
    max_category_shift: Fraction = Field(
        default=0.2,
        description="Circuit breaker: maximum change of a risk category's fraction (0..1) of the "
        "rows.",
    )
    max_moved_share: Fraction = Field(
        default=0.1,
        description="Circuit breaker: maximum fraction (0..1) of accounts whose probability "
        "changes by more than moved_threshold; 1 switches the check off.",
    )
    moved_threshold: Fraction = Field(
        default=0.3, description="Circuit breaker: the change of a probability that counts (0..1)."
    )
