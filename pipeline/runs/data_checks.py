"""What the data gate said of a run, for its summary."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipeline.registry.registry import Artifact

SHOWN: Final = 5
_VERDICTS: Final = ("passed", "warned", "stopped", "skipped")


@dataclass(frozen=True)
class DataChecks:
    """The decision of the data gate.

    Attributes:
        file: Where it stands in full; empty where the gate was not reached.
        checks: Every check, as components/data_checker/checks.py describes it.
    """

    file: str = ""
    checks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """Why checks warned, one sentence each."""
        return [check["message"] for check in self.checks if check["verdict"] == "warned"]

    def counts(self) -> str:
        """Returns how many checks had which verdict, and the first reason to skip one."""
        found = Counter(check["verdict"] for check in self.checks)
        text = ", ".join(f"{found[verdict]} {verdict}" for verdict in _VERDICTS if found[verdict])
        skipped = [check["message"] for check in self.checks if check["verdict"] == "skipped"]
        return f"{text} ({_first(skipped)})" if skipped else text

    def warning_lines(self, file: str) -> Iterator[str]:
        """Yields the first warnings, and how many more there are in the file."""
        yield from self.warnings[:SHOWN]
        if len(self.warnings) > SHOWN:
            yield f"and {len(self.warnings) - SHOWN} more in {file}"


def _first(messages: list[str]) -> str:
    others = len(messages) - 1
    return messages[0] + (f"; and {others} more" if others else "")


def read_data_checks(decision: Artifact | None) -> DataChecks:
    """Reads the decision of a run; an empty one where the gate was not reached."""
    if decision is None:
        return DataChecks()
    file = Path(decision.uri) / "decision.json"
    return DataChecks(file=str(file), checks=json.loads(file.read_text(encoding="utf-8")))
