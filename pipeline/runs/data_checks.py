"""What the data gate said of a run, for its summary."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from components.data_checker.checks import STOPPED, WARNED, Check
from components.registry.artifact_names import DATA_GATE_DECISION
from components.verdicts import PASSED, SKIPPED
from pipeline.registry.registry import RunArtifacts

SHOWN: Final = 5
_VERDICTS: Final = (PASSED, WARNED, STOPPED, SKIPPED)


@dataclass(frozen=True)
class DataChecks:
    """The decision of the data gate.

    Attributes:
        file: Where it stands in full; empty where the gate was not reached.
        checks: Every check.
    """

    file: str = ""
    checks: list[Check] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """Why checks warned, one sentence each."""
        return [check.message for check in self.checks if check.verdict == WARNED]

    def counts(self) -> str:
        """Returns how many checks had which verdict, and the first reason to skip one."""
        found = Counter(check.verdict for check in self.checks)
        text = ", ".join(f"{found[verdict]} {verdict}" for verdict in _VERDICTS if found[verdict])
        skipped = [check.message for check in self.checks if check.verdict == SKIPPED]
        return f"{text} ({_first(skipped)})" if skipped else text

    def warning_lines(self, file: str) -> Iterator[str]:
        """Yields the first warnings, and how many more there are in the file."""
        yield from self.warnings[:SHOWN]
        if len(self.warnings) > SHOWN:
            yield f"and {len(self.warnings) - SHOWN} more in {file}"


def _first(messages: list[str]) -> str:
    others = len(messages) - 1
    return messages[0] + (f"; and {others} more" if others else "")


def read_data_checks(made: RunArtifacts) -> DataChecks:
    """Reads the decision of a run; an empty one where the gate was not reached.

    Args:
        made: Of the run.
    """
    uri = made.newest_uri(DATA_GATE_DECISION)
    if uri is None:
        return DataChecks()
    from components.data_checker.decision_file import DECISION_FILE, read_checks

    return DataChecks(file=f"{uri}/{DECISION_FILE}", checks=read_checks(uri))
