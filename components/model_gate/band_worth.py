"""What the risk categories are worth on the evaluation set: who is in each, and who left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from serving_model.served.risk import CATEGORIES
from serving_model.served.risk_bands import RiskBands, bands_of_card, rules_of_cuts, separates
from transforms.arrays import Floats

HIGH_OR_CRITICAL: Final = "high or critical"


@dataclass(frozen=True)
class CategoryWorth:
    """One category; intervals are exact 95 % intervals of a share (Clopper and Pearson 1934).

    Attributes:
        category: Its name, or HIGH_OR_CRITICAL.
        accounts: Of the evaluation set in it.
        churned: Of them, how many left.
        precision: churned / accounts; None without accounts.
        precision_interval: Likewise.
        recall: Of all that left, the share that is in it; None where nobody left.
        recall_interval: Likewise.
    """

    category: str
    accounts: int
    churned: int
    precision: float | None
    precision_interval: tuple[float, float] | None
    recall: float | None
    recall_interval: tuple[float, float] | None


@dataclass(frozen=True)
class BandsWorth:
    """What a rule of the risk categories is worth.

    Attributes:
        rule: As publications record it, with base rate and cuts.
        described: The rule in a sentence.
        categories: The highest first.
        high_or_critical: Both together, which readers look for.
        separates: Whether some accounts are high or critical, and some are not.
    """

    rule: dict[str, Any]
    described: str
    categories: tuple[CategoryWorth, ...]
    high_or_critical: CategoryWorth
    separates: bool


def bands_to_judge(card: Mapping[str, Any]) -> list[RiskBands]:
    """Returns the rule in a model's card, and those of other settings that it can be beside.

    Args:
        card: Of the challenger.
    """
    own = bands_of_card(card)
    return list({str(one.rule): one for one in (own, *rules_of_cuts(card))}.values())


def worth_of(
    bands: Sequence[RiskBands],
    labels: Floats,
    probabilities: Floats,
    accounts: Sequence[str],
) -> Iterator[BandsWorth]:
    """Yields what each rule is worth.

    Args:
        bands: The rules; by capacity as many accounts are taken as of those that are published.
        labels: 0 or 1, [n].
        probabilities: Of the challenger, [n].
        accounts: Ids, [n].
    """
    for one in bands:
        found = one.categories(probabilities, accounts)
        yield BandsWorth(
            rule=one.applied(),
            described=one.describe(),
            categories=tuple(_worth(name, found == name, labels) for name in reversed(CATEGORIES)),
            high_or_critical=_worth(HIGH_OR_CRITICAL, np.isin(found, CATEGORIES[2:]), labels),
            separates=separates(found),
        )


def _worth(name: str, rows: NDArray[np.bool_], labels: Floats) -> CategoryWorth:
    accounts, churned, left = int(rows.sum()), int(labels[rows].sum()), int(labels.sum())
    precision, recall = _share(churned, accounts), _share(churned, left)
    return CategoryWorth(name, accounts, churned, *precision, *recall)


def _share(part: int, whole: int) -> tuple[float | None, tuple[float, float] | None]:
    if not whole:
        return None, None
    found = binomtest(part, whole).proportion_ci(method="exact")
    return part / whole, (float(found.low), float(found.high))
