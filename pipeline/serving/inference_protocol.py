"""The Open Inference Protocol, version 2 over HTTP, as KServe and Triton speak it.

https://github.com/kserve/open-inference-protocol, with its extension for binary tensor data in
requests: then the body begins with JSON of the length that a header names.
"""

import base64
import binascii
import math
import re
import struct
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

import numpy as np

from pipeline.serving.bodies import read_json
from pipeline.serving.champion import Champion
from pipeline.serving.problems import Problem
from pipeline.serving.signatures import (
    MODEL,
    TYPES,
    call,
    inputs_of,
    outputs_of,
    plain,
    signature_of,
)
from serving_model.served.interface import RAW_EVENTS, SERVING

HEADER: Final = "inference-header-content-length"
_EXAMPLES: Final = "examples"
_OF_NUMPY: Final[dict[Any, Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}


def server() -> dict[str, Any]:
    """Says what answers."""
    return {
        "name": "tens-insight",
        "version": version("tens-insight"),
        "extensions": ["binary_tensor_data"],
    }


def metadata(champion: Champion) -> dict[str, Any]:
    """Says what the model is asked, by the signature of serialized examples."""
    signature = signature_of(champion, SERVING)
    return {
        "name": MODEL,
        "versions": [str(champion.number)],
        "platform": "tensorflow_savedmodel",
        "inputs": _tensors(inputs_of(signature)),
        "outputs": _tensors(outputs_of(signature)),
    }


def _tensors(specs: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "datatype": TYPES[spec.dtype][1],
            "shape": [-1 if one is None else one for one in spec.shape],
        }
        for name, spec in specs.items()
    ]


def read_request(body: bytes, header: str | None) -> Any:
    """Reads the body of a request to infer, binary tensors included.

    Raises:
        Problem: It is no JSON, or its binary part is not as long as it says.
    """
    if header is None:
        return read_json(body)
    # No more digits than any length has; and int() knows digits of other scripts too.
    length = int(header) if re.fullmatch("[0-9]{1,12}", header) else len(body) + 1
    if length > len(body):
        raise Problem(400, "invalid", f"{HEADER} is no length of a part of the body.")
    content, binary = read_json(body[:length]), body[length:]
    inputs = content.get("inputs") if isinstance(content, dict) else None
    for one in inputs if isinstance(inputs, list) else ():
        parameters = one.get("parameters") if isinstance(one, dict) else None
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if isinstance(size, int) and size >= 0:
            one["data"], binary = _from_binary(one.get("datatype"), binary[:size]), binary[size:]
    return content


def _from_binary(datatype: Any, data: bytes) -> list[Any]:
    try:
        if datatype == "BYTES":
            return list(_texts(data))
        found: list[Any] = np.frombuffer(data, _OF_NUMPY[datatype]).tolist()
    except (KeyError, TypeError, ValueError, struct.error):
        raise Problem(400, "invalid", "Binary data do not fit their datatype.") from None
    return found


def _texts(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        (size,) = struct.unpack_from("<I", data, place)
        place += 4
        if place + size > len(data):
            raise ValueError
        yield data[place : place + size]
        place += size


def infer(champion: Champion, content: Any) -> dict[str, Any]:
    """Answers a request to infer.

    Serialized examples are asked about by serving_default, raw features by raw_events; a parameter
    `signature_name` names another signature.

    Raises:
        Problem: It does not fit.
    """
    inputs = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise Problem(400, "invalid", "Expected an object with a list of inputs.")
    named = {}
    for one in inputs:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise Problem(400, "invalid", "Each of the inputs has name, shape, datatype and data.")
        named[one["name"]] = one
    wanted = _parameter(content, "signature_name") or (
        SERVING if set(named) == {_EXAMPLES} else RAW_EVENTS
    )
    signature = signature_of(champion, str(wanted))
    specs = inputs_of(signature)
    values = {name: _values(one, specs.get(name)) for name, one in named.items()}
    found = call(signature, values)
    outputs = content.get("outputs") or []
    if not isinstance(outputs, list) or not all(isinstance(one, dict) for one in outputs):
        raise Problem(400, "invalid", "outputs is a list of objects, each with a name.")
    asked = [one.get("name") for one in outputs]
    if any(name not in list(found) for name in asked):
        raise Problem(400, "invalid", f"The model has the outputs {', '.join(found)}.")
    known = outputs_of(signature)
    told = {
        "model_name": MODEL,
        "model_version": str(champion.number),
        "outputs": [
            {
                "name": name,
                "datatype": TYPES[known[name].dtype][1],
                "shape": list(value.shape),
                "data": plain(value.ravel()),
            }
            for name, value in found.items()
            if not asked or name in asked
        ],
    }
    return told | ({"id": content["id"]} if isinstance(content.get("id"), str) else {})


def _parameter(given: Mapping[str, Any], name: str) -> Any:
    parameters = given.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise Problem(400, "invalid", "parameters is an object.")
    return parameters.get(name)


def _values(given: dict[str, Any], spec: Any) -> Any:
    name, shape, data = given["name"], given.get("shape"), given.get("data")
    if spec is None:
        raise Problem(400, "inputs", f"The signature has no input {name[:100]!r}.")
    if given.get("datatype") != TYPES[spec.dtype][1]:
        raise Problem(400, "inputs", f"Input {name} is of the datatype {TYPES[spec.dtype][1]}.")
    if not isinstance(shape, list) or not all(type(one) is int and one >= 0 for one in shape):
        raise Problem(400, "inputs", f"Input {name} has no shape.")
    if not isinstance(data, list):
        raise Problem(400, "inputs", f"Input {name} has no list of data.")
    flat = list(_flat(data))
    if _parameter(given, "content_type") == "base64":
        flat = [_decoded(name, one) for one in flat]
    if spec.dtype.is_floating and any(type(one) not in (int, float) for one in flat):
        raise Problem(400, "inputs", f"Input {name} holds what is no number.")
    if math.prod(shape) != len(flat):
        raise Problem(400, "inputs", f"Input {name} has other data than its shape says.")
    values = np.empty(len(flat), object)
    values[:] = flat
    try:
        return values.reshape(shape).tolist()
    except (OverflowError, ValueError):  # nothing, in more dimensions or larger ones than there are
        raise Problem(400, "inputs", f"Input {name} has no shape.") from None


def _decoded(name: str, text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Problem(400, "inputs", f"Input {name} holds what is no base64.") from None


def _flat(data: list[Any]) -> Iterator[Any]:
    for one in data:
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield one
