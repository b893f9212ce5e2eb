"""decision.json: what ModelGate decided on a challenger, as it writes it and others read it."""

import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter

from components.model_gate.band_worth import BandsWorth
from components.model_gate.evidence import MissingEvidence
from components.model_gate.gate_check import GateCheck
from serving_model.evaluation.ranking import FirstAccounts, FirstDifference

FILE: Final = "decision.json"
CHALLENGER: Final = "challenger"
CHAMPION: Final = "champion"
"""Names of the two models among those that the gate measures."""


@dataclass(frozen=True)
class JudgedHorizon:
    """What the challenger's probabilities within so many days are worth.

    Attributes:
        days: From the cutoff.
        not_judged: Why nothing can be said of them; empty where they were judged.
        accounts: Whose window was seen to its end.
        churned: Of them, how many churned within it.
        auc: Of these accounts; None where it is no number.
        auc_interval: Its 95 % bootstrap interval over accounts.
        mean_predicted: Mean probability.
        mean_observed: Share that churned.
        calibration_error: Mean over deciles.
        p_value: How often a calibrated model's mean would be as far off.
    """

    days: int
    not_judged: str
    accounts: int
    churned: int
    auc: float | None = None
    auc_interval: tuple[float, float] | None = None
    mean_predicted: float | None = None
    mean_observed: float | None = None
    calibration_error: float | None = None
    p_value: float | None = None


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
        bands: What the risk categories are worth on the evaluation set: by the rule of the settings
            of the training run first, then by other rules.
        missing_evidence: What would change the verdict; None where more evidence would not.
        unacceptable_because: Of a refused challenger, why no person may accept it; empty where it
            lacks evidence alone.
        horizons: Every horizon that the challenger answers for, rising.
        first_accounts: What the first accounts are worth, by model and count.
        first_differences: The challenger's less those of each other model.
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
    bands: tuple[BandsWorth, ...] = ()
    missing_evidence: MissingEvidence | None = None
    unacceptable_because: str = ""
    horizons: list[JudgedHorizon] = field(default_factory=list)
    first_accounts: list[FirstAccounts] = field(default_factory=list)
    first_differences: list[FirstDifference] = field(default_factory=list)

    @property
    def acceptable(self) -> bool:
        """Whether a person may publish with it all the same: it lacks evidence alone."""
        failed = any(check.failed for check in self.checks)
        return failed and not self.blessed and not self.unacceptable_because

    def as_json(self) -> str:
        """Returns JSON without NaN: what is no number is null."""
        return _adapter().dump_json(self, indent=1).decode()

    @classmethod
    def from_json(cls, text: str) -> "Decision":
        """Reads what as_json wrote.

        Raises:
            ValueError: Something is absent or not of its type; names it.
        """
        return _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[Decision]:
    """Makes it once: that takes ten times as long as reading a file, and a list reads hundreds."""
    return TypeAdapter(Decision)


def read_decision(blessing_uri: str) -> Decision:
    """Reads the decision beside a blessing of ModelGate.

    Args:
        blessing_uri: Folder of the ModelBlessing artifact.
    """
    from tfx.dsl.io import fileio  # loads TFX, which not every reader of decisions does

    with fileio.open(os.path.join(blessing_uri, FILE)) as file:
        return Decision.from_json(file.read())
