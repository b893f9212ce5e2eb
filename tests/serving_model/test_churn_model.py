"""The network before it has learnt anything, and how it is held back."""

import numpy as np
import pytest

from serving_model.churn_model import NetworkShape, build_logits, probability_model

SHAPE = NetworkShape(hidden_units=(8, 4), l2=0.01, dropout=0.5, members=3)
FEATURES = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)


@pytest.mark.parametrize("base_rate", [0.02, 0.5, 0.9])
def test_it_starts_at_the_base_rate(base_rate: float) -> None:
    model = probability_model(build_logits(5, NetworkShape((), 0.01, 0.5, 2), base_rate, seed=1))
    np.testing.assert_allclose(model(FEATURES), np.full((64, 1), base_rate), rtol=1e-5)
    deep = probability_model(build_logits(5, SHAPE, base_rate, seed=1))
    np.testing.assert_allclose(deep(np.zeros((1, 5), np.float32)), [[base_rate]], rtol=1e-5)


def test_the_probability_is_the_mean_of_the_members() -> None:
    logits = build_logits(5, SHAPE, 0.3, seed=1)
    each = 1 / (1 + np.exp(-logits(FEATURES).numpy()))
    assert each.shape == (64, 3)
    assert np.ptp(each, axis=1).max() > 1e-3
    mean = probability_model(logits)(FEATURES).numpy()
    np.testing.assert_allclose(mean, each.mean(axis=1, keepdims=True), rtol=1e-5)


def test_the_seed_alone_decides_where_it_starts() -> None:
    first, same, other = (build_logits(5, SHAPE, 0.3, seed)(FEATURES) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-3


def test_members_do_not_touch_each_other() -> None:
    logits = build_logits(5, SHAPE, 0.3, seed=1)
    before = logits(FEATURES).numpy()
    kernels = [w for w in logits.trainable_variables if len(w.shape) == 3 and "kernel" in w.name]
    for kernel in kernels:
        changed = kernel.numpy()
        changed[:, 1] += 1.0
        kernel.assign(changed)
    moved = np.abs(logits(FEATURES).numpy() - before).max(axis=0)
    assert len(kernels) == 3
    assert moved[1] > 0.1
    assert moved[0] == moved[2] == 0


def test_every_kernel_is_penalised() -> None:
    logits = build_logits(5, SHAPE, 0.3, seed=1)
    kernels = [w.numpy() for w in logits.trainable_variables if "kernel" in w.name]
    expected = 0.01 * sum(float(np.square(kernel).sum()) for kernel in kernels)
    assert float(sum(logits.losses)) == pytest.approx(expected, rel=1e-4)
