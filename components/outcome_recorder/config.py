"""The settings of OutcomeRecorder."""

from components.config import component_config
from components.database_config import DatabaseConfig


@component_config
class OutcomeRecorderConfig(DatabaseConfig):
    """How outcomes are recorded."""
