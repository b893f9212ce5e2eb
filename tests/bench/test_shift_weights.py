"""Accounts with known outcomes stand for those of another population."""

import numpy as np
import pytest

from bench.shift_weights import shift_weights


def features(accounts: int, mean: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    constant = np.ones(accounts)
    return np.stack([random.normal(mean, 1, accounts), constant], axis=1).astype(np.float32)


def test_the_weighted_accounts_look_like_those_of_the_publication() -> None:
    known, published = features(6_000, 0.0, 1), features(3_000, 0.7, 2)
    weights = shift_weights(known, published)
    assert np.average(known[:, 0], weights=weights) == pytest.approx(0.7, abs=0.08)
    assert 1_000 < weights.sum() < 5_000


def test_without_a_shift_all_accounts_count_about_alike() -> None:
    weights = shift_weights(features(3_000, 0.0, 1), features(3_000, 0.0, 2))
    assert weights.sum() > 2_900
    assert weights.max() < 2
