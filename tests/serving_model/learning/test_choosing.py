"""What is chosen on examples that were held back, and how much can be learnt from them."""

import dataclasses

import numpy as np
import pytest

from serving_model.learning.calibration import Blend
from serving_model.learning.choosing import choose_on
from serving_model.learning.fitting import FitSettings
from serving_model.learning.folds import choosing_folds
from serving_model.learning.labelled_examples import LabelledExamples
from serving_model.learning.linear_hazards import REGULARIZATION_STRENGTHS
from serving_model.learning.network import NetworkShape
from serving_model.learning.person_periods import Horizons
from transforms.event_spec import DAY_SECONDS

HORIZONS = Horizons((30, 60), 1, "")
SETTINGS = FitSettings(
    NetworkShape((16,), l2=0.001, dropout=0.2, members=2),
    seed=5,
    batch_size=128,
    learning_rate=0.01,
    epochs=12,
)


def drawn(shape: str, accounts: int = 1500, cutoffs: int = 4, noise: int = 10) -> LabelledExamples:
    random = np.random.default_rng(2)
    rows = accounts * cutoffs
    features = random.normal(size=(rows, noise)).astype(np.float32)
    signal = {
        "linear": 1.5 * features[:, 0],
        "bent": 4 * (np.abs(features[:, 0]) < 0.7) - 2,
        "none": 0 * features[:, 0],
    }[shape]
    labels = (random.random(rows) < 1 / (1 + np.exp(1.5 - signal))).astype(np.float32)
    days = np.where(labels > 0, random.uniform(0, 60, rows), -1).astype(np.float32)
    cutoff = np.repeat(np.arange(cutoffs) * 14 * DAY_SECONDS, accounts)
    names = np.array([f"A{n:05}".encode() for n in range(accounts)], object)
    return LabelledExamples(
        features, labels, cutoff, np.tile(names, cutoffs), days, np.full(rows, 60, np.float32)
    )


def _linear_share(blend: Blend) -> float:
    return blend.linear / (blend.linear + blend.network + blend.trees)


@pytest.mark.slow
def test_a_bent_world_trusts_what_bends_and_a_straight_one_the_linear_part() -> None:
    bent, straight = (
        choose_on(choosing_folds(drawn(shape)), HORIZONS, SETTINGS) for shape in ("bent", "linear")
    )
    assert bent.blend.network + bent.blend.trees > bent.blend.linear + 0.3
    assert bent.log_loss < bent.linear_log_loss - 0.01
    assert _linear_share(straight.blend) > _linear_share(bent.blend) + 0.1
    assert straight.blend.trees < bent.blend.trees
    assert straight.log_loss < straight.linear_log_loss + 0.003


@pytest.mark.slow
def test_noise_asks_for_the_strongest_penalty() -> None:
    settings = dataclasses.replace(SETTINGS, epochs=1)  # the penalties are the linear part's
    noise, signal = (
        choose_on(choosing_folds(drawn(shape, accounts=300, noise=200)), HORIZONS, settings)
        for shape in ("none", "linear")
    )
    assert max(noise.strengths) < min(signal.strengths)
    assert set(noise.strengths) <= set(REGULARIZATION_STRENGTHS)


def test_held_back_is_new_in_time_and_in_person() -> None:
    examples = drawn("none", accounts=60, cutoffs=8, noise=1)
    folds = list(choosing_folds(examples))
    measured = [account for fold in folds for account in fold.measured.accounts.tolist()]
    assert len(measured) == 2 * 60
    for fold in folds:
        assert not set(fold.fit.accounts.tolist()) & set(fold.measured.accounts.tolist())
        assert fold.fit.cutoffs.max() < fold.measured.cutoffs.min()


def test_one_cutoff_is_divided_by_account() -> None:
    folds = list(choosing_folds(drawn("none", accounts=60, cutoffs=1, noise=1)))
    assert sum(len(fold.measured.labels) for fold in folds) == 60
    for fold in folds:
        assert len(fold.fit.labels) + len(fold.measured.labels) == 60
