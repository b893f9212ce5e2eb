"""What ModelGate decided on a challenger, read from the file beside its blessing."""

import json
import os
from collections.abc import Iterator

from tfx.dsl.io import fileio

from components.model_gate.decision import FILE, Decision
from components.model_gate.gate_check import GateCheck


class GateDecision(Decision):
    """The decision, as decision.json has it, and how it is told."""

    def quality(self) -> str:
        """Returns the challenger's metrics as one line."""
        own = self.metrics["challenger"]
        (area,) = [check for check in self.checks if check.name == "auc above chance"]
        low, high = area.interval or (float("nan"), float("nan"))
        return (
            f"AUC {own['auc']:.3f} [{low:.3f}, {high:.3f}], PR AUC {own['pr_auc']:.3f}, "
            f"log-loss {own['log_loss']:.4f}, calibration error {own['calibration_error']:.4f}"
        )

    def table(self) -> Iterator[str]:
        """Yields the checks as lines of a table: what was skipped comes last."""
        rows: list[tuple[str, ...]] = [("check", "of", "value", "interval", "bar", "verdict")]
        for check in sorted(self.checks, key=lambda check: check.verdict == "skipped"):
            rows.append(_row(check))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(cells).rstrip()


def read_decision(blessing_uri: str) -> GateDecision:
    """Reads the decision beside a blessing of ModelGate.

    Args:
        blessing_uri: Folder of the ModelBlessing artifact.
    """
    with fileio.open(os.path.join(blessing_uri, FILE), "r") as file:
        found = json.loads(file.read())
    checks = tuple(GateCheck.from_mapping(check) for check in found["checks"])
    return GateDecision(**{**found, "checks": checks})


def _row(check: GateCheck) -> tuple[str, ...]:
    value = "-" if check.value is None else f"{check.value:.4f}"
    ends = "-" if check.interval is None else "[{:.3f}, {:.3f}]".format(*check.interval)
    bar = check.bar if check.verdict != "skipped" else check.message.partition(": ")[2]
    return check.name, check.slice, value, ends, bar, check.verdict
