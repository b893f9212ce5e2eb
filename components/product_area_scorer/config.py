"""The settings of ProductAreaScorer: the weights of the rule, and how it publishes."""

from typing import Literal

import pydantic
from pydantic import Field

from components.config import component_config
from components.publishing.config import PublishingConfig
from transforms.product_area_impact import Weights


@component_config
class ProductAreaScorerConfig(PublishingConfig):
    """The weights, what counts as enterprise, and what publishing does to rows it replaces."""

    area_weights: dict[str, float] = Field(
        default_factory=lambda: Weights().as_dict(),
        description="Product areas: weight of every signal, >= 0, of sum 1, as a JSON mapping.",
    )
    enterprise_segments: tuple[str, ...] = Field(
        default=("enterprise",), description="Product areas: tiers that count as enterprise."
    )
    areas_empty_window: Literal["keep", "clear"] = Field(
        default="keep",
        description="Product areas: what a window without feedback does to the table.",
    )
    vanished_areas: Literal["remove", "keep"] = Field(
        default="remove",
        description="Product areas: what publishing does to pairs without feedback.",
    )

    @pydantic.field_validator("area_weights")
    @classmethod
    def _full_set(cls, weights: dict[str, float]) -> dict[str, float]:
        return Weights.from_mapping(weights).as_dict()

    @property
    def weights(self) -> Weights:
        """The weights, by the names of their signals."""
        return Weights.from_mapping(self.area_weights)
