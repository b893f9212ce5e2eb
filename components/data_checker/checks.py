"""What a check of the data gate is, and what became of it."""

from dataclasses import dataclass
from typing import Final

from components.verdicts import FAILED, PASSED, SKIPPED

WARNED: Final = "warned"
STOPPED: Final = "stopped"


@dataclass(frozen=True)
class Check:
    """One check of a run.

    Attributes:
        name: Unique in a decision.
        group: Key of its action in the setting data_checks.
        splits: What was looked at; the base of a comparison comes second.
        found: The value; a word where it is no number, None where there is none.
        threshold: What was expected.
        verdict: passed, warned, stopped or skipped.
        message: Why it did not pass, in words that name the setting; empty if it did.
        low: What was found passes from low to high; None where there is no lower end.
        high: Likewise; None where there is no upper end, and both where it is no number.
    """

    name: str
    group: str
    splits: tuple[str, ...]
    found: float | int | str | None
    threshold: str
    verdict: str
    message: str
    low: float | None = None
    high: float | None = None


def told(name: str, verdict: str, why: str) -> str:
    """Returns the message of a check: why it did not pass, and which one was skipped."""
    return {PASSED: "", SKIPPED: f"{name}: {why}"}.get(verdict, why)


def verdict_on(passed: bool) -> str:
    """Returns the verdict of a check; actions.py says what a failure does."""
    return PASSED if passed else FAILED
