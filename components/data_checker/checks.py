"""What a check of the data gate is, and the bars that the settings hold."""

from dataclasses import dataclass
from typing import Final

PASSED: Final = "passed"
FAILED: Final = "failed"
"""Only until actions.py has said what a failure does."""
WARNED: Final = "warned"
STOPPED: Final = "stopped"
SKIPPED: Final = "skipped"


@dataclass(frozen=True)
class Check:
    """One check of a run.

    Attributes:
        name: Unique in a decision.
        group: Key of its action in the setting data_checks.
        splits: What was looked at; the base of a comparison comes second.
        found: The value; a word where it is no number, None where there is none.
        bar: What was expected.
        verdict: passed, warned, stopped or skipped.
        message: Why it did not pass, in words that name the setting; empty if it did.
    """

    name: str
    group: str
    splits: tuple[str, ...]
    found: float | int | str | None
    bar: str
    verdict: str
    message: str


@dataclass(frozen=True)
class Limits:
    """The bars.

    Attributes:
        min_accounts: Fewest snapshots in each labelled split.
        min_churned: Fewest churned, and fewest stayed, in each labelled split.
        max_feedback_age_days: Most days from the newest feedback to as_of.
        min_drift_accounts: Fewest accounts in each of two splits for a comparison.
        max_unseen_share: Largest share of values that train does not have, 0..1.
        max_missing_share: Largest share of missing or empty values of a feature, 0..1.
        max_vanished_share: Largest share of the previous run's rows that may be gone, 0..1.
        max_accounts_change: Largest change of the number of accounts to score, as a share
            of those published last.
        min_week_share: Least feedback of the last 7 days, as a share of the mean week.
    """

    min_accounts: int
    min_churned: int
    max_feedback_age_days: int
    min_drift_accounts: int
    max_unseen_share: float
    max_missing_share: float
    max_vanished_share: float
    max_accounts_change: float
    min_week_share: float


def verdict_on(passed: bool) -> str:
    """Returns the verdict of a check that was made."""
    return PASSED if passed else FAILED
