"""One model, five doors: every signature gives the same answer, in every loader."""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from tfx_bsl.public.beam import RunInference
from tfx_bsl.public.proto import model_spec_pb2

from serving_model.served.interface import (
    BASE_LOG_ODDS,
    CONTRIBUTIONS,
    EXPLAIN,
    FACT_WORDS,
    FACTS,
    HORIZON_PROBABILITIES,
    PROBABILITY,
    RAW_EVENTS,
    SCORE_FEATURES,
    SERVING,
    SIGNATURES,
    TRANSFORM,
    Tensor,
)
from serving_model.served.predict import ModelScorer
from transforms import event_spec as spec
from transforms.account_features import FEATURES, feature_names
from transforms.columns import CATEGORIES, NEGATIVE, PRIORITY
from transforms.reason_facts import fact_names, fact_word_names
from transforms.reason_groups import group_names

EVENT_STRINGS = [column.feature for column in CATEGORIES if not column.of_account]
PADDING = {tf.string: "?", tf.float32: -1.0, tf.int64: 0}


@pytest.fixture(scope="module")
def loaded(world: SimpleNamespace) -> Any:
    return tf.saved_model.load(str(world.model))


def tensors(specs: dict[str, Any]) -> dict[str, Tensor]:
    return {name: Tensor(one.dtype, tuple(one.shape)) for name, one in specs.items()}


def fits(found: dict[str, Tensor], stated: Mapping[str, Tensor]) -> bool:
    """Whether names, dtypes and shapes are those stated; None in a stated shape fits any size."""
    return found.keys() == stated.keys() and all(
        found[name].dtype == one.dtype
        and len(found[name].shape) == len(one.shape)
        and all(size in (None, own) for own, size in zip(found[name].shape, one.shape, strict=True))
        for name, one in stated.items()
    )


def test_the_signatures_are_those_of_the_interface(loaded: Any) -> None:
    assert loaded.signatures.keys() == SIGNATURES.keys()
    for name, stated in SIGNATURES.items():
        signature = loaded.signatures[name]
        assert fits(tensors(signature.structured_input_signature[1]), stated.inputs), name
        assert fits(tensors(signature.structured_outputs), stated.outputs), name


def padded(serialized: list[bytes]) -> dict[str, tf.Tensor]:
    parsed_spec = spec.raw_feature_spec(with_label=False)
    parsed = tf.io.parse_example(serialized, parsed_spec)
    for name in spec.LISTS:
        parsed[name] = tf.sparse.to_dense(parsed[name], PADDING[parsed_spec[name].dtype])
    return parsed


def silent() -> dict[str, Any]:
    return {
        spec.ACCOUNT_ID: "silent",
        spec.CUSTOMER_TIER: "never seen",
        spec.REGION: "",
        spec.CUTOFF: 0,
        **{name: 0.0 for name in (*spec.SCALAR_FLOATS, *spec.LIFE_FLOATS)},
        spec.LIFE_SOURCE: np.empty(0, np.str_),
        spec.LIFE_SOURCE_COUNT: np.empty(0, np.float32),
        spec.DAYS_SINCE_SOURCE: np.empty(0, np.float32),
        spec.EVENT_AGE_DAYS: np.empty(0, np.float32),
        PRIORITY.feature: np.empty(0, np.int64),
        **{name: np.empty(0, np.str_) for name in EVENT_STRINGS},
    }


def odd(event: str) -> dict[str, Any]:
    one = {name: np.array([event]) for name in EVENT_STRINGS}
    ages, priorities = np.array([1e6]), np.array([99])
    return silent() | one | {spec.EVENT_AGE_DAYS: ages, PRIORITY.feature: priorities}


