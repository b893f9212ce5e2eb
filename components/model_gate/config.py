"""The settings of ModelGate: what a challenger must show."""

from collections.abc import Mapping
from typing import Annotated, Literal

import pydantic
from pydantic import Field

from components.cold_start_config import RuleConfig
from components.config import Count, Fraction, component_config

Worsening = Annotated[float, Field(ge=-1, le=1)]
"""Below 0 a challenger must be better by so much; NaN, which no check could miss, is refused."""

Ratio = Annotated[float, Field(ge=1)]


@component_config
class ModelGateConfig(RuleConfig):
    """Thresholds of the model gate, and the rule that is one of its baselines."""

    min_auc: Fraction = Field(
        default=0.6, description="The gate: lowest AUC on the evaluation set."
    )
    max_worsening: dict[str, Worsening] = Field(
        default_factory=dict,
        description="The gate: how much worse than champion or baseline by a metric, "
        'such as {"auc": 0.02, "log_loss": 0.02}; a metric that is not named keeps its default.',
    )
    max_calibration_error: Fraction = Field(
        default=0.05, description="The gate: highest expected calibration error."
    )
    max_calibration_gap: Fraction = Field(
        default=0.05,
        description="The gate: maximum difference of mean probability and observed rate.",
    )
    max_calibration_ratio: Ratio = Field(
        default=1.2,
        description="The gate: by what factor mean probability and observed rate may differ where "
        "chance does not explain it.",
    )
    max_part_calibration_ratio: Ratio = Field(
        default=1.75,
        description="The gate: the same in the top decile, in each slice, and at the horizons "
        "beside the label's.",
    )
    min_slice_churned: Count = Field(
        default=30, description="The gate: minimum churned accounts of a slice that is checked."
    )
    min_slice_stayed: Count = Field(
        default=30, description="The gate: minimum accounts that stayed, of such a slice."
    )

    after_blessing: Literal["publish", "shadow"] = Field(
        default="publish",
        description="What a blessed model does: score at once (publish), or run in shadow until it "
        "is promoted (shadow). The first one scores at once.",
    )

    @pydantic.field_validator("max_worsening")
    @classmethod
    def _of_known_metrics(cls, given: dict[str, float]) -> dict[str, float]:
        if unknown := sorted(given.keys() - _defaults().keys()) if given else []:
            raise ValueError(f"{unknown[0]} is none of {', '.join(_defaults())}")
        return given

    @property
    def worsening_limits(self) -> Mapping[str, float]:
        """How much worse a challenger may be, by the name of each metric that is compared."""
        return {**_defaults(), **self.max_worsening}


def _defaults() -> dict[str, float]:
    # scikit-learn takes a second to import, and most commands judge nothing.
    from serving_model.evaluation.metrics import METRICS

    compared = METRICS.values()
    return {one.name: one.max_worsening for one in compared if one.max_worsening is not None}
