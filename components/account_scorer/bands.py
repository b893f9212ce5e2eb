"""Which rule the risk bands of a run follow, and whether it is another one than before."""

from collections.abc import Mapping
from typing import Any

from serving_model.served.risk_bands import RiskBands, bands_of_card


def bands_for(wanted: RiskBands, card: Mapping[str, Any]) -> RiskBands:
    """Returns the rule of the settings beside the base rate of the champion.

    The settings win over the model's card: bands say what a team does with a probability,
    and change no probability.

    Args:
        wanted: The rule of the settings, without a base rate.
        card: Of the champion.
    """
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
    return f"{bands.mode} {', '.join(f'{one:g}' for one in numbers)}".strip()
