"""Have contracts ended without a churn date, so that accounts stay in the population for ever?

Where the table of churn dates records every departure, accounts that are silent for long leave as
the others do, or more often. Where contracts end without a row, hardly any of those that are
silent leaves, and they are many. `tens-insight db check` asks the same.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from components.data_checker.checks import Check, told, verdict_on
from components.data_checker.config import DataCheckerConfig
from components.feedback_example_gen.config import LISTED
from components.feedback_example_gen.cutoffs import EVAL, SCORE
from components.registry.input_properties import ExamplesProperties, Split
from components.verdicts import SKIPPED

POPULATION: Final = "population"
_NAME: Final = "accounts silent for long"
_HALF: Final = 0.5
"""Silent accounts that leave more than half as often as the others are taken for customers."""
_CHANCE: Final = 0.01
"""Probability below which so few departures among them are no chance."""


@dataclass(frozen=True)
class Silence:
    """Accounts at one cutoff that no churn date says have left.

    Attributes:
        days: Beyond so many days without feedback an account is silent.
        accounts: All of them.
        churned: Of these, how many churned within the horizon; about so many, where some accounts
            were left out of the split.
        silent: How many are silent.
        silent_churned: Of these, how many churned.
    """

    days: int
    accounts: int
    churned: int
    silent: int
    silent_churned: int

    @property
    def share(self) -> float:
        """Of the accounts that are silent, [0, 1]."""
        return self.silent / self.accounts if self.accounts else 0.0

    @property
    def rate(self) -> float:
        """Churn rate of all, [0, 1]."""
        return self.churned / self.accounts if self.accounts else 0.0

    @property
    def silent_rate(self) -> float:
        """Churn rate of the silent accounts, [0, 1]."""
        return self.silent_churned / self.silent if self.silent else 0.0

    @property
    def other_rate(self) -> float:
        """Churn rate of the others, [0, 1]."""
        others = self.accounts - self.silent
        return (self.churned - self.silent_churned) / others if others > 0 else 0.0

    @property
    def have_left(self) -> bool:
        """Whether silent accounts leave so seldom that most must have left before."""
        seldom = self.silent_rate < _HALF * self.other_rate
        return seldom and _at_most(self.silent_churned, self.silent, self.other_rate) < _CHANCE


def silence_of(split: Split, data: ExamplesProperties) -> Silence | None:
    """Returns who is silent at the cutoff of a split; None where that was not counted.

    Args:
        split: With one cutoff.
        data: Properties of the Examples that it is of.
    """
    if split.silent is None or split.silent_churned is None or data.silent_days is None:
        return None
    accounts = split.available or split.examples
    churned = round(split.churned * accounts / split.examples) if split.examples else 0
    if data.active_within_days is not None:  # the silent accounts are no examples
        accounts, churned = accounts + split.silent, churned + split.silent_churned
    return Silence(data.silent_days, accounts, churned, split.silent, split.silent_churned)


def check_population(
    data: ExamplesProperties,
    splits: list[str],
    limits: DataCheckerConfig,
    *,
    is_proposed: bool = False,
) -> Iterator[Check]:
    """Yields whether many accounts must have left without a churn date.

    Args:
        data: Properties of the Examples.
        splits: Its splits; nothing is checked without labels, or by inactivity.
        limits: The thresholds.
        is_proposed: Whether active_within_days of the Examples is what `auto` proposes, and not
            what is set.
    """
    found = silence_of(data.splits[EVAL], data) if EVAL in splits else None
    if found is None:
        return
    most = limits.max_silent_share
    if data.active_within_days is not None and not is_proposed:
        left_out = f"left out beyond {found.days} days (TENS_INSIGHT_ACTIVE_WITHIN_DAYS)"
        yield _check(found, SKIPPED, left_out, most)
        return
    verdict = verdict_on(found.share <= most or not found.have_left)
    yield _check(found, verdict, _message(found, data, is_proposed), most)


def _message(found: Silence, data: ExamplesProperties, is_proposed: bool) -> str:
    scored, split = "", data.splits.get(SCORE)
    if split is not None and split.silent is not None and data.silent_accounts == LISTED:
        left_out = data.active_within_days is not None
        everybody = split.examples + (split.silent if left_out else 0)
        scored = f", and {everybody - split.silent} of {everybody} accounts would be scored"
    setting = f"auto, which takes {found.days} days," if is_proposed else f"{found.days}"
    return (
        f"{found.silent} of {found.accounts} accounts of the evaluation cutoff had been silent for "
        f"more than {found.days} days: {found.share:.1%}; of these {found.silent_churned} churned "
        f"within {data.horizon_days} days, {found.silent_rate:.1%}, and {found.other_rate:.1%} of "
        "the others: they seem to have left without a churn date. With "
        f"TENS_INSIGHT_ACTIVE_WITHIN_DAYS={setting} nothing would learn from them, the base rate "
        f"would be {found.other_rate:.1%} in place of {found.rate:.1%}{scored}; where they are "
        "customers, allow more (TENS_INSIGHT_MAX_SILENT_SHARE)"
    )


def _at_most(successes: int, trials: int, probability: float) -> float:
    """Returns the probability of so many successes or fewer, of a binomial distribution.

    By hand, since importing scipy takes a third of the time that `db check` has.
    """
    if not 0 < probability < 1:
        return 1.0
    odds = math.log(probability) - math.log1p(-probability)
    log_term = trials * math.log1p(-probability)
    total = 0.0
    for count in range(min(successes, trials - 1) + 1):
        total += math.exp(log_term)
        log_term += math.log(trials - count) - math.log(count + 1) + odds
    return 1.0 if successes >= trials else min(1.0, total)


def _check(found: Silence, verdict: str, why: str, most: float) -> Check:
    share, message = round(found.share, 6), told(_NAME, verdict, why)
    return Check(_NAME, POPULATION, (EVAL,), share, f"<= {most:g}", verdict, message, high=most)
