"""A SavedModel in a session, for who asks about few examples at a time: calls stay in their thread.

The functions that `tf.saved_model.load` returns hand operations to threads of TensorFlow; about one
account that is a third of what a call takes. TensorFlow Serving loads models in this way, too.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import config_pb2

_IN_CALLER: Final = tf.compat.v1.RunOptions(inter_op_thread_pool=-1)


class ModelSession:
    """The signatures of a SavedModel, as functions of numpy arrays; threads may call them at once.

    Its memory is given back when the last of its signatures goes.

    Attributes:
        graph: All that it computes.
        signatures: By name.

    Args:
        directory: Of the SavedModel.
    """

    def __init__(self, directory: str) -> None:
        self.graph = tf.Graph()
        session = tf.compat.v1.Session(graph=self.graph)
        with self.graph.as_default(), _without_advice():
            loaded = tf.compat.v1.saved_model.load(session, ["serve"], directory)
        self.signatures = {
            name: SessionSignature(session, definition)
            for name, definition in loaded.signature_def.items()
            if definition.method_name == tf.compat.v1.saved_model.PREDICT_METHOD_NAME
        }


class SessionSignature:
    """A signature, called as those of `tf.saved_model.load` are.

    Attributes:
        structured_input_signature: Nothing by position, and a tf.TensorSpec by name.
        structured_outputs: A tf.TensorSpec by name.

    Args:
        session: With the model.
        definition: A SignatureDef.
    """

    def __init__(self, session: tf.compat.v1.Session, definition: Any) -> None:
        self.structured_input_signature = ((), _specs(definition.inputs))
        self.structured_outputs = _specs(definition.outputs)
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[name].name for name in self.structured_input_signature[1]],
            fetch=[definition.outputs[name].name for name in self.structured_outputs],
            run_options=_IN_CALLER,
        )
        # Session.make_callable looks at all names again in each call, a tenth of a small one.
        self._run = session._make_callable_from_options(options)

    def __call__(self, **inputs: Any) -> dict[str, NDArray[Any]]:
        """Calls it.

        Args:
            **inputs: An array, or a tensor, for each input.

        Raises:
            tf.errors.InvalidArgumentError: The model cannot read them.
        """
        specs = self.structured_input_signature[1].items()
        values = [np.asarray(inputs[name], spec.dtype.as_numpy_dtype) for name, spec in specs]
        return dict(zip(self.structured_outputs, self._run(*values), strict=True))


def _specs(tensors: Any) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec(tf.TensorShape(one.tensor_shape), tf.as_dtype(one.dtype), name)
        for name, one in sorted(tensors.items())
    }


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Keeps what TensorFlow says of its own loader from the log: to use the other one."""
    log = logging.getLogger("tensorflow")
    log.addFilter(_is_no_advice)
    try:
        yield
    finally:
        log.removeFilter(_is_no_advice)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return "is deprecated" not in record.msg
