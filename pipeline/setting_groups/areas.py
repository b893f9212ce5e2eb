"""How product areas are ranked."""

from typing import Literal

import pydantic
from pydantic import Field

from pipeline.setting_groups.types import Days
from transforms.product_area_impact import Weights
from transforms.thresholds import CRITICAL_PRIORITY


class AreaSettings(pydantic.BaseModel):
    """The window, the weights and what counts as critical and as enterprise."""

    area_window_days: Days = Field(
        90, description="Product areas: days before as_of whose feedback counts."
    )
    area_weights: dict[str, float] = Field(
        Weights().as_dict(),
        description="Product areas: weight of every signal, >= 0, of sum 1, as a JSON mapping.",
    )
    critical_priority: int = Field(
        CRITICAL_PRIORITY,
        ge=1,
        le=5,
        description="Lowest priority (1..5) that is critical: in features, facts and areas.",
    )
    enterprise_segments: tuple[str, ...] = Field(
        ("enterprise",), description="Product areas: tiers that count as enterprise."
    )
    areas_empty_window: Literal["keep", "clear"] = Field(
        "keep", description="Product areas: what a window without feedback does to the table."
    )
    vanished_areas: Literal["remove", "keep"] = Field(
        "remove", description="Product areas: what publishing does to pairs without feedback."
    )

    @pydantic.field_validator("area_weights")
    @classmethod
    def _full_set(cls, weights: dict[str, float]) -> dict[str, float]:
        return Weights.from_mapping(weights).as_dict()
