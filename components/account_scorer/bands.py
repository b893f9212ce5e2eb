"""Which rule the risk bands of a run follow, and whether it is another one than before."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import NothingToPublish
from serving_model.served.risk import CATEGORIES
from serving_model.served.risk_bands import (
    AUTO,
    CAPACITY,
    LIFT,
    RiskBands,
    auto_bands_of_card,
    bands_of_card,
    rules_of_cuts,
    separates,
)


def bands_for(wanted: RiskBands, card: Mapping[str, Any]) -> RiskBands:
    """Returns the rule of the settings beside the base rate of the champion.

    The settings win over the model's card: bands say what a team does with a probability,
    and change no probability.

    Args:
        wanted: The rule of the settings, without a base rate; for AUTO the card has it.
        card: Of the champion.

    Raises:
        NothingToPublish: By AUTO, the card does not say which rule was chosen.
    """
    if wanted.mode == AUTO:
        try:
            return auto_bands_of_card(card)
        except ValueError as error:
            raise NothingToPublish(str(error)) from None
    return wanted.against(bands_of_card(card).base_rate)


def trained_rule(card: Mapping[str, Any], bands: RiskBands) -> str | None:
    """Returns the rule in the champion's card; None if it is the one that is applied.

    Args:
        card: Of the champion.
        bands: As applied.
    """
    trained = bands_of_card(card)
    return rule_of(trained) if trained.rule != bands.rule else None


def rule_of(bands: RiskBands) -> str:
    """Returns the mode of a rule and its numbers, such as `lift 2, 3, 6`."""
    numbers = bands.lifts or bands.capacity
    of_odds = " of the odds" if bands.of_odds else ""
    return f"{bands.mode} {', '.join(f'{one:g}' for one in numbers)}".strip() + of_odds


def band_warning(
    bands: RiskBands,
    card: Mapping[str, Any],
    categories: NDArray[np.str_],
    probabilities: NDArray[np.float64],
    accounts: Sequence[str],
) -> str:
    """Says that a rule tells few accounts apart, and names a setting that would tell more.

    Capacity is never warned of: it says itself how many accounts are high.

    Args:
        bands: As applied.
        card: Of the champion.
        categories: Of all accounts that are published, [n].
        probabilities: Likewise, [n].
        accounts: Their ids, [n].

    Returns:
        Sentences; empty where the rule separates the accounts, or there are none.
    """
    if bands.mode == CAPACITY or separates(categories) or not len(accounts):
        return ""
    others = {
        _setting(other, bands): other.categories(probabilities, accounts)
        for other in rules_of_cuts(card)
    }
    return (
        f"the rule of the risk bands ({rule_of(bands)}) tells few accounts apart: "
        f"{_high(categories)} of {len(accounts)} are high or critical, "
        f"{int((categories == CATEGORIES[0]).sum())} low. {_advice(others)}"
    )


def _setting(rule: RiskBands, applied: RiskBands) -> str:
    """Returns the setting by which a rule would be followed instead of the applied one."""
    if rule.chosen:
        return f"TENS_INSIGHT_RISK_BANDS={AUTO}"
    if rule.mode == applied.mode == LIFT and not applied.chosen:
        return f"TENS_INSIGHT_RISK_LIFTS={list(rule.lifts)}"
    return f"TENS_INSIGHT_RISK_BANDS={rule.mode}"


def _advice(others: Mapping[str, NDArray[np.str_]]) -> str:
    for setting, categories in others.items():
        if separates(categories):
            return (
                f"With {setting} {_high(categories)} would be high or critical "
                "(docs/risk-bands.md)"
            )
    return (
        "Nor does any other rule of cuts, since the probabilities lie close together. "
        "TENS_INSIGHT_RISK_BANDS=capacity takes as many accounts as a team can handle "
        "(docs/risk-bands.md)"
    )


def _high(categories: NDArray[np.str_]) -> int:
    return int(np.isin(categories, CATEGORIES[2:]).sum())
