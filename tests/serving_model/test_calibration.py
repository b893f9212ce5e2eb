"""The map behind the network: what it finds, how it is held back, and that it is served."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from serving_model.calibration import (
    LASTING_DEVIATION,
    PASSING_DEVIATION,
    Recalibration,
    fit_intercept,
    fit_slope,
    recalibrated_model,
)
from serving_model.explainer import Explainer
from serving_model.model_card import read_card
from serving_model.signatures import PROBABILITY, RAW_EVENTS, SERVING, export_model
from transforms import event_spec as spec
from transforms.account_features import FEATURES, feature_names


def drawn(accounts: int, slope: float, shift: float, seed: int = 5) -> tuple:
    """Labels, and probabilities whose log-odds ought to be slope x log-odds + shift."""
    random = np.random.default_rng(seed)
    odds = random.normal(-2, 1, accounts)
    labels = (random.random(accounts) < expit(slope * odds + shift)).astype(np.float64)
    return labels, expit(odds)


@pytest.mark.parametrize("slope", [0.6, 1.0, 1.4])
def test_with_much_evidence_the_slope_is_that_of_logistic_regression(slope: float) -> None:
    labels, found = drawn(300_000, slope, 0.3)
    reference = LogisticRegression(C=np.inf, tol=1e-8).fit(logit(found)[:, None], labels)
    assert fit_slope(labels, found) == pytest.approx(reference.coef_[0, 0], abs=0.01)
    assert fit_slope(labels, found) == pytest.approx(slope, abs=0.05)


def test_with_little_evidence_the_map_stays_near_none() -> None:
    labels, found = drawn(12, 1.0, 0.0)
    assert fit_slope(labels, found) == pytest.approx(1, abs=0.1)
    assert abs(fit_intercept(np.array([1.0]), np.array([0.05]), 1.0)) < LASTING_DEVIATION**2
    assert fit_slope(np.zeros(5), np.full(5, 0.1)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, -0.4), (0.8, 0.2), (1.3, 0.0)])
def test_of_a_shift_that_is_sure_the_lasting_share_is_carried(slope: float, shift: float) -> None:
    labels, found = drawn(300_000, slope, shift)
    pivot = (1 - slope) * logit(found).mean()
    whole = brentq(
        lambda extra: expit(slope * logit(found) + pivot + extra).mean() - labels.mean(), -3, 3
    )
    share = LASTING_DEVIATION**2 / (LASTING_DEVIATION**2 + PASSING_DEVIATION**2)
    expected = pivot + share * whole
    assert fit_intercept(labels, found, slope) == pytest.approx(expected, abs=0.005)


@settings(max_examples=60, deadline=None)
@given(
    probabilities=st.lists(st.floats(0, 1), min_size=1, max_size=40),
    churned=st.integers(0, 2**40 - 1),
)
def test_whatever_is_fitted_is_finite_and_keeps_the_order(
    probabilities: list[float], churned: int
) -> None:
    found = np.array(probabilities)
    labels = np.array([churned >> place & 1 for place in range(len(found))], dtype=np.float64)
    slope = fit_slope(labels, found)
    mapped = Recalibration(slope, fit_intercept(labels, found, slope)).apply(np.sort(found))
    assert ((mapped >= 0) & (mapped <= 1)).all()
    assert (np.diff(mapped) >= -1e-12).all()


def test_keras_and_numpy_apply_one_map() -> None:
    inputs = keras.Input([1])
    map_ = Recalibration(0.7, -0.35)
    model = recalibrated_model(keras.Model(inputs, keras.ops.sigmoid(inputs)), map_)
    odds = np.linspace(-12, 12, 101, dtype=np.float32)
    expected = map_.apply(expit(odds.astype(np.float64)))
    np.testing.assert_allclose(model(odds[:, None]).numpy()[:, 0], expected, atol=1e-6)


def test_every_signature_serves_the_recalibrated_probability(
    world: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inputs = keras.Input([len(feature_names())], name=FEATURES)
    plain = keras.Model(inputs, keras.ops.sigmoid(keras.ops.mean(inputs, 1, keepdims=True)))
    map_ = Recalibration(0.5, -1.0)
    answers = []
    for model in (plain, recalibrated_model(plain, map_)):
        folder = str(tmp_path_factory.mktemp("model"))
        explainer = Explainer(model, np.zeros((1, len(feature_names())), np.float32))
        export_model(model, tft.TFTransformOutput(world.graph), folder, explainer)
        loaded = tf.saved_model.load(folder)
        raw = tf.io.parse_example(world.scored[:50], spec.raw_feature_spec(with_label=False))
        filler = {tf.string: "", tf.float32: -1.0, tf.int64: 0}
        for name in spec.EVENT_LISTS:
            raw[name] = tf.sparse.to_dense(raw[name], filler[raw[name].dtype])
        served = loaded.signatures[SERVING](examples=tf.constant(world.scored[:50]))
        events = loaded.signatures[RAW_EVENTS](**raw)
        np.testing.assert_allclose(served[PROBABILITY], events[PROBABILITY], atol=1e-6)
        answers.append(served[PROBABILITY].numpy()[:, 0].astype(np.float64))
    np.testing.assert_allclose(answers[1], map_.apply(answers[0]), atol=1e-6)
    assert np.abs(answers[1] - answers[0]).min() > 0.05


def test_the_card_says_what_the_map_is_and_where_it_comes_from(world: SimpleNamespace) -> None:
    card = read_card(str(world.model))
    assert 0 < float(card["calibration_slope"]) <= 2
    assert abs(float(card["calibration_intercept"])) < 1
    assert card["calibration_cutoff"] == "2024-02-06T22:13:20+00:00"
    assert card["calibration_snapshots"] == 700
