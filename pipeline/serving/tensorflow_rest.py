"""TensorFlow Serving's REST API, so that its clients ask this server as they ask that one.

https://www.tensorflow.org/tfx/serving/api_rest: status, metadata and predict, in rows (instances)
and in columns (inputs), with bytes as {"b64": ...}. The form of an error is {"error": ...}.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from pipeline.serving.champion import Champion
from pipeline.serving.problems import Problem
from pipeline.serving.signatures import (
    LABEL,
    MODEL,
    TYPES,
    call,
    inputs_of,
    outputs_of,
    plain,
    signature_of,
)
from serving_model.served.interface import SERVING

_KNOWN: Final = {"signature_name", "instances", "inputs"}


def require_model(champion: Champion, name: str, version: str | None, label: str | None) -> None:
    """Refuses another model than the one that answers.

    Args:
        champion: That answers.
        name: Of the model that is asked for.
        version: Its number, if one is asked for.
        label: Its label, likewise.

    Raises:
        Problem: It is another one, in TensorFlow Serving's words.
    """
    if name != MODEL:
        raise Problem(404, "no_model", f"Servable not found for request: Latest({name[:100]})")
    if version is not None and version != str(champion.number):
        raise Problem(
            404, "no_model", f"Servable not found for request: Specific({MODEL}, {version[:20]})"
        )
    if label is not None and label != LABEL:
        raise Problem(404, "no_model", f"Unrecognized servable version label: {label[:100]}")


def status(champion: Champion) -> dict[str, Any]:
    """Returns the status of the model."""
    known = {"error_code": "OK", "error_message": ""}
    one = {"version": str(champion.number), "state": "AVAILABLE", "status": known}
    return {"model_version_status": [one]}


def metadata(champion: Champion) -> dict[str, Any]:
    """Returns the signatures of the model."""
    signatures = {
        name: {
            "inputs": _tensors(inputs_of(signature)),
            "outputs": _tensors(outputs_of(signature)),
            "method_name": "tensorflow/serving/predict",
        }
        for name, signature in sorted(champion.scorer.signatures.items())
    }
    spec = {"name": MODEL, "signature_name": "", "version": str(champion.number)}
    return {
        "model_spec": spec,
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _tensors(specs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "dtype": TYPES[spec.dtype][0],
            "tensor_shape": {
                "dim": [
                    {"size": str(-1 if one is None else one), "name": ""} for one in spec.shape
                ],
                "unknown_rank": False,
            },
            "name": name,
        }
        for name, spec in specs.items()
    }


def predict(champion: Champion, content: Any) -> dict[str, Any]:
    """Answers a request to predict.

    Args:
        champion: That answers.
        content: The body: signature_name, and instances or inputs.

    Raises:
        Problem: It does not fit.
    """
    if not isinstance(content, dict) or not content.keys() <= _KNOWN:
        raise Problem(400, "invalid", f"Expected an object of {', '.join(sorted(_KNOWN))}.")
    if ("instances" in content) == ("inputs" in content):
        raise Problem(400, "invalid", "Expected either instances or inputs.")
    name = content.get("signature_name", SERVING)
    if not isinstance(name, str):
        raise Problem(400, "invalid", "signature_name is no text.")
    signature = signature_of(champion, name or SERVING)
    names = list(inputs_of(signature))
    if "inputs" in content:
        found = call(signature, _columns(_decoded(content["inputs"]), names))
        told = {one: plain(value) for one, value in found.items()}
        return {"outputs": told if len(told) > 1 else next(iter(told.values()))}
    found = call(signature, _of_rows(_decoded(content["instances"]), names))
    columns = {one: plain(value) for one, value in found.items()}
    if len(columns) == 1:
        return {"predictions": next(iter(columns.values()))}
    rows = zip(*columns.values(), strict=True)
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in rows]}


def _columns(inputs: Any, names: list[str]) -> dict[str, Any]:
    if isinstance(inputs, dict):
        return inputs
    if len(names) > 1:
        raise Problem(400, "invalid", f"inputs is an object of {', '.join(names)}.")
    return {names[0]: inputs}


def _of_rows(instances: Any, names: list[str]) -> dict[str, Any]:
    if not isinstance(instances, list) or not instances:
        raise Problem(400, "invalid", "instances is a list of at least one.")
    if not any(isinstance(one, dict) for one in instances) and len(names) == 1:
        return {names[0]: instances}
    if any(not isinstance(one, dict) or one.keys() != set(names) for one in instances):
        raise Problem(400, "invalid", f"Each of the instances has {', '.join(names)}.")
    return {name: [one[name] for one in instances] for name in names}


def _decoded(value: Any) -> Any:
    """Returns values with {"b64": TEXT} replaced by the bytes."""
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"b64"}:
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise Problem(400, "invalid", "A value of b64 is no base64.") from None
    return {name: _decoded(one) for name, one in value.items()}
