"""What is a high risk, how far a publication may differ from the last one, what is kept."""

from itertools import pairwise
from typing import Any, Literal

import pydantic
from pydantic import Field

from pipeline.setting_groups.types import Days, Share, Units
from serving_model.served.risk_bands import CAPACITY, DEFAULT_LIFTS, LIFT, RiskBands

_BANDS = 3


class PublishingSettings(pydantic.BaseModel):
    """Risk categories, the circuit breaker, the history, rows no longer published."""

    risk_bands: Literal["probability", "lift", "capacity"] = Field(
        "probability",
        description="Risk categories: the contract's fixed cuts, multiples of the base rate "
        "(lift), or as many accounts as a team can handle (capacity).",
    )
    risk_lifts: tuple[float, ...] = Field(
        DEFAULT_LIFTS,
        description="By lift: where medium, high and critical begin, in multiples of the model's "
        "base rate, a JSON list.",
    )
    risk_capacity: tuple[Units, ...] = Field(
        (),
        description="By capacity: how many accounts are critical, high and medium, a JSON list, "
        "or one number for each of them.",
    )
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
    def _bands_agree(self) -> "PublishingSettings":
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

    @property
    def bands(self) -> RiskBands:
        """The rule of the risk categories; the base rate is the model's."""
        lifts = self.risk_lifts if self.risk_bands == LIFT else ()
        return RiskBands(self.risk_bands, lifts, self.risk_capacity)

    @pydantic.field_validator("accept_shift")
    @classmethod
    def _a_reason(cls, reason: str) -> str:
        # A switch of former versions: "false" must not come to mean "accepted".
        if reason.strip().lower() in ("true", "false", "yes", "no", "on", "off", "1", "0"):
            raise ValueError("expected the reason in words, or nothing")
        return " ".join(reason.split())
