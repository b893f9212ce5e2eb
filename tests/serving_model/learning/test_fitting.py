"""Fitting the network on plain matrices: what is learnt, and of which examples."""

import dataclasses
import functools

import numpy as np
import pytest

from serving_model.learning.fitting import FitSettings, fit_network, network_log_odds
from serving_model.learning.network import NetworkShape
from serving_model.learning.person_periods import PersonPeriods
from serving_model.learning.side_by_side import side_by_side

pytestmark = pytest.mark.slow  # each one trains

SETTINGS = FitSettings(
    NetworkShape((8,), l2=0.001, dropout=0.1, members=2),
    seed=5,
    batch_size=64,
    learning_rate=0.01,
    epochs=10,
)


def drawn(rows: int, signal: float) -> tuple[np.ndarray, PersonPeriods]:
    """Two periods: the first depends on column 0, the second on column 1 and no longer counts
    for those who left in the first."""
    random = np.random.default_rng(4)
    features = random.normal(size=(rows, 6)).astype(np.float32)
    hazards = 1 / (1 + np.exp(1 - signal * features[:, :2]))
    left = random.random((rows, 2)) < hazards
    counted = np.stack([np.ones(rows, bool), ~left[:, 0]], axis=1)
    return features, PersonPeriods(counted, (left & counted).astype(np.float32))


def fitted(features: np.ndarray, periods: PersonPeriods, **changes: object) -> np.ndarray:
    network = fit_network(features, periods, dataclasses.replace(SETTINGS, **changes))
    return network_log_odds(network, features)


def test_each_period_comes_near_the_truth() -> None:
    features, periods = drawn(4000, signal=1.5)
    truth = 1 / (1 + np.exp(1 - 1.5 * features[:, :2]))
    found = 1 / (1 + np.exp(-fitted(features, periods)))
    assert np.abs(found - truth).mean(axis=0).max() < 0.05


def test_what_does_not_count_teaches_nothing() -> None:
    features, periods = drawn(600, 1.0)
    wrong = np.where(periods.counted, periods.churned, 1 - periods.churned)
    np.testing.assert_array_equal(
        fitted(features, periods), fitted(features, periods._replace(churned=wrong))
    )


def test_the_last_incomplete_batch_counts() -> None:
    features, periods = drawn(65, 1.0)
    changed = np.concatenate([periods.churned[:-1], 1 - periods.churned[-1:]])
    counted = np.ones_like(periods.counted)
    answers = [
        fitted(features, PersonPeriods(counted, churned), epochs=1)
        for churned in (periods.churned, changed)
    ]
    assert np.abs(answers[0] - answers[1]).max() > 0


def test_members_read_fine_and_coarse_bins_of_the_training_examples() -> None:
    features, periods = drawn(300, 1.0)
    network = fit_network(features, periods, SETTINGS)
    assert network is not None
    first, second, *_ = (kernel.shape[0] for kernel in network.kernels)
    assert (first, second) == (6 * 10, 6 * 4)


def test_the_seed_decides_and_nothing_global() -> None:
    features, periods = drawn(300, 1.0)
    first = fitted(features, periods)
    np.random.seed(99)
    np.testing.assert_array_equal(first, fitted(features, periods))
    assert np.abs(first - fitted(features, periods, seed=6)).max() > 1e-3


def test_fits_beside_each_other_find_what_each_finds_alone() -> None:
    features, periods = drawn(300, 1.0)
    alone = [fitted(features, periods, seed=seed) for seed in (5, 6)]
    beside = side_by_side(
        [functools.partial(fitted, features, periods, seed=seed) for seed in (5, 6, 5, 6)]
    )
    for found, expected in zip(beside, alone * 2, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_every_kernel_is_penalised() -> None:
    features, periods = drawn(300, 1.0)
    shapes = [dataclasses.replace(SETTINGS.network, l2=l2) for l2 in (0.0, 0.1)]
    free, held = (
        fit_network(features, periods, dataclasses.replace(SETTINGS, network=shape))
        for shape in shapes
    )
    sizes = [[float(np.square(kernel).sum()) for kernel in one.kernels] for one in (free, held)]
    assert all(after < before / 2 for before, after in zip(*sizes, strict=True))


def test_one_outcome_alone_stays_finite() -> None:
    features, periods = drawn(100, 1.0)
    none_left = periods._replace(churned=np.zeros_like(periods.churned))
    assert np.isfinite(fitted(features, none_left)).all()


def test_without_hidden_layers_there_is_no_network() -> None:
    features, periods = drawn(10, 1.0)
    shape = NetworkShape((), l2=0.0, dropout=0.0, members=1)
    assert fit_network(features, periods, dataclasses.replace(SETTINGS, network=shape)) is None


@pytest.mark.parametrize("rows", [1, 8191, 8193])
def test_answers_do_not_depend_on_how_they_are_batched(rows: int) -> None:
    features, periods = drawn(8193, 1.0)
    network = fit_network(features[:500], periods[np.arange(500)], SETTINGS)
    whole = network_log_odds(network, features)
    np.testing.assert_allclose(network_log_odds(network, features[:rows]), whole[:rows], atol=1e-5)
