"""What is read, as of when, and which snapshots are taken."""

from datetime import datetime, timezone
from typing import Literal

import pydantic
from pydantic import Field

from pipeline.setting_groups.types import ColumnName, Days, TableName


class ReadingSettings(pydantic.BaseModel):
    """The run's now, the windows and cutoffs, the label, and how rows are read."""

    as_of: datetime | None = Field(
        None, description="The run's now, ISO 8601, UTC without a zone; default: database clock."
    )

    lookback_days: Days = Field(180, description="Days before the cutoff that event lists reach.")
    horizon_days: Days = Field(60, description="Days after the cutoff that the label looks.")
    churn_horizons: tuple[Days, ...] = Field(
        (30, 60, 90),
        min_length=1,
        description="Days for which churn is predicted beside horizon_days, a JSON list.",
    )
    cutoff_interval_days: Days = Field(14, description="Days between two training cutoffs.")
    max_training_cutoffs: int = Field(
        12, ge=1, le=200, description="Most cutoffs to train on, the newest ones."
    )
    training_cutoffs: tuple[datetime, ...] = Field(
        (), description="Moments to train on in place of regular ones, a JSON list of ISO 8601."
    )
    eval_cutoff: datetime | None = Field(
        None, description="Moment to evaluate on; default: the newest with a closed window."
    )
    max_events: int = Field(
        500, ge=1, le=100_000, description="Most events in a snapshot, the newest ones."
    )
    duplicate_events: Literal["collapse", "keep"] = Field(
        "collapse",
        description="Account features: rows equal in all but their id count once, or all.",
    )

    label_source: Literal["auto", "account_churn", "inactivity"] = Field(
        "auto", description="Ground truth table, silence, or the table if it is there (auto)."
    )
    churn_table: TableName = Field("account_churn", description="Table of dated churns.")
    churn_account_column: ColumnName = Field("account_id", description="Its account column.")
    churn_date_column: ColumnName = Field("churned_at", description="Its timestamptz column.")

    rows_per_bucket: int = Field(
        1_000_000, ge=1_000, description="Feedback rows one reader holds in memory, about."
    )
    beam_pipeline_args: tuple[str, ...] = Field(
        (), description="Options for Beam in place of the local defaults, as a JSON list."
    )

    @pydantic.field_validator("churn_horizons")
    @classmethod
    def _distinct(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(days)) < len(days):
            raise ValueError("each horizon may be named once only")
        return tuple(sorted(days))

    @pydantic.field_validator("as_of", "eval_cutoff")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        return None if moment is None else _utc(moment)

    @pydantic.field_validator("training_cutoffs")
    @classmethod
    def _all_in_utc(cls, moments: tuple[datetime, ...]) -> tuple[datetime, ...]:
        return tuple(map(_utc, moments))


def _utc(moment: datetime) -> datetime:
    """Without a zone a moment is UTC already."""
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)
