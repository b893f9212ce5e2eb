"""The settings that everything shares which reads or writes the database."""

from pydantic import Field

from components.config import component_config


@component_config
class DatabaseConfig:
    """How long the server may be away."""

    database_patience_seconds: float = Field(
        default=60,
        ge=0,
        le=3_600,
        description="Seconds for which a run waits for a database server that stopped answering "
        "in mid-run, as in a restart.",
    )
