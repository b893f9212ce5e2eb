"""What a check of the database found."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from components.errors import ContractBroken, TensInsightError


class Stops(Enum):
    """How much of a run ends because of a finding."""

    RUN = "the whole run"
    SCORES = "the account scores; product areas are still published"
    AREAS = "the product areas; account scores are still published"
    NOTHING = "nothing, it is a warning"


@dataclass(frozen=True)
class Finding:
    """One sentence about a database, and what follows from it.

    Attributes:
        error: What a run ends with because of it: says what is wrong, where, what was expected
            and what to do.
        stops: What a run does not do because of it.
        sampled: Whether only a sample of the rows was looked at, so that a run, which reads
            all of them, may come to another result.
        check: Name of the data check that failed; empty for what is none of the data gate's.
        undecided: Whether time ran out before there was a result. A run decides it later.
    """

    error: TensInsightError
    stops: Stops = Stops.RUN
    sampled: bool = False
    check: str = ""
    undecided: bool = False

    @property
    def is_problem(self) -> bool:
        """Whether a run would not do all of its work."""
        return self.stops is not Stops.NOTHING

    @property
    def said(self) -> str:
        """The finding in whole sentences."""
        parts = [str(self.error)]
        if self.stops in (Stops.SCORES, Stops.AREAS):
            parts.append(f"This stops {self.stops.value}")
        if self.sampled:
            parts.append("Seen in a sample; a run looks at all rows")
        return " ".join(part if part.endswith((".", "?")) else f"{part}." for part in parts)


def raise_what_stops(findings: Sequence[Finding], database: str, *, need_outputs: bool) -> None:
    """Ends a run of which nothing could be published, with all reasons at once.

    Findings of a sample end no run: it reads all rows, and decides.

    Args:
        findings: Of all checks.
        database: user@host:port/dbname.
        need_outputs: Whether the run publishes; one that does not has no product areas.

    Raises:
        TensInsightError: Of the first reason's class.
    """
    certain = [finding for finding in findings if finding.is_problem and not finding.sampled]
    stopped = {finding.stops for finding in certain}
    parts = {Stops.SCORES, Stops.AREAS} if need_outputs else {Stops.SCORES}
    if Stops.RUN not in stopped and not parts <= stopped:
        return
    reasons = [str(finding.error) for finding in certain]
    kind = type(certain[0].error)
    if len(reasons) == 1 and kind is not ContractBroken:
        raise kind(reasons[0])
    lines = "".join(f"\n- {reason}" for reason in reasons)
    what = "does not keep the contract" if kind is ContractBroken else "is not ready for a run"
    raise kind(f"{database} {what}:{lines}")


def warning_of(finding: Finding) -> str:
    """Says in one line what a run will not do, or what it warns of."""
    return f"warning: {finding.said}"
