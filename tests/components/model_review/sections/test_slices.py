"""Slices against pandas, from what the gate kept of every account."""

from types import SimpleNamespace

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.model_gate.decision_file import Decision, read_decision
from components.model_gate.gate_check import Population
from components.model_review.sections.slices import slices_of
from transforms.thresholds import STATES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(name="judged")]


def groups(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every slice of the gate, by its name."""
    by_value = {
        f"{name} {value}": own
        for name, column in (("customer_tier", "tier"), ("region", "region"))
        for value, own in frame.groupby(column)
    }
    return by_value | {f"state {state}": frame[frame["state"] == state] for state in STATES}


def test_slices_are_groups_of_the_accounts(decided: SimpleNamespace) -> None:
    expected, judged = groups(decided.predictions), 0
    found = {one.name: one for one in slices_of(read_decision(decided.inputs["blessing"].uri))}
    assert found.keys() == expected.keys()
    for name, own in expected.items():
        one = found[name]
        assert (one.accounts, one.churned) == (len(own), own["churned"].sum())
        few = own["churned"].sum() < 10 or (1 - own["churned"]).sum() < 10
        assert bool(one.too_little) == few, name
        if few:
            assert one.auc is one.calibration_gap is one.against_champion is None
            continue
        judged += 1
        area = roc_auc_score(own["churned"], own["challenger"])
        assert one.auc is not None
        assert one.calibration_gap is not None
        assert one.against_champion is not None
        assert one.auc.value == pytest.approx(area)
        assert one.mean_predicted == pytest.approx(own["challenger"].mean())
        assert one.mean_observed == pytest.approx(own["churned"].mean())
        gap = (own["challenger"] - own["churned"]).mean()
        assert one.calibration_gap.value == pytest.approx(gap)
        champions = roc_auc_score(own["churned"], own["champion"])
        assert one.against_champion.value == pytest.approx(area - champions)
        for estimate in (one.auc, one.calibration_gap, one.against_champion):
            assert estimate.interval is not None
            assert estimate.interval[0] <= estimate.value <= estimate.interval[1]
    assert judged >= 6


def test_a_slice_that_failed_and_one_with_too_little() -> None:
    population = Population("region EU", 50, 20)
    good = population.check("auc", 0.6, "", 0.5, -0.1)
    bad = population.check("calibration gap", 0.2, "", 0.05, 0.15)
    few = Population("region NA", 9, 1).skip("slice", "", "too few")
    decision = Decision(
        blessed=False,
        summary="",
        model_version="20260601-4b825dc6",
        champion_version=None,
        eval={},
        training={},
        checks=(good, bad, few),
        metrics={},
        slices=[
            {"slice": "region EU", "accounts": 50, "churned": 20, "auc": 0.6},
            {"slice": "region NA", "accounts": 9, "churned": 1, "skipped": "too few"},
        ],
        calibration=[],
    )
    failed, skipped = slices_of(decision)
    assert failed.auc is not None
    assert (failed.name, failed.failed, failed.auc.value) == ("region EU", True, 0.6)
    assert failed.against_champion is None
    assert (skipped.failed, skipped.too_little, skipped.auc) == (False, "too few", None)