def test_padded_events_and_serialized_examples_agree(
    world: SimpleNamespace, scorer: ModelScorer, loaded: Any
) -> None:
    accounts, probabilities = scorer.score(world.scored[:300])
    answer = loaded.signatures[RAW_EVENTS](**padded(world.scored[:300]))
    assert answer[PROBABILITY].shape == answer[spec.ACCOUNT_ID].shape == (300, 1)
    assert [one.decode() for one in answer[spec.ACCOUNT_ID].numpy()[:, 0]] == accounts.tolist()
    np.testing.assert_allclose(answer[PROBABILITY].numpy()[:, 0], probabilities, atol=1e-6)


def test_what_is_explained_is_what_is_served(
    world: SimpleNamespace, scorer: ModelScorer, loaded: Any
) -> None:
    accounts, probabilities = scorer.score(world.scored[:300])
    answer = loaded.signatures[EXPLAIN](examples=tf.constant(world.scored[:300]))
    np.testing.assert_allclose(answer[PROBABILITY].numpy()[:, 0], probabilities, atol=1e-6)
    assert [one.decode() for one in answer[spec.ACCOUNT_ID].numpy()[:, 0]] == accounts.tolist()
    shapes = {name: tuple(value.shape) for name, value in answer.items()}
    assert shapes == {
        spec.ACCOUNT_ID: (300, 1),
        PROBABILITY: (300, 1),
        HORIZON_PROBABILITIES: (300, 3),
        BASE_LOG_ODDS: (300, 1),
        CONTRIBUTIONS: (300, len(group_names())),
        FACTS: (300, len(fact_names())),
        FACT_WORDS: (300, len(fact_word_names())),
    }


def test_features_are_scored_as_their_snapshots_are(
    world: SimpleNamespace, scorer: ModelScorer, loaded: Any
) -> None:
    assert sorted(loaded.signatures) == sorted(
        [SERVING, EXPLAIN, TRANSFORM, SCORE_FEATURES, RAW_EVENTS]
    )
    batch = tf.constant(world.scored[:300])
    features = loaded.signatures[TRANSFORM](examples=batch)[FEATURES]
    answer = loaded.signatures[SCORE_FEATURES](features=features)
    assert {name: tuple(value.shape) for name, value in answer.items()} == {PROBABILITY: (300, 1)}
    probabilities = scorer.score(world.scored[:300])[1]
    np.testing.assert_allclose(answer[PROBABILITY].numpy()[:, 0], probabilities, atol=1e-6)


def test_padding_is_not_read(world: SimpleNamespace, loaded: Any) -> None:
    raw = padded(world.scored[:20])
    rubbish = {tf.string: NEGATIVE, tf.float32: -7.0, tf.int64: 5}
    more = {
        name: tf.pad(raw[name], [[0, 0], [0, 3]], constant_values=rubbish[raw[name].dtype])
        for name in spec.LISTS
    }
    plain = loaded.signatures[RAW_EVENTS](**raw)[PROBABILITY]
    assert np.array_equal(loaded.signatures[RAW_EVENTS](**(raw | more))[PROBABILITY], plain)


def test_the_answer_does_not_depend_on_the_batch(
    world: SimpleNamespace, scorer: ModelScorer
) -> None:
    """Not in its last bit: a server is asked about one account, a run about thousands."""
    together = scorer.score_horizons(world.scored)
    for size, count in ((1, 60), (2, 60), (7, 140), (63, 630), (64, 640), (65, 650), (300, 900)):
        parts = [
            scorer.score_horizons(world.scored[at : at + size]) for at in range(0, count, size)
        ]
        for days, probabilities in together.items():
            found = np.concatenate([one[days] for one in parts])
            assert np.array_equal(found[:count], probabilities[:count]), (size, days)


def test_reasons_do_not_depend_on_the_batch(world: SimpleNamespace, scorer: ModelScorer) -> None:
    """So a server says to the last bit what a run has published."""
    together = scorer.explain(world.scored)
    for size, count in ((1, 20), (7, 70), (63, 630), (300, 900)):
        for at in range(0, count, size):
            part = scorer.explain(world.scored[at : at + size])
            for name in ("horizon_probabilities", "base_log_odds", "contributions", "facts"):
                expected = getattr(together, name)[at : at + size]
                assert np.array_equal(getattr(part, name), expected), (size, name)


