"""What is believed of a model's next window."""

import numpy as np
import pytest
from scipy.special import expit

from serving_model.evaluation.recalibration import known, log_odds_of, recalibration


def outcomes_of(accounts: int, intercept: float, slope: float, seed: int = 1) -> tuple:
    random = np.random.default_rng(seed)
    found = random.beta(1, 6, accounts)
    line = log_odds_of(found) + intercept + slope * (log_odds_of(found) + 2)
    return (random.random(accounts) < expit(line)).astype(float), found


def test_without_outcomes_the_prior_holds() -> None:
    belief = recalibration(
        None, centre=-2, window_deviation=0.3, intercept_deviation=0.4, slope_deviation=0.2
    )
    assert belief.mean == pytest.approx([0, 0])
    # The shift that lasts, and that of the window to come.
    assert belief.covariance == pytest.approx(np.diag([0.4**2 + 0.3**2, 0.2**2]))


def test_many_outcomes_say_how_far_probabilities_are_off() -> None:
    labels, found = outcomes_of(200_000, 0.3, -0.2)
    belief = recalibration(
        known(labels, found),
        centre=-2,
        window_deviation=0.001,
        intercept_deviation=1,
        slope_deviation=1,
    )
    assert belief.mean == pytest.approx([0.3, -0.2], abs=0.03)
    assert np.sqrt(np.diag(belief.covariance)).max() < 0.02


def test_no_number_of_accounts_tells_the_shift_of_the_next_window() -> None:
    labels, found = outcomes_of(200_000, 0.3, 0.0)
    belief = recalibration(
        known(labels, found), centre=-2, window_deviation=0.2, intercept_deviation=0.2
    )
    # Half of the shift is put down to that window, and as much is not known of the next one.
    assert belief.mean[0] == pytest.approx(0.15, abs=0.02)
    assert belief.covariance[0, 0] == pytest.approx(0.2**2 / 2 + 0.2**2, rel=0.02)


def test_few_outcomes_leave_the_prior_nearly_as_it_was() -> None:
    labels, found = outcomes_of(20, 1.0, 0.0)
    belief = recalibration(known(labels, found), centre=-2)
    assert abs(belief.mean[0]) < 0.05
    prior = recalibration(None, centre=-2)
    assert belief.covariance[1, 1] == pytest.approx(prior.covariance[1, 1], rel=0.2)


def test_one_outcome_alone_is_no_obstacle() -> None:
    found = np.full(50, 0.02)
    belief = recalibration(known(np.zeros(50), found), centre=-4)
    assert np.isfinite(belief.mean).all()
    assert belief.mean[0] < 0


def test_chances_are_the_mean_over_drawn_lines() -> None:
    labels, found = outcomes_of(2_000, 0.2, -0.3)
    belief = recalibration(known(labels, found), centre=-2, window_deviation=0.4)
    log_odds = np.linspace(-6, 3, 7)
    drawn = belief.drawn(log_odds, 40_000, np.random.default_rng(5))
    assert belief.chances(log_odds) == pytest.approx(drawn.mean(axis=0), abs=0.003)


def test_certain_probabilities_stay_finite() -> None:
    assert np.isfinite(log_odds_of(np.array([0.0, 1.0]))).all()
    belief = recalibration(known(np.array([1.0, 0.0]), np.array([0.0, 1.0])), centre=0)
    assert np.isfinite(belief.chances(log_odds_of(np.array([0.0, 0.5, 1.0])))).all()
