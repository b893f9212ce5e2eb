"""The signatures of the champion by name, for clients of other servers: tensors in, tensors out."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import tensorflow as tf

from pipeline.serving.champion import Champion
from pipeline.serving.problems import Problem

MODEL: Final = "churn"
LABEL: Final = "champion"
TYPES: Final = {
    tf.string: ("DT_STRING", "BYTES"),
    tf.float32: ("DT_FLOAT", "FP32"),
    tf.int64: ("DT_INT64", "INT64"),
}
"""As TensorFlow Serving and the Open Inference Protocol call them."""

MOST_ROWS: Final = 4_096
"""Of one request: others wait for the model meanwhile."""


def signature_of(champion: Champion, name: str) -> Any:
    """Returns a signature.

    Raises:
        Problem: The model has none of this name.
    """
    signatures = champion.scorer.signatures
    if name not in signatures:
        raise Problem(
            400,
            "no_signature",
            f"The model has no signature {name[:100]!r}: it has {', '.join(sorted(signatures))}.",
        )
    return signatures[name]


def inputs_of(signature: Any) -> dict[str, tf.TensorSpec]:
    """Returns name, dtype and shape of the inputs of a signature."""
    return dict(sorted(signature.structured_input_signature[1].items()))


def outputs_of(signature: Any) -> dict[str, tf.TensorSpec]:
    """Returns name, dtype and shape of its outputs."""
    return dict(sorted(signature.structured_outputs.items()))


def call(signature: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Calls a signature.

    Args:
        signature: Of the model.
        values: Nested lists, or arrays, by the names of its inputs.

    Returns:
        numpy arrays by the names of its outputs.

    Raises:
        Problem: Inputs are missing or unknown, of another type or shape, or no example.
    """
    wanted = inputs_of(signature)
    if values.keys() != wanted.keys():
        raise Problem(400, "inputs", f"Expected the inputs {', '.join(wanted)}, and no others.")
    tensors = {name: _tensor(name, values[name], spec) for name, spec in wanted.items()}
    rows = {len(tensor) for tensor in tensors.values()}
    if len(rows) > 1:
        raise Problem(400, "inputs", f"The inputs have different numbers of rows: {sorted(rows)}.")
    if max(rows) > MOST_ROWS:
        raise Problem(400, "inputs", f"The inputs have more than {MOST_ROWS} rows: send parts.")
    try:
        found = signature(**tensors)
    except tf.errors.InvalidArgumentError:  # its words may quote what was sent
        raise Problem(
            400,
            "inputs",
            "The model could not read the inputs: no Example, or lists of one row "
            "that differ in length.",
        ) from None
    return {name: np.asarray(value) for name, value in sorted(found.items())}


def _tensor(name: str, values: Any, spec: tf.TensorSpec) -> tf.Tensor:
    try:
        if spec.dtype == tf.int64 and not _whole(values):
            raise ValueError
        tensor = tf.constant(values, spec.dtype)
    except (ValueError, TypeError, OverflowError):
        raise Problem(
            400, "inputs", f"Input {name} does not hold {TYPES[spec.dtype][0]} in equal rows."
        ) from None
    if not spec.shape.is_compatible_with(tensor.shape):
        raise Problem(
            400,
            "inputs",
            f"Input {name} has the shape {list(tensor.shape)}, expected {spec.shape}.",
        )
    return tensor


def _whole(values: Any) -> bool:
    """Tells whether numbers are whole, which TensorFlow would make of others."""
    return bool(np.asarray(values).dtype.kind in "iu" or np.size(values) == 0)


def plain(values: Any) -> Any:
    """Returns an array as nested lists that JSON knows; what is no number is null.

    Bytes become text; those that are no UTF-8, {"b64": ...}.
    """
    import base64

    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(inner) for inner in value]
        if isinstance(value, bytes):
            try:
                return value.decode()
            except UnicodeDecodeError:
                return {"b64": base64.b64encode(value).decode()}
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return one(values.tolist())
