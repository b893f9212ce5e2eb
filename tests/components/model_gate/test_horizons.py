"""Every horizon is judged on the accounts whose window was seen to its end."""

import numpy as np
import pytest
from scipy.special import expit

from components.model_gate.config import ModelGateConfig
from components.model_gate.horizon_checks import horizon_checks
from components.model_gate.predictions import Predictions, Seen
from components.model_gate.slice_checks import Traits

LIMITS = ModelGateConfig()
ACCOUNTS = 4_000


def predictions(observed: np.ndarray, off: float = 1.0, seed: int = 1) -> Predictions:
    """Accounts with constant hazards, and a model that knows them.

    Args:
        observed: Days of which anything is known, [n].
        off: How many times too high the probability within 30 days is.
        seed: Of the drawing.
    """
    random = np.random.default_rng(seed)
    hazard = expit(random.normal(-6.2, 0.8, ACCOUNTS))
    lost = np.ceil(random.exponential(1 / hazard))
    seen = Seen(np.where(lost <= observed, lost, -1.0), observed)
    horizons = {days: 1 - np.exp(-hazard * days) for days in (30, 60, 90)}
    horizons[30] = np.minimum(horizons[30] * off, 0.9)
    text = np.full(ACCOUNTS, "pro")
    return Predictions(
        text, seen.lost(60), {"challenger": horizons[60]}, Traits(text, text, text), horizons, seen
    )


def test_those_that_are_closed_are_judged() -> None:
    judged, checks = horizon_checks(predictions(np.full(ACCOUNTS, 60.0)), 60, LIMITS)
    assert [one.not_judged == "" for one in judged] == [True, True, False]
    assert judged[2].not_judged == (
        "its window is not closed: the evaluation set sees 60 days after its cutoff"
    )
    assert judged[2].auc is judged[2].mean_predicted is None
    assert not [check.message for check in checks if check.failed]
    judged, checks = horizon_checks(predictions(np.full(ACCOUNTS, 90.5)), 60, LIMITS)
    assert [one.not_judged for one in judged] == ["", "", ""]
    assert {check.slice for check in checks} == {"overall", "within 30 days", "within 90 days"}


def test_accounts_that_were_not_seen_so_long_have_no_part_in_it() -> None:
    """Half of them is lost from sight after 70 days; to count those as stayed would be wrong."""
    observed = np.where(np.arange(ACCOUNTS) % 2, 70.0, 120.0)
    judged, checks = horizon_checks(predictions(observed), 60, LIMITS)
    assert [one.accounts for one in judged] == [ACCOUNTS, ACCOUNTS, ACCOUNTS // 2]
    assert not [check.message for check in checks if check.failed]
    last = judged[2]
    assert last.mean_predicted == pytest.approx(last.mean_observed, rel=0.1)


def test_a_horizon_that_is_off_is_refused_though_the_labels_is_not() -> None:
    _, checks = horizon_checks(predictions(np.full(ACCOUNTS, 60.0), off=0.5), 60, LIMITS)
    assert [(one.slice, one.name) for one in checks if one.failed] == [
        ("within 30 days", "calibration ratio")
    ]


def test_a_longer_horizon_may_not_be_less_likely() -> None:
    _, checks = horizon_checks(predictions(np.full(ACCOUNTS, 60.0), off=2.2), 60, LIMITS)
    failed = {one.name: one for one in checks if one.failed}
    assert failed["horizons in order"].value > ACCOUNTS / 2


def test_too_few_are_said_to_be_too_few() -> None:
    limits = ModelGateConfig(min_slice_churned=500)
    judged, _ = horizon_checks(predictions(np.full(ACCOUNTS, 60.0)), 60, limits)
    assert "churned and" in judged[0].not_judged
    assert "at least 500 and 30 are needed" in judged[0].not_judged
    assert judged[1].not_judged == ""  # the label's own: the checks on all accounts judge it
