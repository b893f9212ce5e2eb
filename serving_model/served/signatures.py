"""Exports the model with the Transform graph in it: raw events in, probability out."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import keras
import tensorflow as tf
import tensorflow_transform as tft

from serving_model.reasons.explainer import Explainer
from serving_model.served.blocks import in_blocks
from serving_model.served.interface import (
    EXPLAIN,
    HORIZON_PROBABILITIES,
    PROBABILITY,
    RAW_EVENTS,
    SCORE_FEATURES,
    SERVING,
    TRANSFORM,
)
from transforms import event_spec as spec
from transforms.account_features import FEATURES

PARSED: Final = spec.raw_feature_spec(with_label=False)

Tensors = Mapping[str, Any]


class Served(Protocol):
    """What answers for a served model; parsed examples are those of PARSED."""

    def features(self, raw: Tensors) -> tf.Tensor:
        """Returns `features` of parsed examples, float32 [batch, columns]."""

    def answer(self, raw: Tensors) -> Tensors:
        """Returns account_id and churn_probability [batch, 1] and HORIZON_PROBABILITIES."""

    def explain(self, raw: Tensors) -> Tensors:
        """Returns the answer to parsed examples and its reasons."""

    def score_features(self, features: tf.Tensor) -> Tensors:
        """Returns churn_probability [batch, 1] of features, float32 [batch, columns]."""


class ServedModel(tf.Module):
    """The Transform graph and the network as one: every signature runs through `answer`.

    keras.export.ExportArchive saves no lookup table but those of Keras layers, and the
    vocabularies of the Transform graph are such tables; so the parts are held here.

    Args:
        model: From `features` [batch, columns] to probabilities [batch, K], by horizon.
        target: Index of the horizon of churn_probability.
        transform: What Transform wrote.
        explainer: Of the same model.
    """

    def __init__(
        self,
        model: keras.Model,
        target: int,
        transform: tft.TFTransformOutput,
        explainer: Explainer,
    ) -> None:
        super().__init__()
        self._target = target
        self._horizons = model.output_shape[-1]
        self._explainer = explainer
        self._transform = transform.transform_features_layer()
        # The variables themselves: a loader of TensorFlow 1 cannot restore Keras 3's.
        self._weights = [variable.value for variable in model.variables]
        self._model = tf.function(functools.partial(model, training=False), autograph=False)

    def features(self, raw: Tensors) -> tf.Tensor:
        """Returns `features` of parsed examples, float32 [batch, columns]."""
        # The label is not known when a model serves; the graph is pruned to do without.
        return self._transform.call({name: raw[name] for name in PARSED})[FEATURES]

    def answer(self, raw: Tensors) -> Tensors:
        """Returns account_id and churn_probability [batch, 1] and HORIZON_PROBABILITIES."""
        return self._answer(raw, self.features(raw))

    def explain(self, raw: Tensors) -> Tensors:
        """Returns the answer to parsed examples and its reasons."""
        features = self.features(raw)
        answer = self._answer(raw, features)
        return {**answer, **self._explainer.reasons(raw, features, answer[PROBABILITY])}

    def score_features(self, features: tf.Tensor) -> Tensors:
        """Returns churn_probability [batch, 1] of features, float32 [batch, columns]."""
        return {PROBABILITY: column(self._probabilities(features)[:, self._target])}

    def _probabilities(self, features: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities by horizon, [batch, K], the same however large the batch is."""
        return in_blocks(self._model, features, width=self._horizons)

    def _answer(self, raw: Tensors, features: tf.Tensor) -> Tensors:
        probabilities = self._probabilities(features)
        return {
            spec.ACCOUNT_ID: column(raw[spec.ACCOUNT_ID]),
            PROBABILITY: column(probabilities[:, self._target]),
            HORIZON_PROBABILITIES: probabilities,
        }


def export_model(
    model: keras.Model,
    target: int,
    transform: tft.TFTransformOutput,
    directory: str,
    explainer: Explainer,
) -> None:
    """Writes a SavedModel with the signatures of `served.interface`, SERVING the first of them.

    Args:
        model: From `features` [batch, columns] to probabilities [batch, K], by horizon.
        target: Index of the horizon of churn_probability.
        transform: What Transform wrote; its graph becomes part of the model.
        directory: Where to write; made if missing.
        explainer: Of the same model.
    """
    save_served(ServedModel(model, target, transform, explainer), model.input_shape, directory)


def save_served(served: Served, shape: Sequence[int | None], directory: str) -> None:
    """Writes a SavedModel with the signatures of `served.interface`, SERVING the first of them.

    Args:
        served: What answers; a tf.Module, whose variables and tables are written with it.
        shape: Of its features, [batch, columns].
        directory: Where to write; made if missing.
    """
    signatures = {
        SERVING: _of_examples(served.answer),
        EXPLAIN: _of_examples(served.explain),
        TRANSFORM: _of_examples(lambda raw: {FEATURES: served.features(raw)}),
        SCORE_FEATURES: _of_features(served, shape),
        RAW_EVENTS: _of_raw_events(served),
    }
    # No signature branches on a tensor: rewriting the code of all layers would only take time.
    save = tf.autograph.experimental.do_not_convert(tf.saved_model.save)
    save(served, directory, signatures=signatures)


def _of_examples(answer: Callable[[Tensors], Tensors]) -> Any:
    specs = [tf.TensorSpec([None], tf.string, name="examples")]

    @tf.function(input_signature=specs, autograph=False)
    def signature(examples: tf.Tensor) -> Tensors:
        return answer(tf.io.parse_example(examples, PARSED))

    return signature


def _of_features(served: Served, shape: Sequence[int | None]) -> Any:
    specs = [tf.TensorSpec(shape, tf.float32, name=FEATURES)]

    @tf.function(input_signature=specs, autograph=False)
    def signature(features: tf.Tensor) -> Tensors:
        return served.score_features(features)

    return signature


def _of_raw_events(served: Served) -> Any:
    @tf.function(input_signature=[_raw_signature()], autograph=False)
    def signature(raw: Tensors) -> Tensors:
        return served.answer(without_padding(raw))

    return signature


def without_padding(raw: Tensors) -> dict[str, Any]:
    """Drops the padding of dense lists.

    Args:
        raw: Scalars [batch], event lists [batch, events], padded where the age is
            negative or NaN; lists of sources [batch, sources], padded where their days are.

    Returns:
        The same, with lists as SparseTensor.
    """
    real = dict.fromkeys(spec.EVENT_LISTS, raw[spec.EVENT_AGE_DAYS] >= 0)
    real |= dict.fromkeys(spec.SOURCE_LISTS, raw[spec.DAYS_SINCE_SOURCE] >= 0)
    return {
        name: tf.ragged.boolean_mask(value, real[name]).to_sparse() if name in real else value
        for name, value in raw.items()
    }


def _raw_signature() -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec([None, None] if name in spec.LISTS else [None], parsed.dtype, name=name)
        for name, parsed in PARSED.items()
    }


def column(values: tf.Tensor) -> tf.Tensor:
    """Returns values [batch] as [batch, 1]."""
    # Rank 2: tfx_bsl's RunInference cannot take apart strings of rank 1.
    return tf.reshape(values, [-1, 1])
