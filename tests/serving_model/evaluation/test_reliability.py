"""What chance explains, and what it does not."""

import numpy as np
import pytest

from serving_model.evaluation.metrics import expected_calibration_error
from serving_model.evaluation.reliability import chance_bounds, deciles


def sound(accounts: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    found = random.beta(1, 9, accounts)
    return (random.random(accounts) < found).astype(np.float64), found


def test_a_sound_model_stays_within_the_bounds_on_few_accounts() -> None:
    refused = 0
    for seed in range(60):
        labels, found = sound(300, seed)
        bounds = chance_bounds(found)
        refused += expected_calibration_error(labels, found) > bounds.calibration_error
        refused += abs((found - labels).mean()) > bounds.gap
    assert refused <= 5


def test_a_model_that_is_off_is_beyond_them_on_many() -> None:
    labels, found = sound(5_000, 1)
    wrong = found * 1.5
    bounds = chance_bounds(np.clip(wrong, 0, 1))
    error = expected_calibration_error(labels, np.clip(wrong, 0, 1))
    assert error > 2 * bounds.calibration_error
    assert (np.clip(wrong, 0, 1) - labels).mean() > 2 * bounds.gap


def test_the_bounds_fall_with_the_root_of_the_accounts() -> None:
    few, many = (chance_bounds(sound(accounts, 2)[1]) for accounts in (400, 6_400))
    assert few.gap / many.gap == pytest.approx(4, rel=0.25)
    assert few.calibration_error / many.calibration_error == pytest.approx(4, rel=0.25)


def test_deciles_hold_every_account_once() -> None:
    labels, found = sound(103, 3)
    rows = list(deciles(labels, found))
    assert sum(row.accounts for row in rows) == 103
    assert {row.accounts for row in rows} == {10, 11}
    assert [row.predicted for row in rows] == sorted(row.predicted for row in rows)
    assert sum(row.observed * row.accounts for row in rows) == pytest.approx(labels.sum())
