"""Fitting on plain matrices: what is learnt, and when it stops."""

import numpy as np
import pytest

from serving_model.churn_model import NetworkShape, probability_model
from serving_model.fitting import PATIENCE, Fit, FitSettings, best_epochs, fit_all
from serving_model.metrics import log_loss
from serving_model.snapshots import Snapshots

SETTINGS = FitSettings(
    NetworkShape((8,), l2=0.001, dropout=0.1, members=2),
    seed=5,
    batch_size=64,
    learning_rate=0.01,
    max_epochs=30,
)


def drawn(rows: int, signal: float, base: float = -1.0) -> Snapshots:
    random = np.random.default_rng(4)
    features = random.normal(size=(rows, 6)).astype(np.float32)
    logit = base + signal * features[:, 0]
    labels = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    to_churn = np.where(labels == 1, 15, -1).astype(np.float32)
    return Snapshots(
        *(features, labels, np.zeros(rows, np.int64), np.empty(rows, object)),
        days_to_churn=to_churn,
        days_observed=np.full(rows, 30, np.float32),
    )


def test_probabilities_come_near_the_truth() -> None:
    snapshots = drawn(4000, signal=1.5)
    model = probability_model(fit_all(snapshots, 10, SETTINGS).logits)
    truth = 1 / (1 + np.exp(1.0 - 1.5 * snapshots.features[:, 0]))
    assert np.abs(model(snapshots.features).numpy()[:, 0] - truth).mean() < 0.03


def test_the_search_stops_soon_on_noise_and_later_on_signal() -> None:
    rows = np.arange(1000)
    noise = best_epochs(drawn(1000, 0.0), rows[:700], rows[700:], SETTINGS)
    signal = best_epochs(drawn(1000, 2.0), rows[:700], rows[700:], SETTINGS)
    assert noise.epochs <= PATIENCE
    assert noise.epochs < signal.epochs <= SETTINGS.max_epochs
    assert signal.log_loss < 0.5


def test_only_the_given_rows_are_fitted() -> None:
    snapshots = drawn(400, 1.0)
    poisoned = snapshots._replace(features=snapshots.features.copy())
    poisoned.features[200:] = np.nan
    fits = [Fit(one, np.arange(200), SETTINGS) for one in (snapshots, poisoned)]
    for fit in fits:
        fit.epoch()
    answers = [fit.logits(snapshots.features[:50]).numpy() for fit in fits]
    np.testing.assert_array_equal(*answers)


def test_the_last_incomplete_batch_counts() -> None:
    snapshots = drawn(65, 1.0)
    weights = []
    for changed in (0.0, 1.0):
        labels = np.abs(snapshots.labels - changed)
        fit = Fit(snapshots._replace(labels=labels), np.arange(1), SETTINGS)
        fit.epoch()
        weights.append(fit.logits.get_weights()[0])
    assert np.abs(weights[0] - weights[1]).max() > 0


@pytest.mark.parametrize("churned", [0, 50])
def test_one_class_among_the_fitted_rows_stays_finite(churned: int) -> None:
    snapshots = drawn(100, 1.0)
    labels = np.where(np.arange(100) < 50, churned / 50, np.arange(100) % 2).astype(np.float32)
    rows = np.arange(100)
    stopping = best_epochs(snapshots._replace(labels=labels), rows[:50], rows[50:], SETTINGS)
    assert np.isfinite(stopping.log_loss)


def test_the_answers_of_the_best_epoch_are_those_of_rows_that_were_not_fitted() -> None:
    snapshots, rows = drawn(1000, 2.0), np.arange(1000)
    stopping = best_epochs(snapshots, rows[:700], rows[700:], SETTINGS)
    assert log_loss(snapshots.labels[700:], stopping.probabilities) == stopping.log_loss
    again = Fit(snapshots, rows[:700], SETTINGS)
    for _ in range(stopping.epochs):
        again.epoch()
    np.testing.assert_allclose(again.probabilities(rows[700:]), stopping.probabilities, atol=1e-6)
