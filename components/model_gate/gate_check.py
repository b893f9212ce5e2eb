"""One check of the gate: what was found, the threshold, the verdict, and the sentence about it."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.verdicts import FAILED, PASSED, SKIPPED
from serving_model.evaluation.paired_bootstrap import interval

OVERALL: Final = "overall"
LOWEST_AUC: Final = 0.5
"""A ranking by chance."""


@dataclass(frozen=True)
class GateCheck:
    """A check, in the shape of decision.json.

    Attributes:
        name: What is checked.
        slice: `overall`, or which accounts.
        value: What was found; None if nothing could be computed.
        interval: Its 95 % bootstrap interval over accounts, if one was made.
        threshold: The rule, in words.
        limit: The number in it.
        verdict: passed, failed or skipped.
        accounts: Accounts that it was judged on.
        churned: Of them, how many churned.
        message: All of it as one sentence.
        p_value: How likely chance alone is to lead as far, if that was tested.
    """

    name: str
    slice: str
    value: float | None
    interval: tuple[float, float] | None
    threshold: str
    limit: float | None
    verdict: str
    accounts: int
    churned: int
    message: str
    p_value: float | None = None

    @property
    def failed(self) -> bool:
        """Whether it forbids a blessing."""
        return self.verdict == FAILED


@dataclass(frozen=True)
class Population:
    """The accounts that a check is about."""

    slice: str
    accounts: int
    churned: int

    @classmethod
    def of(cls, name: str, labels: NDArray[np.float64]) -> "Population":
        """Counts the accounts of a slice."""
        return cls(name, len(labels), int(labels.sum()))

    def check(
        self,
        name: str,
        value: float,
        threshold: str,
        limit: float,
        excess: float,
        replicates: NDArray[np.float64] | None = None,
        strict: bool = False,
        ends: tuple[float, float] | None = None,
        p_value: float | None = None,
        remark: str = "",
    ) -> GateCheck:
        """Makes a check; it fails where `excess` is above 0, or is no number.

        Args:
            name: What is checked.
            value: What was found.
            threshold: The rule, in words.
            limit: The number in it.
            excess: How far the value, or the end of the interval that counts, is beyond.
            replicates: Bootstrap replicates of the value.
            strict: Whether it fails at 0 too.
            ends: The interval of the value, where it comes from no replicates.
            p_value: How likely chance alone is to lead as far.
            remark: What the value is made of, put behind it in the sentence.
        """
        ends = interval(replicates) if replicates is not None else ends
        # JSON knows no infinity: the ratio to a rate that may be 0 has no interval.
        ends = ends if ends and all(map(math.isfinite, ends)) else None
        shown = f" [{ends[0]:.4f}, {ends[1]:.4f}]" if ends else ""
        failed = not (excess < 0 if strict else excess <= 0)
        known = math.isfinite(value) and math.isfinite(excess)
        missed = f", missed by {excess:.4f}" if known and failed else ""
        return GateCheck(
            name=name,
            slice=self.slice,
            value=value if math.isfinite(value) else None,
            interval=ends,
            threshold=threshold,
            limit=limit,
            verdict=FAILED if failed else PASSED,
            accounts=self.accounts,
            churned=self.churned,
            message=f"{self._named(name)} is {value:.4f}{shown}{remark} on {self._counted()}: "
            f"{threshold}{missed}",
            p_value=p_value,
        )

    def skip(self, name: str, threshold: str, why: str) -> GateCheck:
        """Makes a check that could not be judged, and says why."""
        return GateCheck(
            name=name,
            slice=self.slice,
            value=None,
            interval=None,
            threshold=threshold,
            limit=None,
            verdict=SKIPPED,
            accounts=self.accounts,
            churned=self.churned,
            message=f"{self._named(name)} was skipped on {self._counted()}: {why}",
        )

    def _named(self, name: str) -> str:
        return name if self.slice == OVERALL else f"{name} of {self.slice}"

    def _counted(self) -> str:
        return f"{self.accounts} accounts ({self.churned} churned)"
