"""The card keeps the rule of training, and gives the base rate that lifts are measured by."""

import json

import numpy as np
import pytest

from serving_model.served.risk_bands import (
    CONTRACT_BANDS,
    RiskBands,
    auto_bands_of_card,
    band_card,
    bands_of_card,
)

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


ODDS = RiskBands("lift", lifts=(1.5, 2.5, 4.0), of_odds=True, chosen=True)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        # 2 % churn, hardly any signal: nobody is near one half.
        (np.linspace(0.005, 0.08, 500), ODDS),
        # Four of 500 are high, fewer than one in a hundred.
        (np.r_[np.full(496, 0.05), np.full(4, 0.6)], ODDS),
        (np.r_[np.full(495, 0.05), np.full(5, 0.6)], CONTRACT_BANDS),
        # 65 % churn: either almost everybody is high, or the cuts tell accounts apart.
        (np.linspace(0.55, 0.72, 500), ODDS),
        (np.linspace(0.2, 0.95, 500), CONTRACT_BANDS),
    ],
)
def test_auto_takes_probability_where_it_separates(probabilities, expected):
    card = band_card({"risk_bands": json.dumps({"mode": "auto"})}, probabilities)
    found, rate = bands_of_card(card), float(probabilities.mean())
    assert found.rule == expected.rule
    assert found.chosen
    assert found == auto_bands_of_card(card)
    assert json.loads(card["risk_bands"])["chosen_by"] == "auto"
    assert "as training chose for auto" in found.describe()
    assert card["high_share"] == float((probabilities >= 0.5).mean())
    assert RiskBands.from_rule(found.applied(), rate) == found
    # What others set does not keep the choice from being recorded for a later run.
    card = band_card({"risk_bands": json.dumps(LIFT.rule)}, probabilities)
    assert (bands_of_card(card).rule, bands_of_card(card).chosen) == (LIFT.rule, False)
    assert auto_bands_of_card(card) == found


def test_cuts_of_the_odds_follow_any_base_rate_and_are_never_above_1():
    for rate in (0.001, 0.02, 0.2, 0.65, 0.99):
        cuts = ODDS.against(rate).cuts
        assert rate < cuts[0] < cuts[1] < cuts[2] < 1
    assert ODDS.against(0.02).cuts == pytest.approx((0.0297, 0.0485, 0.0755), abs=1e-4)
    assert ODDS.against(0.65).cuts == pytest.approx((0.7358, 0.8228, 0.8814), abs=1e-4)


def test_a_card_without_the_choice_is_told():
    with pytest.raises(ValueError, match="has no auto_risk_bands.*Train with this version"):
        auto_bands_of_card({"calibrated_base_rate": 0.1})
