"""The settings of `tens-insight stream`."""

from typing import Literal

import pydantic
from pydantic import Field

from components.config import component_config


@component_config
class StreamConfig:
    """How often is looked for new feedback, and how much is done at a time."""

    stream_source: Literal["scan", "slot"] = Field(
        default="scan",
        description="Streaming: how new feedback is found: by looking through the table (scan), or "
        "by logical decoding from a replication slot (slot).",
    )
    stream_slot: str = Field(
        default="tens_insight",
        pattern=r"^[a-z0-9_]{1,63}$",
        description="Streaming: name of the replication slot, which is made where it is missing.",
    )
    stream_publication: str = Field(
        default="tens_insight",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
        description="Streaming: name of the publication of logical replication that sends the "
        "feedback to the slot.",
    )
    stream_pause_seconds: float = Field(
        default=1.0,
        ge=0.1,
        le=300,
        description="Streaming: seconds between two looks for new feedback; a NOTIFY ends the "
        "pause.",
    )
    stream_accounts: int = Field(
        default=500,
        ge=10,
        le=10_000,
        description="Streaming: maximum number of accounts that are scored and published at once.",
    )
    stream_late_minutes: float = Field(
        default=10,
        gt=0,
        le=1_440,
        description="Streaming: how old, in minutes, created_at of a new row may be for each look "
        "to find it; older ones are found when the whole table is looked through.",
    )
    stream_scan_minutes: float = Field(
        default=5,
        gt=0,
        le=720,
        description="Streaming: minutes between two times that the whole table is looked through "
        "for rows that came later than stream_late_minutes; at most half of these.",
    )

    @pydantic.model_validator(mode="after")
    def _overlap(self) -> "StreamConfig":
        if 2 * self.stream_scan_minutes > self.stream_late_minutes:
            raise ValueError(
                "stream_scan_minutes must be at most half of stream_late_minutes: rows that each "
                "look has found would else be scored again with each scan"
            )
        return self
