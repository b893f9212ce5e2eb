"""Which rule the risk bands of a run follow, and whether it is another one than before."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import NothingToPublish
from serving_model.served.risk import CATEGORIES
from serving_model.served.risk_bands import (
    AUTO,
    AUTO_RISK_BANDS,
    CAPACITY,
    CONTRACT_BANDS,
    DEFAULT_LIFTS,
    LIFT,
    RiskBands,
    auto_bands_of_card,
    bands_of_card,
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
    """Says that a rule tells nobody apart, and names a setting that would; empty where it does.

    Capacity is never warned of: it says itself how many accounts are high.

    Args:
        bands: As applied.
        card: Of the champion.
        categories: Of all accounts that are published, [n].
        probabilities: Likewise, [n].
        accounts: Their ids, [n].
    """
    if bands.mode == CAPACITY or separates(categories) or not len(accounts):
        return ""
    high, low = _high(categories), int((categories == CATEGORIES[0]).sum())
    said = (
        f"the rule of the risk bands ({rule_of(bands)}) tells few accounts apart: {high} of "
        f"{len(accounts)} are high or critical, {low} low"
    )
    rate = bands_of_card(card).base_rate
    others = {
        "probability": CONTRACT_BANDS,
        "lift": RiskBands(LIFT, DEFAULT_LIFTS).against(rate),
    }
    if AUTO_RISK_BANDS in card:
        others[AUTO] = auto_bands_of_card(card)
    found = {
        setting: other.categories(probabilities, accounts) for setting, other in others.items()
    }
    helps = [setting for setting, one in found.items() if separates(one)]
    if helps:
        count = _high(found[helps[0]])
        return (
            f"{said}. With TENS_INSIGHT_RISK_BANDS={helps[0]} {count} would be high or critical "
            "(docs/risk-bands.md)"
        )
    best = max(found, key=lambda setting: _high(found[setting]) % len(accounts))
    count = _high(found[best])
    most = f" ({best}: {count} high or critical)" if count else ""
    return (
        f"{said}. No rule of cuts tells more than a few apart, since the probabilities lie close "
        f"together{most}. "
        "TENS_INSIGHT_RISK_BANDS=capacity takes as many accounts as a team can handle"
    )


def _high(categories: NDArray[np.str_]) -> int:
    return int(np.isin(categories, CATEGORIES[2:]).sum())
