"""Confusion counts at every cut, counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import confusion_matrix

from components.model_review.sections.estimates import SectionMissing
from components.model_review.sections.thresholds import GRID, thresholds_of
from tests.components.model_review.judgements import PAIRS, drawn, predictions
from tests.components.model_review.sections.test_calibration import wilson

CARD = {"calibrated_base_rate": 0.12}
PROBABILITY = '{"mode": "probability"}'


@given(PAIRS)
def test_the_four_counts_are_those_of_a_confusion_matrix(pairs: list[tuple[int, float]]) -> None:
    labels, found = (np.array(column) for column in zip(*pairs, strict=True))
    for one in thresholds_of(predictions(labels, challenger=found), CARD, PROBABILITY).cuts:
        expected = confusion_matrix(labels, found >= one.probability, labels=[0, 1]).ravel()
        counted = (one.left_alone, one.false_alarms, one.missed, one.churned)
        assert counted == tuple(expected)
        assert one.flagged == one.churned + one.false_alarms
        assert one.precision.value == pytest.approx(one.churned / one.flagged)
        assert one.recall.value == pytest.approx(one.churned / labels.sum())


def test_intervals_are_wilsons() -> None:
    (one,) = [
        one
        for one in thresholds_of(drawn(3_000), CARD, PROBABILITY).cuts
        if one.probability == 0.25
    ]
    assert one.bands == "medium"
    assert one.precision.interval == pytest.approx(wilson(one.churned, one.flagged))
    everyone = one.churned + one.missed
    assert one.recall.interval == pytest.approx(wilson(one.churned, everyone))
    stayed = one.false_alarms + one.left_alone
    assert one.false_alarm_rate.interval == pytest.approx(wilson(one.false_alarms, stayed))


def test_the_cuts_are_those_of_the_rule_and_of_the_grid() -> None:
    lift = '{"mode": "lift", "lifts": [2, 3, 40]}'
    found = thresholds_of(drawn(3_000), CARD, lift)
    begin = {one.bands: one.probability for one in found.cuts if one.bands}
    assert begin == {"medium": pytest.approx(0.24), "high": pytest.approx(0.36)}
    assert found.never == ("critical",)
    assert {0.01, 0.05, 0.9} <= set(GRID)
    flagged = [one.flagged for one in found.cuts]
    assert flagged == sorted(flagged, reverse=True)


def test_by_capacity_a_band_begins_at_the_last_account_that_has_room() -> None:
    found = thresholds_of(drawn(3_000), CARD, '{"mode": "capacity", "capacity": [20, 50, 100]}')
    assert {one.bands: one.flagged for one in found.cuts if one.bands} == {
        "critical": 20,
        "high": 70,
        "medium": 170,
    }


def test_without_both_outcomes_it_says_so() -> None:
    with pytest.raises(SectionMissing, match="0 of 3 accounts"):
        thresholds_of(predictions([0, 0, 0], challenger=[0.1, 0.2, 0.3]), CARD, PROBABILITY)
