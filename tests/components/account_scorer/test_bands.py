"""The warning about risk bands names a setting that helps, and none that is in force already."""

from typing import Any

import numpy as np
import pytest

from components.account_scorer.bands import band_warning
from serving_model.served.risk_bands import CAPACITY, CONTRACT_BANDS, LIFT, RiskBands, band_card

RARE = np.r_[np.linspace(0.01, 0.06, 360), np.linspace(0.2, 0.24, 40)]
LEVEL = np.full(400, 0.05)
STEEP = RiskBands(LIFT, (10.0, 20.0, 30.0))


def warned(bands: RiskBands, probabilities: np.ndarray) -> str:
    card: dict[str, Any] = band_card({}, probabilities if len(probabilities) else RARE)
    applied = bands.against(float(card["calibrated_base_rate"]))
    accounts = [f"ACC-{number:04d}" for number in range(len(probabilities))]
    categories = applied.categories(probabilities, accounts)
    return band_warning(applied, card, categories, probabilities, accounts)


@pytest.mark.parametrize(
    ("bands", "setting"),
    [(CONTRACT_BANDS, "RISK_BANDS=lift"), (STEEP, "RISK_LIFTS=[1.5, 2.5, 4.0]")],
)
def test_the_setting_is_one_that_would_help(bands: RiskBands, setting: str) -> None:
    said = warned(bands, RARE)
    assert "tells few accounts apart: 0 of 400 are high or critical, 400 low. " in said
    assert f"With TENS_INSIGHT_{setting} 40 would be high or critical" in said


def test_where_only_the_odds_tell_apart_it_is_auto() -> None:
    many = np.linspace(0.79, 0.8, 400)
    many[:40] = 0.97
    assert "RISK_BANDS=auto 40 would" in warned(CONTRACT_BANDS, many)


def test_where_no_cut_helps_it_is_capacity() -> None:
    assert "Nor does any other rule of cuts" in warned(CONTRACT_BANDS, LEVEL)
    assert "RISK_BANDS=capacity takes" in warned(CONTRACT_BANDS, LEVEL)


def test_what_separates_and_capacity_are_not_warned_of() -> None:
    assert warned(CONTRACT_BANDS, np.linspace(0.01, 0.9, 400)) == ""
    assert warned(RiskBands(CAPACITY, capacity=(1, 1, 1)), RARE) == ""
    assert warned(CONTRACT_BANDS, LEVEL[:0]) == ""
