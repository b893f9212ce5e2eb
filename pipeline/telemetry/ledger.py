"""How each sink did last: kept in the state directory, for metrics and alerts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from components.state_files import make_private, replace_text

_FILE: Final = "sinks.json"


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

    def note(self, problems: Mapping[str, str], now: datetime) -> None:
        """Writes how the sinks of an attempt did; those that are not set any more go.

        Args:
            problems: By name of the sink, empty for one that took everything.
            now: UTC.

        Raises:
            OSError: It cannot be written.
        """
        former = self.read()
        found = {name: _next(former.get(name), problem, now) for name, problem in problems.items()}
        make_private(self._folder)
        content = {name: _plain(entry) for name, entry in found.items()}
        replace_text(self._folder / _FILE, f"{json.dumps(content, indent=1)}\n")


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
