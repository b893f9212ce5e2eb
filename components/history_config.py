"""The setting of everything that keeps what was published: for how long."""

from pydantic import Field

from components.config import Days, component_config
from components.database_config import DatabaseConfig


@component_config
class HistoryConfig(DatabaseConfig):
    """How much history is kept."""

    history_days: Days = Field(
        default=400,
        description="Days for which the history of publications and records of runs are kept.",
    )
