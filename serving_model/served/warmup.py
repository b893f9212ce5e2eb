"""Requests that TensorFlow Serving sends to a model before it answers others.

They lie in the SavedModel (https://www.tensorflow.org/tfx/serving/saved_model_warmup): the first
call of a signature takes a second longer than all others. They name nobody: no account of the
training examples is in them.
"""

from typing import Any, Final

import tensorflow as tf

from serving_model.served.interface import EXPLAIN, SERVING
from transforms import event_spec as spec

WARMUP: Final = "assets.extra/tf_serving_warmup_requests"
MODEL: Final = "churn"
"""Name of the model, by which it is asked."""
_SIZES: Final = (1, 2)


def write_warmup(saved_model_dir: str) -> None:
    """Writes the requests into an exported model, on whatever file system it lies.

    Args:
        saved_model_dir: Folder of the SavedModel, which holds its card already.
    """
    with tf.io.TFRecordWriter(f"{saved_model_dir.rstrip('/')}/{WARMUP}") as writer:
        for signature in (SERVING, EXPLAIN):
            for size in _SIZES:
                writer.write(_request(signature, size).SerializeToString())


def _request(signature: str, size: int) -> Any:
    # Here: who only asks a model does without.
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name, request.model_spec.signature_name = MODEL, signature
    examples = tf.make_tensor_proto([example_of_nobody()] * size, tf.string)
    request.inputs["examples"].CopyFrom(examples)
    return log


def example_of_nobody() -> bytes:
    """Returns a serialized example of an account that wrote once, a day ago."""
    values: dict[Any, Any] = {
        tf.string: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"none"])),
        tf.float32: tf.train.Feature(float_list=tf.train.FloatList(value=[1.0])),
        tf.int64: tf.train.Feature(int64_list=tf.train.Int64List(value=[1])),
    }
    parsed = spec.raw_feature_spec(with_label=False)
    features = {name: values[one.dtype] for name, one in parsed.items()}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return bytes(example.SerializeToString(deterministic=True))
