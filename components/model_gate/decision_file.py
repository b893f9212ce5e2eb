"""decision.json: what ModelGate decided on a challenger, as it writes it and others read it."""

import os
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from components.model_gate.evidence import MissingEvidence
from components.model_gate.gate_check import GateCheck

FILE: Final = "decision.json"
CHALLENGER: Final = "challenger"
CHAMPION: Final = "champion"
"""Names of the two models among those that the gate measures."""


@dataclass(frozen=True)
class Decision:
    """All that the gate found; see the attributes' names in decision.json.

    Attributes:
        blessed: Whether no check failed.
        summary: One sentence.
        model_version: Of the challenger.
        champion_version: Of the champion it was judged beside; None without one.
        eval: cutoff, accounts, churned.
        training: What the baselines learnt from: examples, share of accounts, C.
        checks: In the order in which they were made.
        metrics: Of every model, by its name.
        slices: Metrics and sizes of each, or why it was skipped.
        calibration: Ten bins of the challenger's probabilities, lowest first.
        missing_evidence: What would change the verdict; None where more evidence would not.
        unacceptable_because: Of a refused challenger, why no person may accept it; empty where it
            lacks evidence alone.
    """

    blessed: bool
    summary: str
    model_version: str
    champion_version: str | None
    eval: dict[str, Any]
    training: dict[str, Any]
    checks: tuple[GateCheck, ...]
    metrics: dict[str, dict[str, float | None]]
    slices: list[dict[str, Any]]
    calibration: list[dict[str, float]]
    missing_evidence: MissingEvidence | None = None
    unacceptable_because: str = ""

    @property
    def acceptable(self) -> bool:
        """Whether a person may publish with it all the same: it lacks evidence alone."""
        failed = any(check.failed for check in self.checks)
        return failed and not self.blessed and not self.unacceptable_because

    def as_json(self) -> str:
        """Returns JSON without NaN: what is no number is null."""
        return TypeAdapter(Decision).dump_json(self, indent=1).decode()

    @classmethod
    def from_json(cls, text: str) -> "Decision":
        """Reads what as_json wrote.

        Raises:
            ValueError: Something is absent or not of its type; names it.
        """
        return TypeAdapter(cls).validate_json(text)


def read_decision(blessing_uri: str) -> Decision:
    """Reads the decision beside a blessing of ModelGate.

    Args:
        blessing_uri: Folder of the ModelBlessing artifact.
    """
    from tfx.dsl.io import fileio  # loads TFX, which not every reader of decisions does

    with fileio.open(os.path.join(blessing_uri, FILE)) as file:
        return Decision.from_json(file.read())
