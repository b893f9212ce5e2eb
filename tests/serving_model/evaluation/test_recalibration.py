"""What is believed of a model's next window."""

import numpy as np
import pytest
from scipy.special import expit

from serving_model.evaluation.recalibration import (
    WINDOW_DEVIATION,
    Line,
    fitted_line,
    log_odds_of,
    recalibration,
    window_deviation,
)


def outcomes_of(accounts: int, intercept: float, slope: float, seed: int = 1) -> tuple:
    """Labels and probabilities whose log-odds are off by a line with its centre at -2."""
    random = np.random.default_rng(seed)
    found = random.beta(1, 6, accounts)
    line = log_odds_of(found) + intercept + slope * (log_odds_of(found) + 2)
    return (random.random(accounts) < expit(line)).astype(float), found


def test_a_line_is_found_again() -> None:
    line = fitted_line(*outcomes_of(200_000, 0.3, -0.2))
    assert line.slope == pytest.approx(-0.2, abs=4 * line.slope_deviation)
    at_two = line.intercept + line.slope * (-2 - line.centre)
    assert at_two == pytest.approx(0.3, abs=0.03)
    assert line.slope_deviation < 0.02


def test_deviations_are_those_of_repeated_windows_and_errors_are_independent() -> None:
    lines = [fitted_line(*outcomes_of(1_500, 0.1, 0.0, seed)) for seed in range(200)]
    centre = np.mean([line.centre for line in lines])
    found = np.array([line.intercept + line.slope * (centre - line.centre) for line in lines])
    slopes = np.array([line.slope for line in lines])
    assert found.std() == pytest.approx(lines[0].intercept_deviation, rel=0.15)
    assert slopes.std() == pytest.approx(lines[0].slope_deviation, rel=0.15)
    assert abs(np.corrcoef(found, slopes)[0, 1]) < 0.2


def test_weights_count_accounts_several_times() -> None:
    labels, found = outcomes_of(300, 0.0, 0.0)
    twice = fitted_line(np.tile(labels, 2), np.tile(found, 2))
    assert fitted_line(labels, found, np.full(300, 2.0)) == pytest.approx(twice)


@pytest.mark.parametrize("left", [0.0, 1.0])
def test_one_outcome_alone_gives_a_finite_line(left: float) -> None:
    line = fitted_line(np.full(50, left), np.linspace(0.01, 0.4, 50))
    assert np.isfinite(line).all()
    assert (line.intercept > 0) == bool(left)
    assert np.isfinite(fitted_line(np.array([left]), np.array([0.0]))).all()


def test_without_a_line_the_prior_holds() -> None:
    belief = recalibration(
        None,
        centre=-2,
        window_deviation=0.3,
        intercept_deviation=0.4,
        slope_deviation=0.2,
        slope_window_deviation=0.1,
    )
    assert belief.mean == pytest.approx([0, 0])
    # What lasts, and what the window to come adds.
    assert belief.covariance == pytest.approx(np.diag([0.4**2 + 0.3**2, 0.2**2 + 0.1**2]))


def test_no_number_of_accounts_tells_the_shift_of_the_next_window() -> None:
    certain = Line(-2, 0.3, 1e-6, 0.1, 1e-6)
    belief = recalibration(
        certain,
        centre=0,
        window_deviation=0.2,
        intercept_deviation=0.2,
        slope_deviation=0.3,
        slope_window_deviation=0.1,
    )
    # Half of the shift is put down to that window, and as much is not known of the next one.
    assert belief.mean == pytest.approx([0.15, 0.09])
    expected = np.diag([0.2**2 / 2 + 0.2**2, 0.1 * 0.1**2 * 9 + 0.1**2])
    assert belief.covariance == pytest.approx(expected, abs=1e-9)
    assert belief.centre == -2


def test_a_line_of_few_outcomes_leaves_the_prior_nearly_as_it_was() -> None:
    belief = recalibration(Line(-2, 1.0, 2.0, 1.0, 2.0), centre=-2)
    assert np.abs(belief.mean).max() < 0.05
    prior = recalibration(None, centre=-2)
    assert belief.covariance == pytest.approx(prior.covariance, rel=0.05)


def test_windows_that_differ_beyond_chance_widen_what_is_believed() -> None:
    random = np.random.default_rng(3)
    models = [
        [Line(-2, mean + shift, 0.05, 0, 0.1) for shift in random.normal(0, 0.3, 12)]
        for mean in (-0.5, 0.5)
    ]
    assert window_deviation(models) == pytest.approx(0.28, abs=0.08)
    assert window_deviation([]) == WINDOW_DEVIATION
    assert window_deviation([models[0][:1]]) == WINDOW_DEVIATION
    # What chance explains is none of the windows' own: a whole year of it draws the prior in.
    chance = [Line(-2, shift, 0.3, 0, 0.1) for shift in random.normal(0, 0.3, 40)]
    assert window_deviation([chance]) < 0.2


def test_chances_are_the_mean_over_drawn_lines() -> None:
    belief = recalibration(Line(-2, 0.2, 0.1, -0.3, 0.2), centre=-2, window_deviation=0.4)
    log_odds = np.linspace(-6, 3, 7)
    drawn = belief.drawn(log_odds, 40_000, np.random.default_rng(5))
    assert belief.chances(log_odds) == pytest.approx(drawn.mean(axis=0), abs=0.003)


def test_certain_probabilities_stay_finite() -> None:
    assert np.isfinite(log_odds_of(np.array([0.0, 1.0]))).all()
    chances = recalibration(None, centre=0).chances(log_odds_of(np.array([0.0, 0.5, 1.0])))
    assert chances == pytest.approx([0, 0.5, 1], abs=1e-6)
