"""What Monitor found: the properties of Monitoring."""

from dataclasses import dataclass

from components.registry import artifact_names
from components.registry.properties import Properties


@dataclass(frozen=True, kw_only=True)
class MonitoringProperties(Properties):
    """What Monitor noticed about a publication.

    Attributes:
        as_of: The run's now, ISO 8601 UTC.
        publication_id: Of the scores, in the log of publications.
        measures: Values that were written to tens_insight.profile_metrics.
        alarms: A sentence for each alarm that is open; None without one.
        notes: Other sentences; None without one.
    """

    TYPE_NAME = artifact_names.MONITORING

    as_of: str
    publication_id: int
    measures: int
    alarms: tuple[str, ...] | None = None
    notes: tuple[str, ...] | None = None
