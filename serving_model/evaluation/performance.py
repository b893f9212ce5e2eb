"""How well a publication did, does, or may be expected to do: one record for all three."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple


class Estimate(NamedTuple):
    """A value, and the interval that the realised one lies in with 95 %.

    NaN where the value means nothing, such as the AUC where nobody can leave.
    """

    value: float
    low: float
    high: float


UNDEFINED: Final = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class BandPerformance:
    """One risk band taken as a warning: who is in it is flagged.

    Attributes:
        flagged: Accounts in the band; known, so without an interval.
        left: Of them, those who leave: the true positives.
        precision: Share of the flagged that leave.
        recall: Share of all churned accounts that are flagged.
        lift: Precision over the share of churned accounts among all.
        false_positives: Flagged accounts that stay.
        false_negatives: Churned accounts that are not flagged.
    """

    flagged: int
    left: Estimate
    precision: Estimate
    recall: Estimate
    lift: Estimate
    false_positives: Estimate
    false_negatives: Estimate


@dataclass(frozen=True)
class Performance:
    """A population of one publication and one horizon.

    Attributes:
        accounts: How many.
        left: How many of them leave within the horizon.
        metrics: By name: auc, pr_auc, log_loss, brier, calibration_error.
        bands: By name of the risk band, of those with any account.
    """

    accounts: int
    left: Estimate
    metrics: Mapping[str, Estimate]
    bands: Mapping[str, BandPerformance]
