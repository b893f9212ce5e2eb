"""The settings of Monitor."""

from pydantic import Field

from components.account_events.config import AccountEventsConfig
from components.config import Count, Days, component_config


@component_config
class MonitorConfig(AccountEventsConfig):
    """How often monitoring may raise an alarm although nothing has changed; account events."""

    false_alarms_per_year: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="Monitoring: how many false alarms a year are accepted, over all measures, "
        "slices and runs together.",
    )
    contribution_days: Days = Field(
        default=8,
        description="Monitoring: days for which what the scores of each publication are made of is "
        "kept.",
    )
    contribution_weeks: Count = Field(
        default=10,
        description="Monitoring: weeks for which it is kept for the first publication of a week; "
        "for the first of a month, as long as the history.",
    )
