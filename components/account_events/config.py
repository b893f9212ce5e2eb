"""The settings of account events."""

from typing import Annotated

from pydantic import Field

from components.config import Days, Fraction, component_config
from components.history_config import HistoryConfig


@component_config
class AccountEventsConfig(HistoryConfig):
    """Which events are told, and how many a day."""

    events_per_day: int = Field(
        default=20,
        ge=0,
        le=10_000,
        description="Account events: how many are told a day (UTC), the most valuable first; the "
        "others are kept and counted.",
    )
    event_jump: Fraction = Field(
        default=0.2,
        gt=0,
        description="Account events: the rise of a probability (0..1) since the publication before "
        "from which on it is a jump.",
    )
    event_quiet_days: Days = Field(
        default=7,
        description="Account events: days without a high or critical score after which an account "
        "has recovered, and days after a jump without another one.",
    )
    event_area_score: float = Field(
        default=80,
        ge=0,
        le=100,
        description="Account events: the priority_score (0..100) from which on a product area is "
        "critical in a segment.",
    )
    event_tier_weights: dict[str, Annotated[float, Field(ge=0, le=1000)]] = Field(
        default_factory=lambda: {"enterprise": 2.0},
        description="Account events: how much more an event of a customer tier is worth, as a JSON "
        "mapping; tiers that are not named weigh 1.",
    )
