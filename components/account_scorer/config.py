"""The settings of AccountScorer: the risk categories, and how scores are published."""

from itertools import pairwise
from typing import Any, Final, Literal

import pydantic
from pydantic import Field

from components.cold_start_config import ColdStartConfig
from components.config import Count, Fraction, component_config
from components.publishing.config import ScorePublishingConfig
from components.publishing.holdout import Holdout
from serving_model.served.risk_bands import CAPACITY, DEFAULT_LIFTS, LIFT, RiskBands

_BANDS: Final = 3
_REASONS_SHARE: Final = 0.1


@component_config
class AccountScorerConfig(ScorePublishingConfig, ColdStartConfig):
    """What scores, the rule of the risk categories, and what publishing does to other rows."""

    risk_bands: Literal["probability", "lift", "capacity", "auto"] = Field(
        default="probability",
        description="Rule of the risk categories: fixed probabilities of the contract "
        "(probability), multiples of the base rate (lift), as many accounts as a team can handle "
        "(capacity), or what training chose for the model (auto): probability where some accounts "
        "reach high, else lift.",
    )
    risk_lifts: tuple[float, ...] = Field(
        default=DEFAULT_LIFTS,
        description="By lift: where medium, high and critical begin, in multiples of the model's "
        "base rate, a JSON list.",
    )
    risk_capacity: tuple[Count, ...] = Field(
        default=(),
        description="By capacity: how many accounts are critical, high and medium, a JSON list, "
        "or one number for each of them.",
    )
    reasons: Literal["all", "top", "none"] = Field(
        default="all",
        description="Whose reasons are computed and published: those of all accounts (all), of the "
        "share of them that is most at risk (top), or none, which saves most time. Only by all it "
        "is known which feature groups moved the scores.",
    )
    reasons_share: Fraction = Field(
        default=_REASONS_SHARE,
        gt=0,
        description="By top: the fraction (0..1) of the accounts that get reasons, the most at "
        "risk of each file of Examples.",
    )
    departed_accounts: Literal["remove", "keep"] = Field(
        default="remove",
        description="What publishing does to the scores of accounts that are not scored any more.",
    )

    shadow_models: int = Field(
        default=1,
        ge=0,
        le=3,
        description="How many models score beside the champion without being published (0 to 3): "
        "one that a person named, the former champion, the newest challenger.",
    )
    holdout_share: float = Field(
        default=0,
        ge=0,
        le=0.5,
        description="Fraction (0..0.5) of the accounts that are marked to be left alone, so that "
        "what a team does for the others can be measured; chosen by a hash of their ids.",
    )
    holdout_salt: str = Field(
        default="tens-insight",
        pattern=r"^[A-Za-z0-9_.:-]{1,64}$",
        description="Text that is hashed with the ids of accounts to choose the holdout; another "
        "one chooses others.",
    )

    @pydantic.field_validator("risk_lifts")
    @classmethod
    def _rising(cls, lifts: tuple[float, ...]) -> tuple[float, ...]:
        rising = all(one < next_ for one, next_ in pairwise(lifts))
        # The comparison with infinity refuses NaN too.
        if len(lifts) != _BANDS or not rising or not all(0 < one < float("inf") for one in lifts):
            raise ValueError("expected three rising multiples above 0, such as [1.5, 2.5, 4]")
        return lifts

    @pydantic.field_validator("risk_capacity", mode="before")
    @classmethod
    def _one_for_each(cls, capacity: Any) -> Any:
        return (capacity,) * _BANDS if isinstance(capacity, int | str) else capacity

    @pydantic.field_validator("risk_capacity")
    @classmethod
    def _three(cls, capacity: tuple[int, ...]) -> tuple[int, ...]:
        if len(capacity) not in (0, _BANDS):
            raise ValueError("expected one number, or three: critical, high, medium")
        return capacity

    @pydantic.model_validator(mode="after")
    def _bands_agree(self) -> "AccountScorerConfig":
        """Refuses numbers that the chosen bands would leave unused, or lack."""
        bands = self.risk_bands
        if bands == CAPACITY and not self.risk_capacity:
            raise ValueError(
                "risk_bands is capacity, which needs risk_capacity: how many accounts a team can "
                "handle, such as TENS_INSIGHT_RISK_CAPACITY=[10, 40, 100]: critical, high, medium"
            )
        if bands != CAPACITY and self.risk_capacity:
            raise ValueError(
                f"risk_capacity is set, but risk_bands is {bands}, which does not use it: set "
                "TENS_INSIGHT_RISK_BANDS=capacity, or leave risk_capacity empty"
            )
        if bands != LIFT and self.risk_lifts != DEFAULT_LIFTS:
            raise ValueError(
                f"risk_lifts is set, but risk_bands is {bands}, which does not use it: set "
                "TENS_INSIGHT_RISK_BANDS=lift, or leave risk_lifts as it is"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _share_is_used(self) -> "AccountScorerConfig":
        if self.reasons != "top" and self.reasons_share != _REASONS_SHARE:
            raise ValueError(
                f"reasons_share is set, but reasons is {self.reasons}, which does not use it: set "
                "TENS_INSIGHT_REASONS=top, or leave reasons_share as it is"
            )
        return self

    @property
    def holdout(self) -> Holdout:
        """Which accounts are marked to be left alone."""
        return Holdout(self.holdout_share, self.holdout_salt)

    @property
    def explained(self) -> float:
        """Which share of the accounts gets reasons, 0..1."""
        return {"all": 1.0, "top": self.reasons_share, "none": 0.0}[self.reasons]

    @property
    def explains_all(self) -> bool:
        """Whether all accounts get reasons."""
        return self.explained == 1

    @property
    def bands(self) -> RiskBands:
        """The rule of the risk categories; the base rate is the model's."""
        lifts = self.risk_lifts if self.risk_bands == LIFT else ()
        return RiskBands(self.risk_bands, lifts, self.risk_capacity)
