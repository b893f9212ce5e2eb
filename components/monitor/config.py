"""The settings of Monitor."""

from pydantic import Field

from components.config import component_config
from components.history_config import HistoryConfig


@component_config
class MonitorConfig(HistoryConfig):
    """How often monitoring may raise an alarm although nothing has changed."""

    false_alarms_per_year: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="Monitoring: how many false alarms a year are accepted, over all measures, "
        "slices and runs together.",
    )