def test_transform_features_are_finite_and_named(
    world: SimpleNamespace, loaded: Any, tools: SimpleNamespace
) -> None:
    strange = [silent(), odd("\x00"), odd("line\nbreak"), odd(""), odd("\U0001f9ea")]
    batch = tf.constant(world.scored + [tools.example(one) for one in strange])
    features = loaded.signatures[TRANSFORM](examples=batch)[FEATURES].numpy()
    assert features.shape == (len(batch), len(feature_names()))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_a_batch_of_silent_accounts_is_scored(scorer: ModelScorer, tools: SimpleNamespace) -> None:
    accounts, probabilities = scorer.score([tools.example(silent())] * 2)
    assert accounts.tolist() == ["silent", "silent"]
    assert ((probabilities > 0) & (probabilities < 1)).all()


@pytest.mark.parametrize(
    ("group", "feature"), [("tier", spec.CUSTOMER_TIER), ("region", spec.REGION)]
)
def test_a_word_has_the_column_of_its_place_in_the_vocabulary(
    world: SimpleNamespace, loaded: Any, tools: SimpleNamespace, group: str, feature: str
) -> None:
    words = tft.TFTransformOutput(world.graph).vocabulary_by_name(group)
    columns = [n for n, name in enumerate(feature_names()) if name.startswith(f"{group}[")]
    for place, word in [*enumerate(words), (len(columns) - 1, b"never seen")]:
        batch = tf.constant([tools.example(silent() | {feature: word.decode()})])
        one_hot = loaded.signatures[TRANSFORM](examples=batch)[FEATURES].numpy()[0, columns]
        assert one_hot.tolist() == [float(n == place) for n in range(len(columns))]


def test_run_inference_gives_the_same(world: SimpleNamespace, scorer: ModelScorer) -> None:
    expected = dict(zip(*scorer.score(world.scored[:50]), strict=True))
    saved = model_spec_pb2.SavedModelSpec(model_path=str(world.model))
    model = model_spec_pb2.InferenceSpecType(saved_model_spec=saved)

    def same(logs: Iterable[Any]) -> None:
        outputs = [log.predict_log.response.outputs for log in logs]
        found = {
            tf.make_ndarray(one[spec.ACCOUNT_ID])[0, 0].decode(): tf.make_ndarray(one[PROBABILITY])
            for one in outputs
        }
        assert found.keys() == expected.keys()
        for account, probability in found.items():
            np.testing.assert_allclose(probability, [[expected[account]]], atol=1e-6)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        examples = [tf.train.Example.FromString(one) for one in world.scored[:50]]
        assert_that(pipeline | beam.Create(examples) | RunInference(model), same)


def changed(serialized: bytes, without: str = "", more: str = "") -> bytes:
    example = tf.train.Example.FromString(serialized)
    if without:
        del example.features.feature[without]
    if more:
        example.features.feature[more].float_list.value.append(3.0)
    return example.SerializeToString()


def test_a_model_scores_examples_that_hold_more_than_it_knows(
    world: SimpleNamespace, scorer: ModelScorer
) -> None:
    """So a champion goes on scoring where a later version reads more of the feedback."""
    later = [changed(one, more="read_since_then") for one in world.scored[:50]]
    np.testing.assert_array_equal(scorer.score(later)[1], scorer.score(world.scored[:50])[1])


@pytest.mark.parametrize("missing", [spec.EVENT_DAYS, spec.DAYS_SINCE_TONE[0]])
def test_a_model_names_what_examples_of_before_do_not_hold(
    world: SimpleNamespace, loaded: Any, missing: str
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=missing):
        loaded.signatures[SERVING](examples=tf.constant([changed(world.scored[0], missing)]))
