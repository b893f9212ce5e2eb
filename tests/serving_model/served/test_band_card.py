"""The card keeps the rule of training, and gives the base rate that lifts are measured by."""

import json

from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands, band_card, bands_of_card

LIFT = RiskBands("lift", lifts=(1.5, 2.5, 4.0))


def test_rule_and_cuts_are_in_the_card():
    card = {"trained_base_rate": 0.07, "risk_bands": json.dumps(LIFT.rule)}
    card |= band_card(card, 0.04)
    assert json.loads(card["risk_bands"]) == {
        "mode": "lift",
        "lifts": [1.5, 2.5, 4.0],
        "base_rate": 0.04,
        "cuts": [1.5 * 0.04, 2.5 * 0.04, 4 * 0.04],
    }
    assert bands_of_card(card) == LIFT.against(0.04)


def test_without_a_rule_in_the_settings_the_contracts_cuts_count():
    assert bands_of_card({"calibrated_base_rate": 0.07}) == CONTRACT_BANDS.against(0.07)
    assert json.loads(band_card({}, 0.04)["risk_bands"])["mode"] == "probability"
