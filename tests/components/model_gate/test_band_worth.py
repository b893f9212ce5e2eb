"""What categories are worth is counted, not estimated: every account and every churn is in one."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.model_gate.band_worth import bands_to_judge, worth_of
from pipeline.text.bands import other_rules, worth_lines
from serving_model.served.risk_bands import CONTRACT_BANDS, RiskBands, band_card
from tests.property_tests import cases

IDS = [f"ACC-{number:04d}" for number in range(400)]
CARD: dict[str, Any] = band_card({}, np.linspace(0.01, 0.2, 400))


def test_all_rules_are_judged_that_of_the_settings_first() -> None:
    modes = [one.rule for one in bands_to_judge(CARD)]
    assert [one["mode"] for one in modes] == ["probability", "lift", "lift"]
    assert [one.get("of") for one in modes] == [None, None, "odds"]
    lift = {"risk_bands": json.dumps({"mode": "lift", "lifts": [2, 3, 4]})}
    card = band_card(lift, np.linspace(0.01, 0.2, 400))
    assert bands_to_judge(card)[0].lifts == (2, 3, 4)
    assert len(bands_to_judge(card)) == 4


@settings(max_examples=cases(40))
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.9))
def test_every_account_and_every_churn_is_in_one_category(seed: int, rate: float) -> None:
    random = np.random.default_rng(seed)
    found = random.beta(1, (1 - rate) / rate, 400)
    labels = (random.random(400) < found).astype(np.float64)
    rules = bands_to_judge(band_card({}, found))
    rules.append(RiskBands("capacity", capacity=(10, 20, 30)))
    for worth in worth_of(rules, labels, found, IDS):
        assert sum(one.accounts for one in worth.categories) == 400
        assert sum(one.churned for one in worth.categories) == labels.sum()
        both, parts = worth.high_or_critical, worth.categories[:2]
        assert both.accounts == sum(one.accounts for one in parts)
        assert worth.separates == (4 <= both.accounts <= 396)
        for one in (both, *worth.categories):
            for value, ends in (
                (one.precision, one.precision_interval),
                (one.recall, one.recall_interval),
            ):
                assert (value is None) == (ends is None)
                if value is not None and ends is not None:
                    assert 0 <= ends[0] <= value <= ends[1] <= 1


def test_it_is_told_in_lines_with_what_another_rule_would_be_worth() -> None:
    found = np.r_[np.full(380, 0.04), np.full(20, 0.45)]
    labels = np.r_[np.ones(10), np.zeros(370), np.ones(12), np.zeros(8)]
    worth = list(worth_of(bands_to_judge(band_card({}, found)), labels, found, IDS))
    assert list(worth_lines(worth[0])) == [
        "of 400 accounts of the evaluation set 22 left; high or critical 0",
        "medium 20, 12 of them left, precision 0.60 [0.36, 0.81], recall 0.55 [0.32, 0.76]",
        "low 380, 10 of them left, precision 0.03 [0.01, 0.05], recall 0.45 [0.24, 0.68]",
    ]
    by_lift, by_odds = other_rules(worth)
    assert by_lift.startswith("by lift over the base rate 0.060: medium from 1.5x (0.091)")
    assert by_lift.endswith(
        "high or critical 20, 12 of them left, precision 0.60 [0.36, 0.81], recall 0.55 "
        "[0.32, 0.76]"
    )
    assert "the odds of the base rate" in by_odds


def test_nobody_left_and_an_empty_category_have_no_share() -> None:
    (worth,) = worth_of([CONTRACT_BANDS], np.zeros(400), np.full(400, 0.1), IDS)
    assert worth.categories[-1].recall is None
    assert worth.high_or_critical.precision is None
    assert not worth.separates
    assert pytest.approx(0) == worth.categories[-1].precision
