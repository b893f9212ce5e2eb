"""How much and how sound the data must be."""

import pydantic
from pydantic import Field

from components.data_checker.actions import DEFAULT_ACTIONS, complete_actions
from pipeline.setting_groups.types import Days, Share


class DataGateSettings(pydantic.BaseModel):
    """Bars of the data gate, and what each group of its checks does."""

    min_accounts: int = Field(
        200, ge=2, description="Fewest accounts at the evaluation cutoff to learn from."
    )
    min_churned: int = Field(
        20, ge=1, description="Fewest churned snapshots to train on, and to evaluate on."
    )
    max_feedback_age_days: Days = Field(
        14, description="Oldest that the newest feedback may be at as_of."
    )
    data_checks: dict[str, str] = Field(
        dict(DEFAULT_ACTIONS),
        description="The data gate: stop, warn or off for groups of checks, as a JSON mapping; "
        "those not named keep their defaults.",
    )
    min_drift_accounts: int = Field(
        500, ge=2, description="The data gate: fewest accounts in each of two splits to compare."
    )
    max_unseen_share: Share = Field(
        0.05, description="The data gate: most values of a feature that train does not have."
    )
    max_missing_share: Share = Field(
        0.05, description="The data gate: most missing or empty values of a feature."
    )
    max_vanished_share: Share = Field(
        0.01, description="The data gate: most of the previous run's feedback that may be gone."
    )
    max_accounts_change: Share = Field(
        0.2, description="The data gate: most change of the number of accounts to score."
    )
    min_week_share: Share = Field(
        0.5, description="The data gate: least feedback of the last 7 days, of the mean week."
    )

    @pydantic.field_validator("data_checks")
    @classmethod
    def _all_groups(cls, actions: dict[str, str]) -> dict[str, str]:
        return complete_actions(actions)
