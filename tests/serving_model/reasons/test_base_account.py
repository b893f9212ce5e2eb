"""The account that all others are compared with."""

import numpy as np
import pytest

from serving_model.reasons.attributions import base_rate_account

FEATURES = np.random.default_rng(0).normal(size=(20_000, 4)).astype(np.float32)
WEIGHTS = np.array([1.5, -1.0, 0.0, 0.5])


def steep(features: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(3 - features @ WEIGHTS))).astype(np.float32)


def test_its_answer_is_the_mean_answer() -> None:
    account = base_rate_account(steep, FEATURES)
    assert account.dtype == np.float32
    assert float(steep(account[None])[0]) == pytest.approx(steep(FEATURES).mean(), rel=1e-5)
    mean_account = FEATURES.mean(axis=0)
    assert steep(mean_account[None])[0] < 0.7 * steep(FEATURES).mean()


def test_it_does_not_depend_on_the_order() -> None:
    backwards = base_rate_account(steep, FEATURES[::-1])
    np.testing.assert_allclose(backwards, base_rate_account(steep, FEATURES), atol=1e-5)


def test_what_the_model_does_not_read_stays_at_its_mean() -> None:
    account = base_rate_account(steep, FEATURES)
    assert account[2] == pytest.approx(FEATURES[:, 2].mean(), abs=0.02)


@pytest.mark.parametrize("rows", [1, 50])
def test_a_model_that_knows_nothing_is_compared_with_the_mean(rows: int) -> None:
    account = base_rate_account(lambda found: np.full(len(found), 0.2), FEATURES[:rows])
    np.testing.assert_allclose(account, FEATURES[:rows].mean(axis=0), atol=1e-6)
