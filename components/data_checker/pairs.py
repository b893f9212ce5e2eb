"""Which splits are compared, and whether both have enough to tell a shift from chance."""

from dataclasses import dataclass
from typing import Final

from components.data_checker.config import DataCheckerConfig
from components.data_checker.statistics import Statistics, accounts, common_stats, features
from components.feedback_example_gen.cutoffs import EVAL, SCORE, TRAIN

DRIFT: Final = "drift"
SKEW: Final = "skew"


@dataclass(frozen=True)
class Pair:
    """Two splits to compare: `split` against `base`, by the comparators of one group."""

    group: str
    split: str
    base: str

    @property
    def name(self) -> str:
        """Names the pair."""
        return f"{self.split} against {self.base}"


PAIRS: Final = (Pair(DRIFT, EVAL, TRAIN), Pair(SKEW, SCORE, TRAIN), Pair(DRIFT, SCORE, EVAL))
"""Whether the evaluation speaks for what was learnt; whether what is served looks like what
was learnt; what moved since the evaluation cutoff."""


def too_few(pair: Pair, base: Statistics, split: Statistics, limits: DataCheckerConfig) -> str:
    """Says which side of a pair has too few accounts to tell a shift from chance, if one has."""
    for name, statistics in ((pair.split, split), (pair.base, base)):
        if (count := accounts(statistics)) < limits.min_drift_accounts:
            return (
                f"too few: {count} accounts in {name} of {limits.min_drift_accounts} needed "
                "(TENS_INSIGHT_MIN_DRIFT_ACCOUNTS)"
            )
    return ""


def too_few_values(
    pair: Pair, feature: str, base: Statistics, split: Statistics, limits: DataCheckerConfig
) -> str:
    """Says which side has too few values of a feature: enough accounts may be silent."""
    for name, statistics in ((pair.split, split), (pair.base, base)):
        found = features(statistics).get(feature)
        count = common_stats(found).tot_num_values if found is not None else 0
        if count < limits.min_drift_accounts:
            return (
                f"too few: {count} values in {name} of {limits.min_drift_accounts} needed "
                "(TENS_INSIGHT_MIN_DRIFT_ACCOUNTS)"
            )
    return ""
