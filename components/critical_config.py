"""The setting of everything that counts critical feedback: from which priority on it is."""

from pydantic import Field

from components.config import component_config
from transforms.thresholds import CRITICAL_PRIORITY


@component_config
class CriticalConfig:
    """What is critical."""

    critical_priority: int = Field(
        default=CRITICAL_PRIORITY,
        ge=1,
        le=5,
        description="Lowest priority (1..5) that is critical: in features, facts and areas.",
    )
