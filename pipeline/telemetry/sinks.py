"""The sinks that settings name, and how they did."""

from collections.abc import Mapping

from pipeline.alerts.sink_notes import note_sinks
from pipeline.settings import Settings
from pipeline.telemetry.metrics import SINKS


def configured_sinks(settings: Settings) -> set[str]:
    """Returns the names of the sinks that are set, for whatever kind of run."""
    telemetry = settings.telemetry
    asked = {
        "textfile": telemetry.metrics_textfile,
        "pushgateway": telemetry.pushgateway_url.get_secret_value(),
        "ping": any(url.get_secret_value() for url in telemetry.ping_urls.values()),
        "openlineage_file": telemetry.openlineage_file,
        "openlineage_url": telemetry.openlineage_url.get_secret_value(),
    }
    return {name for name in SINKS if asked[name]}


def note_problems(settings: Settings, problems: Mapping[str, str]) -> None:
    """Notes how sinks did, for metrics and for alerts.

    Args:
        settings: Say where, and which sinks there are.
        problems: By name of the sink, without secrets; empty for one that took everything.
    """
    note_sinks(settings.alerts_dir, problems, set(SINKS) - configured_sinks(settings))
