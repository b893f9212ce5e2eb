"""The settings of the cold-start rule: what scores before a model, and a baseline of the gate."""

from typing import Literal

import pydantic
from pydantic import Field

from components.config import component_config
from components.critical_config import CriticalConfig
from transforms.cold_start_rule import RuleWeights


@component_config
class RuleConfig(CriticalConfig):
    """The rule itself."""

    rule_weights: dict[str, float] = Field(
        default_factory=lambda: RuleWeights().as_dict(),
        description="The cold-start rule: weight of every signal, >= 0, of sum 1, as a JSON "
        "mapping.",
    )

    @pydantic.field_validator("rule_weights")
    @classmethod
    def _full_rule(cls, weights: dict[str, float]) -> dict[str, float]:
        return RuleWeights.from_mapping(weights).as_dict()

    @property
    def rule(self) -> RuleWeights:
        """The weights, by the names of their signals."""
        return RuleWeights.from_mapping(self.rule_weights)


@component_config
class ColdStartConfig(RuleConfig):
    """What scores while no model is blessed."""

    cold_start: Literal["off", "rules"] = Field(
        default="off",
        description="What scores while no model is blessed: nothing (off), or a rule with fixed "
        "weights that learns nothing (rules), which needs assumed_churn_rate.",
    )
    assumed_churn_rate: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="The cold-start rule: fraction (0..1) of the accounts that you expect to leave "
        "within horizon_days; the mean of its probabilities.",
    )

    @pydantic.model_validator(mode="after")
    def _rate_is_stated(self) -> "ColdStartConfig":
        """A rule that learnt nothing cannot know how many leave."""
        if self.cold_start == "rules" and self.assumed_churn_rate is None:
            raise ValueError(
                "cold_start is rules, which needs assumed_churn_rate: the fraction of your "
                "accounts that you expect to leave within horizon_days, such as "
                "TENS_INSIGHT_ASSUMED_CHURN_RATE=0.05 for 5 of 100"
            )
        return self

    @property
    def scores_by_rule(self) -> bool:
        """Whether the rule scores while no model is blessed."""
        return self.cold_start == "rules"

    @property
    def base_rate(self) -> float:
        """The churn rate that is assumed where the rule scores."""
        assert self.assumed_churn_rate is not None, "a rule without a rate is refused above"
        return self.assumed_churn_rate
