"""The settings of DataChecker: its thresholds, and what a failed check does."""

import pydantic
from pydantic import Field

from components.config import Count, Days, Fraction, component_config
from components.data_checker.actions import DEFAULT_ACTIONS, complete_actions


@component_config
class DataCheckerConfig:
    """Thresholds of the data gate, and the action of each group of checks."""

    min_accounts: int = Field(
        default=200, ge=2, description="The data gate: minimum accounts in train and in eval."
    )
    min_churned: Count = Field(
        default=20,
        description="The data gate: minimum churned, and minimum stayed, in train and in eval.",
    )
    max_feedback_age_days: Days = Field(
        default=14, description="The data gate: maximum days from the newest feedback to as_of."
    )
    max_unmatched_churn_share: Fraction = Field(
        default=0.4,
        description="The data gate: maximum fraction (0..1) of the churn rows whose id no account "
        "has.",
    )
    max_misspelt_share: Fraction = Field(
        default=0.05,
        description="The data gate: maximum fraction (0..1) of churn rows that would match an "
        "account in another spelling, and of accounts published last that come twice.",
    )
    max_lost_accounts_share: Fraction = Field(
        default=0.2,
        description="The data gate: maximum fraction (0..1) of the accounts published last that "
        "have no feedback any more.",
    )
    max_silent_share: Fraction = Field(
        default=0.1,
        description="The data gate: maximum fraction (0..1) of the accounts that have been silent "
        "for long and, as the churn table has it, leave less than half as often as the others.",
    )
    data_checks: dict[str, str] = Field(
        default_factory=lambda: dict(DEFAULT_ACTIONS),
        description="The data gate: stop, warn or off for groups of checks, as a JSON mapping; "
        "those not named keep their defaults.",
    )
    min_drift_accounts: int = Field(
        default=500,
        ge=2,
        description="The data gate: minimum accounts in each of two splits that are compared.",
    )
    max_unseen_share: Fraction = Field(
        default=0.05,
        description="The data gate: maximum fraction (0..1) of a feature's values that train "
        "does not have.",
    )
    max_missing_share: Fraction = Field(
        default=0.05,
        description="The data gate: maximum fraction (0..1) of a feature's values that are "
        "missing or empty.",
    )
    max_vanished_share: Fraction = Field(
        default=0.01,
        description="The data gate: maximum fraction (0..1) of the previous run's rows that may "
        "disappear.",
    )
    max_accounts_change: Fraction = Field(
        default=0.2,
        description="The data gate: maximum change of the number of accounts to score, as a "
        "fraction (0..1) of those published last.",
    )
    min_week_share: Fraction = Field(
        default=0.5,
        description="The data gate: minimum rows of the last 7 days, as a fraction (0..1) of an "
        "average week.",
    )

    @pydantic.field_validator("data_checks")
    @classmethod
    def _all_groups(cls, actions: dict[str, str]) -> dict[str, str]:
        return complete_actions(actions)
