"""Metrics by slice against those of the slice's own accounts."""

import numpy as np
import pytest

from bench.slices import LEAST_OF_EACH, print_slices, score_slices, slice_rows
from serving_model.evaluation.metrics import auc, expected_calibration_error, log_loss


def test_each_account_has_one_tier_and_one_state() -> None:
    tiers = np.array(["pro", "", "free", "pro"])
    states = np.array(["new", "quiet", "active", "silent"])
    rows = slice_rows(tiers, states)
    for kind, names in (
        ("tier", {"(empty)", "free", "pro"}),
        ("state", {"new", "active", "quiet", "silent"}),
    ):
        own = {name: found for name, found in rows.items() if name.startswith(f"{kind} ")}
        assert set(own) == {f"{kind} {name}" for name in names}
        assert np.sum(list(own.values()), axis=0).tolist() == [1, 1, 1, 1]
    assert rows["tier pro"].tolist() == [True, False, False, True]
    assert rows["state quiet"].tolist() == [False, True, False, False]


def test_metrics_are_those_of_the_slice(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.random(400)
    labels = (rng.random(400) < probabilities).astype(float)
    half = np.arange(400) < 200
    (one,) = score_slices(labels, probabilities, {"half": half})
    assert (one.accounts, one.churned) == (200, int(labels[:200].sum()))
    assert one.auc == auc(labels[:200], probabilities[:200])
    assert one.log_loss == log_loss(labels[:200], probabilities[:200])
    assert one.ece == expected_calibration_error(labels[:200], probabilities[:200])
    print_slices([one])
    assert f"{one.ece:.4f}" in capsys.readouterr().out


@pytest.mark.parametrize("churned", [0, LEAST_OF_EACH - 1, LEAST_OF_EACH])
def test_too_little_of_an_outcome_is_said(churned: int, capsys: pytest.CaptureFixture[str]) -> None:
    labels = np.r_[np.ones(churned), np.zeros(50)]
    found = [
        *score_slices(labels, np.full(len(labels), 0.3), {"all": labels >= 0}),
        *score_slices(1 - labels, np.full(len(labels), 0.3), {"turned": labels >= 0}),
    ]
    print_slices(found)
    printed = capsys.readouterr().out
    for one in found:
        assert (one.auc is None) == (churned < LEAST_OF_EACH)
        assert bool(one.too_little) == (churned < LEAST_OF_EACH)
    assert (f"{churned} churned, 50 stayed" in printed) == (churned < LEAST_OF_EACH)
