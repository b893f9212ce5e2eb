"""The settings of FeedbackExampleGen: which rows are read, which examples they become."""

from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal

import pydantic
from pydantic import Field

from components.config import (
    ColumnName,
    Count,
    Days,
    TableName,
    component_config,
    setting_fields,
)
from components.critical_config import CriticalConfig
from components.database_config import DatabaseConfig

LISTED: Final = "listed"
SCORED: Final = "scored"
"""What becomes of silent accounts."""
BACK: Final = "back"
FINAL: Final = "final"
"""What feedback after a churn date means."""
OFF: Final = "off"
"""Of active_within_days: nobody is too silent to count."""

_YEARS: Final = (1990, 2999)


def in_utc(moment: datetime) -> datetime:
    """Returns a moment in UTC; one without a zone is UTC already.

    Raises:
        ValueError: Beyond the years of which windows and horizons can be computed.
    """
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise ValueError(f"expected a moment of the years {_YEARS[0]} to {_YEARS[1]}")
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)


@component_config
class FeedbackExampleGenConfig(DatabaseConfig, CriticalConfig):
    """Windows and cutoffs, the label, how rows are read, and what is counted by product area."""

    lookback_days: Days = Field(
        default=180, description="Days before the cutoff whose events are listed in an example."
    )
    horizon_days: Days = Field(
        default=60, description="Days after the cutoff in which a churn makes the label."
    )
    cutoff_interval_days: Days = Field(default=14, description="Days between two training cutoffs.")
    max_training_cutoffs: int = Field(
        default=12, ge=1, le=200, description="Maximum number of training cutoffs, newest first."
    )
    max_training_examples: int = Field(
        default=200_000,
        ge=10_000,
        description="Number of training examples beyond which accounts are left out, by a hash of "
        "their ids.",
    )
    max_evaluation_examples: int = Field(
        default=100_000,
        ge=10_000,
        description="Number of examples of the evaluation set beyond which accounts are left out "
        "likewise.",
    )
    training_cutoffs: tuple[datetime, ...] = Field(
        default=(),
        description="Training cutoffs in place of regular ones, a JSON list of ISO 8601 times.",
    )
    eval_cutoff: datetime | None = Field(
        default=None,
        description="Evaluation cutoff, ISO 8601; default: the newest whose label window is "
        "closed.",
    )
    max_events: int = Field(
        default=500,
        ge=1,
        le=100_000,
        description="Maximum number of events listed in an example, newest first.",
    )
    duplicate_events: Literal["collapse", "keep"] = Field(
        default="collapse",
        description="Rows that are equal in everything but their id: count once (collapse) or "
        "each (keep).",
    )
    label_source: Literal["auto", "account_churn", "inactivity"] = Field(
        default="auto",
        description="What counts as churn: a date in the churn table (account_churn), no event "
        "within the horizon (inactivity), or the table if it exists (auto).",
    )
    churn_table: TableName = Field(
        default="account_churn", description="Table of churn dates, with its schema if needed."
    )
    churn_account_column: ColumnName = Field(
        default="account_id", description="Column of the churn table that names the account."
    )
    churn_date_column: ColumnName = Field(
        default="churned_at",
        description="Column of the churn table with the churn date, timestamptz.",
    )
    active_within_days: Days | Literal["off", "auto"] = Field(
        default="off",
        description="Days without an event beyond which an account is silent: nothing learns from "
        "it or is judged by it; auto: a number from the pauses of accounts that had not left; off: "
        "all accounts without a churn date count, however silent, and by inactivity those with an "
        "event in the lookback.",
    )
    silent_accounts: Literal["listed", "scored"] = Field(
        default="listed",
        description="Accounts that are silent by active_within_days and have no churn date: not "
        "scored, only listed (listed), or scored nevertheless (scored).",
    )
    rows_after_churn: Literal["back", "final"] = Field(
        default="back",
        description="What feedback after an account's churn date means: the account is back "
        "(back), or it is an echo, such as a mail about the last bill, and the account stays gone "
        "(final).",
    )
    max_churn_age_days: Days = Field(
        default=14,
        description="Days without a churn date that are never too many; beyond them its own rhythm "
        "tells whether the churn table is still filled.",
    )
    row_security: tuple[str, ...] = Field(
        default=(),
        description="Tables whose row-level security may hide rows from this role, a JSON list; "
        "a run stops at others.",
    )
    rows_per_bucket: Count = Field(
        default=2_500_000,
        description="Approximate number of feedback rows that one reader holds in memory.",
    )
    area_window_days: Days = Field(
        default=90, description="Product areas: days before as_of whose feedback counts."
    )

    @pydantic.field_validator("training_cutoffs")
    @classmethod
    def _all_in_utc(cls, moments: tuple[datetime, ...]) -> tuple[datetime, ...]:
        return tuple(map(in_utc, moments))

    @pydantic.field_validator("eval_cutoff")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        return None if moment is None else in_utc(moment)

    @property
    def active_days(self) -> int | None:
        """The number that active_within_days is; None if it is none."""
        return self.active_within_days if isinstance(self.active_within_days, int) else None

    @property
    def lookback(self) -> timedelta:
        """The lookback."""
        return timedelta(days=self.lookback_days)

    @property
    def contract(self) -> dict[str, Any]:
        """What check_contract asks of the inputs, as its keyword arguments."""
        names = ("churn_table", "churn_account_column", "churn_date_column")
        defaults = {name: field.default for name, field in setting_fields(type(self)).items()}
        named = any(getattr(self, name) != defaults[name] for name in names)
        return {
            **{name: getattr(self, name) for name in names},
            "need_churn_table": self.label_source == "account_churn"
            or (self.label_source == "auto" and named),
            "churn_table_ignored": self.label_source == "inactivity",
            "row_security_accepted": self.row_security,
        }

    @property
    def days_needed(self) -> int:
        """Days of history for one training cutoff: a lookback and two closed horizons."""
        return self.lookback_days + 2 * self.horizon_days
