"""The path through an opened model gives what gradients by column give, and adds up."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from serving_model.learning.calibration import Blend
from serving_model.learning.churn_model import churn_model
from serving_model.learning.linear_hazards import LinearHazards
from serving_model.learning.network import NetworkShape, start_network
from serving_model.learning.piecewise_linear import find_bins
from serving_model.reasons.attributions import contributions, log_odds
from serving_model.reasons.opened_model import OpenableModel
from serving_model.reasons.path_sums import PathSums
from tests.serving_model.reasons.test_attributions import odds_of

COLUMNS = 6
RANDOM = np.random.default_rng(0)
ACCOUNTS = RANDOM.normal(size=(60, COLUMNS)).astype(np.float32)
BASE = RANDOM.normal(size=COLUMNS).astype(np.float32)
EACH = np.eye(COLUMNS, dtype=np.float32)


def model_of(seed: int, scale: float = 1.0, hidden: tuple[int, ...] = (16, 8)) -> OpenableModel:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(500, COLUMNS)).astype(np.float32)
    straight = 0.3 * scale * random.normal(size=(COLUMNS, 2)).astype(np.float32)
    linear = LinearHazards(straight, np.full(2, -1, np.float32))
    if not hidden:
        return churn_model(COLUMNS, linear, None, Blend(0.6, 0.0, -0.2))
    shape = NetworkShape(hidden, 0.0, 0.0, 3)
    bins = [find_bins(rows, count) for count in (10, 4)]
    part = start_network(bins, np.full(2, -2, np.float32), shape, seed)
    part = part._replace(weights=tuple(scale * weight for weight in part.weights))
    return churn_model(COLUMNS, linear, part, Blend(0.6, 0.5, -0.2))


def found(
    model: OpenableModel, accounts: np.ndarray, column: int = 1, **options: int
) -> np.ndarray:
    path = PathSums(model.opened, BASE, column, EACH, **options)
    return path.found(tf.constant(accounts)).numpy()


def change_of(model: OpenableModel, accounts: np.ndarray, column: int = 1) -> np.ndarray:
    def probability(rows: tf.Tensor) -> tf.Tensor:
        return model(rows, training=False)[:, column]

    return odds_of(probability, accounts) - odds_of(probability, BASE[None])


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("hidden", [(), (16,), (16, 8)])
def test_its_parts_are_the_model(hidden: tuple[int, ...], column: int) -> None:
    """Along so many pieces that nothing can be missed, the parts make up the model's answer."""
    model = model_of(1, hidden=hidden)
    gaps = found(model, ACCOUNTS, column, segments=256).sum(axis=1)
    gaps -= change_of(model, ACCOUNTS, column)
    assert np.abs(gaps).max() < 1e-4


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_they_add_up(seed: int, scale: float) -> None:
    model = model_of(seed, scale)
    far = np.concatenate([ACCOUNTS, 6 * np.sign(ACCOUNTS), BASE[None]])
    change = change_of(model, far)
    path = PathSums(model.opened, BASE, 1, EACH)
    each = path.contributions(tf.constant(far), tf.constant(change, tf.float32)).numpy()
    np.testing.assert_allclose(each.sum(axis=1), change, atol=1e-4)
    assert (each[-1] == 0).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_they_are_as_near_as_32_gradients_by_column(seed: int) -> None:
    model = model_of(seed)

    def probability(rows: tf.Tensor) -> tf.Tensor:
        return model(rows, training=False)[:, 1]

    change = log_odds(probability(tf.constant(ACCOUNTS)))
    change -= log_odds(probability(tf.constant(BASE[None])))
    exact, former = (
        contributions(probability, tf.constant(ACCOUNTS), tf.constant(BASE), change, nodes).numpy()
        for nodes in (1024, 32)
    )
    ours = PathSums(model.opened, BASE, 1, EACH).contributions(tf.constant(ACCOUNTS), change)
    missed, before = np.abs(ours.numpy() - exact), np.abs(former - exact)
    assert np.median(missed) < 3 * np.median(before) + 1e-3
    assert missed.max() < 0.1
    assert np.abs(exact).max() > 0.5


def test_a_linear_model_gives_each_its_weight_times_its_distance() -> None:
    """Of one period, where the log-odds themselves are linear."""
    weights = RANDOM.normal(size=(COLUMNS, 1)).astype(np.float32)
    linear = LinearHazards(weights, np.float32([-1]))
    model = churn_model(COLUMNS, linear, None, Blend(0.5, 0.0, 0.3))
    expected = 0.5 * weights[:, 0] * (ACCOUNTS - BASE)
    np.testing.assert_allclose(found(model, ACCOUNTS, column=0), expected, atol=1e-5)


def test_a_column_that_is_not_read_gets_nothing() -> None:
    model = model_of(4)
    opened = model.opened
    opened.straight[2] = 0
    for one in opened.encoded:
        one.weights[one.column == 2] = 0
    each = found(model, ACCOUNTS)
    assert (each[:, 2] == 0).all()
    assert (np.abs(np.delete(each, 2, axis=1)).max(axis=0) > 0.01).all()


def test_a_group_is_the_sum_of_its_columns() -> None:
    model = model_of(5)
    groups = np.float32([[1, 0], [0, 1], [1, 0], [0, 1], [1, 0], [0, 1]])
    path = PathSums(model.opened, BASE, 1, groups)
    both = path.found(tf.constant(ACCOUNTS)).numpy()
    np.testing.assert_allclose(both, found(model, ACCOUNTS) @ groups, atol=1e-5)


def test_a_certain_answer_adds_up_too() -> None:
    sure = LinearHazards(np.full((COLUMNS, 1), 9, np.float32), np.float32([0]))
    model = churn_model(COLUMNS, sure, None, Blend())
    accounts = np.stack([np.full(COLUMNS, 3), np.full(COLUMNS, -3)]).astype(np.float32)
    change = change_of(model, accounts, column=0)
    path = PathSums(model.opened, BASE, 0, EACH)
    each = path.contributions(tf.constant(accounts), tf.constant(change, tf.float32)).numpy()
    np.testing.assert_allclose(each.sum(axis=1), change, atol=1e-3)
    assert np.isfinite(each).all()


def test_only_the_served_model_needs_no_gradient_by_column() -> None:
    assert isinstance(model_of(1), keras.Model)
    assert model_of(1, hidden=()).opened.encoded == ()
