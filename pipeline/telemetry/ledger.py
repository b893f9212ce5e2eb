"""How each sink did last: kept in the state directory, for metrics and alerts."""

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from components.state_files import make_private, replace_text
from pipeline.alerts.look import alerts_folder
from pipeline.alerts.sink_notes import note_sinks
from pipeline.settings import Settings

_FILE: Final = "sinks.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SinkEntry:
    """How a sink did last; moments are UTC.

    Attributes:
        problem: Why it did not take what it was given last, a sentence; empty if it did.
        took_at: When it last took something; None if it never did.
        failing_since: Since when it takes nothing; None if it did last.
        failures: How many attempts to run ended since then without it.
    """

    problem: str
    took_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0


class Ledger:
    """The entries of one state directory.

    Args:
        state_dir: The state directory.
    """

    def __init__(self, state_dir: Path):
        self._folder = state_dir / "telemetry"

    def read(self) -> dict[str, SinkEntry]:
        """Returns the entries by name of the sink; none where the file is missing or torn."""
        try:
            content = json.loads((self._folder / _FILE).read_text(encoding="utf-8"))
            return {name: _entry(values) for name, values in content.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def note(
        self, problems: Mapping[str, str], configured: Collection[str], now: datetime
    ) -> dict[str, SinkEntry]:
        """Writes how sinks did; what is known of others that are set stays.

        Args:
            problems: By name of the sink, empty for one that took everything.
            configured: Names of all sinks that are set, for whatever run.
            now: UTC.

        Returns:
            What is known now.

        Raises:
            OSError: It cannot be written.
        """
        former = self.read()
        found = {name: entry for name, entry in former.items() if name in configured}
        for name, problem in problems.items():
            found[name] = _next(former.get(name), problem, now)
        make_private(self._folder)
        content = {name: _plain(entry) for name, entry in found.items()}
        replace_text(self._folder / _FILE, f"{json.dumps(content, indent=1)}\n")
        return found


def _next(former: SinkEntry | None, problem: str, now: datetime) -> SinkEntry:
    if not problem:
        return SinkEntry("", took_at=now)
    if former is None:
        return SinkEntry(problem, failing_since=now, failures=1)
    return SinkEntry(
        problem, former.took_at, former.failing_since or now, failures=former.failures + 1
    )


def _plain(entry: SinkEntry) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in vars(entry).items()
    }


def _entry(values: dict[str, Any]) -> SinkEntry:
    moments = {
        name: datetime.fromisoformat(values[name]) if values[name] else None
        for name in ("took_at", "failing_since")
    }
    return SinkEntry(str(values["problem"]), **moments, failures=int(values["failures"]))


def configured_sinks(settings: Settings) -> dict[str, bool]:
    """Tells of each sink whether the settings ask for it, for whatever kind of run."""
    telemetry = settings.telemetry
    return {
        "textfile": bool(telemetry.metrics_textfile),
        "pushgateway": bool(telemetry.pushgateway_url.get_secret_value()),
        "ping": any(url.get_secret_value() for url in telemetry.ping_urls.values()),
        "openlineage_file": bool(telemetry.openlineage_file),
        "openlineage_url": bool(telemetry.openlineage_url.get_secret_value()),
    }


def note_problems(settings: Settings, problems: Mapping[str, str]) -> None:
    """Keeps how sinks did, for metrics and for alerts; says nothing where that cannot be written.

    Args:
        settings: Say where, and which sinks there are.
        problems: By name of the sink, a sentence each; empty for one that took everything.
    """
    configured = [name for name, is_set in configured_sinks(settings).items() if is_set]
    ledger = Ledger(settings.state_dir)
    former = ledger.read()
    gone = {name: "" for name in former if name not in configured}
    if not (problems or gone) or not settings.state_dir.is_dir():
        return
    try:
        ledger.note(problems, configured, datetime.now(timezone.utc))
    except OSError as error:
        _log.info("How the sinks did was not written down: %s", error)
    note_sinks(
        alerts_folder(settings),
        gone | {name: problem.rstrip(".") for name, problem in problems.items()},
    )
