"""Predicted against observed: counted by hand, with Wilson's interval written out."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from components.model_review.sections.calibration import calibration_of
from tests.components.model_review.judgements import drawn, predictions
from tests.components.model_review.sections.test_performance import calibration_error


def wilson(churned: int, accounts: int) -> tuple[float, float]:
    """Wilson 1927, equation for the two roots; 95 %."""
    z = float(norm.ppf(0.975))
    rate = churned / accounts
    middle = rate + z * z / (2 * accounts)
    half = z * math.sqrt(rate * (1 - rate) / accounts + z * z / (4 * accounts**2))
    return (middle - half) / (1 + z * z / accounts), (middle + half) / (1 + z * z / accounts)


def tenths(labels: np.ndarray, found: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame({"label": labels, "found": found}).sort_values("found")
    frame["tenth"] = [place * 10 // len(frame) for place in range(len(frame))]
    return frame.groupby("tenth").agg(
        accounts=("label", "size"), churned=("label", "sum"), predicted=("found", "mean")
    )


def test_deciles_are_counted_by_hand() -> None:
    sample = drawn(2_340)
    calibration = calibration_of(sample)
    expected = tenths(sample.labels, sample.models["challenger"])
    assert len(calibration.deciles) == len(expected) == 10
    for decile, row in zip(calibration.deciles, expected.itertuples(), strict=True):
        assert (decile.accounts, decile.churned) == (row.accounts, row.churned)
        assert decile.predicted == pytest.approx(row.predicted)
        assert decile.observed == pytest.approx(row.churned / row.accounts)
        assert decile.interval == pytest.approx(wilson(int(row.churned), row.accounts))
    assert sum(decile.accounts for decile in calibration.deciles) == 2_340


def test_means_and_error() -> None:
    sample = drawn(1_503)
    labels, found = sample.labels, sample.models["challenger"]
    calibration = calibration_of(sample)
    assert calibration.mean_predicted == pytest.approx(sum(found) / 1_503)
    assert calibration.mean_observed == pytest.approx(sum(labels) / 1_503)
    assert calibration.error.value == pytest.approx(calibration_error(labels, found))
    assert calibration.error.interval is None


def test_chance_is_what_labels_drawn_from_the_probabilities_show() -> None:
    sample = drawn(1_000)
    found, random = sample.models["challenger"], np.random.default_rng(99)
    errors = [calibration_error(random.random(1_000) < found, found) for _ in range(300)]
    expected = np.quantile(errors, 0.99)
    assert calibration_of(sample).by_chance == pytest.approx(expected, rel=0.1)


def test_where_nobody_or_everybody_left_the_interval_is_not_empty() -> None:
    for label, ends in ((0, (0, 0.278)), (1, (0.722, 1))):
        calibration = calibration_of(predictions([label] * 100, challenger=np.linspace(0, 1, 100)))
        for decile in calibration.deciles:
            assert decile.observed == label
            assert decile.interval == pytest.approx(ends, abs=1e-3)


def test_fewer_accounts_than_bins() -> None:
    calibration = calibration_of(predictions([0, 1, 1], challenger=[0.3, 0.2, 0.9]))
    found = [(one.accounts, one.churned, one.predicted) for one in calibration.deciles]
    assert found == [(1, 1, 0.2), (1, 0, 0.3), (1, 1, 0.9)]
