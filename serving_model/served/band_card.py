"""What a model's card says of the risk bands in force when it was trained."""

import json
from collections.abc import Mapping
from typing import Any, Final

from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands

RISK_BANDS: Final = "risk_bands"
"""The rule as JSON, with the probabilities that it amounted to."""
CALIBRATED_BASE_RATE: Final = "calibrated_base_rate"
"""Mean probability within the horizon that the model gives to its newest training cutoff: the
rate that it was calibrated to, while trained_base_rate is that of all its snapshots."""


def band_card(card: Mapping[str, Any], calibrated_base_rate: float) -> dict[str, str | float]:
    """Returns the lines of the card about bands.

    Args:
        card: As handed to the trainer; RISK_BANDS in it is the rule of the settings.
        calibrated_base_rate: In (0, 1).
    """
    bands = _rule(card).against(calibrated_base_rate)
    return {
        CALIBRATED_BASE_RATE: calibrated_base_rate,
        RISK_BANDS: json.dumps(bands.applied(), sort_keys=True),
    }


def bands_of_card(card: Mapping[str, Any]) -> RiskBands:
    """Returns the rule in a card beside the model's base rate."""
    return _rule(card).against(float(card[CALIBRATED_BASE_RATE]))


def _rule(card: Mapping[str, Any]) -> RiskBands:
    if RISK_BANDS not in card:
        return CONTRACT_BANDS
    return RiskBands.from_rule(json.loads(str(card[RISK_BANDS])))
