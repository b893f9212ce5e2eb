"""Requests that TensorFlow Serving warms a pushed model up with: its signatures answer them."""

from types import SimpleNamespace

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving_model.served.interface import EXPLAIN, PROBABILITY, SERVING
from serving_model.served.warmup import WARMUP, example_of_nobody


def test_each_request_is_one_that_the_model_answers(world: SimpleNamespace) -> None:
    records = tf.data.TFRecordDataset(str(world.model / WARMUP)).as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(one) for one in records]
    signatures = tf.saved_model.load(str(world.model)).signatures
    asked = []
    for log in logs:
        request = log.predict_log.request
        assert request.model_spec.name == "churn"
        examples = tf.make_ndarray(request.inputs["examples"])
        answer = signatures[request.model_spec.signature_name](
            examples=tf.constant(examples, tf.string)
        )
        assert np.isfinite(answer[PROBABILITY].numpy()).all()
        asked.append((request.model_spec.signature_name, len(examples)))
    assert asked == [(SERVING, 1), (SERVING, 2), (EXPLAIN, 1), (EXPLAIN, 2)]


def test_they_name_nobody(world: SimpleNamespace) -> None:
    """Accounts and words of the training examples are none of theirs."""
    parsed = tf.train.Example.FromString(example_of_nobody())
    words = {
        value for feature in parsed.features.feature.values() for value in feature.bytes_list.value
    }
    assert words == {b"none"}
    assert example_of_nobody() == example_of_nobody()
