"""Asks a running server by KServe's own client, over the Open Inference Protocol.

    make try-kserve SERVER=http://127.0.0.1:8501        with TOKEN=... where it wants one

Runs in an environment of its own: the client's pins are not those of TFX. Ends with 1 where an
answer is not what the protocol says. A second argument names a file of serialized examples, base64,
one a line: it is asked about these too, in JSON and in binary data, and the last two lines are the
probabilities, as JSON.
"""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

_MODEL = "churn"
_ONE = {"BYTES": [""], "FP32": [0.0], "INT64": [0]}
_DATATYPES = {"DT_STRING": "BYTES", "DT_FLOAT": "FP32", "DT_INT64": "INT64"}
_OUTPUT = "churn_probability"


async def main(address: str, token: str, examples: Sequence[str]) -> None:
    """Asks whether it lives and is ready, what the model takes, and for probabilities.

    Args:
        address: Of the server.
        token: That it wants; empty without.
        examples: Serialized, as base64; beside them it is asked about an empty account.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client: Any = InferenceRESTClient(RESTConfig(protocol="v2", retries=0, timeout=60))
    assert await client.is_server_live(address, headers)
    assert await client.is_server_ready(address, headers)
    assert await client.is_model_ready(address, _MODEL, headers)
    print(f"kserve {version('kserve')}: live, ready, model ready")
    (told,) = _asked(f"{address}/v2/models/{_MODEL}", headers)["inputs"]
    assert told == {"name": "examples", "datatype": "BYTES", "shape": [-1]}
    for binary in (False, True):
        request = InferRequest(
            model_name=_MODEL,
            infer_inputs=[_empty(one, binary) for one in _inputs(address, headers)],
            request_id="try-kserve",
        )
        # Of its own: with binary data the client adds the length of this request to them.
        own = dict(headers)
        answer = await client.infer(address, request, model_name=_MODEL, headers=own)
        (found,) = [one for one in answer.outputs if one.name == _OUTPUT]
        assert answer.id == "try-kserve"
        (probability,) = found.data
        assert 0 <= probability <= 1
        print(f"infer, {'binary' if binary else 'JSON'} inputs: {_OUTPUT} {probability:.4f}")
    for binary in (False, True) if examples else ():
        request = InferRequest(model_name=_MODEL, infer_inputs=[_of(examples, binary)])
        own = dict(headers)
        answer = await client.infer(address, request, model_name=_MODEL, headers=own)
        (found,) = [one for one in answer.outputs if one.name == _OUTPUT]
        assert found.shape == [len(examples), 1]
        print(json.dumps(found.data))


def _of(examples: Sequence[str], binary: bool) -> InferInput:
    if not binary:
        text = {"content_type": "base64"}
        return InferInput("examples", [len(examples)], "BYTES", list(examples), text)
    import numpy as np

    made = InferInput("examples", [len(examples)], "BYTES")
    values = np.array([base64.b64decode(one) for one in examples], object)
    made.set_data_from_numpy(values, binary_data=True)
    return made


def _asked(url: str, headers: dict[str, str]) -> Any:
    """Asks for what KServe's client does not: it has no call for metadata."""
    import httpx

    told = httpx.get(url, headers=headers, timeout=60)
    told.raise_for_status()
    return told.json()


def _inputs(address: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """Returns name, datatype and shape of the raw features, of which TensorFlow's API tells."""
    told = _asked(f"{address}/v1/models/{_MODEL}/metadata", headers)
    signatures = told["metadata"]["signature_def"]["signature_def"]
    return [
        {
            "name": name,
            "datatype": _DATATYPES[one["dtype"]],
            "shape": one["tensor_shape"]["dim"],
        }
        for name, one in signatures["raw_events"]["inputs"].items()
    ]


def _empty(spec: dict[str, Any], binary: bool) -> InferInput:
    shape = [1] * len(spec["shape"])
    made = InferInput(spec["name"], shape, spec["datatype"])
    kinds = {"BYTES": "object", "FP32": "float32", "INT64": "int64"}
    if not binary:
        made.data = _ONE[spec["datatype"]]
        return made
    import numpy as np

    values = np.array(_ONE[spec["datatype"]], kinds[spec["datatype"]]).reshape(shape)
    made.set_data_from_numpy(values, binary_data=True)
    return made


if __name__ == "__main__":
    of_file = Path(sys.argv[2]).read_text("ascii").split() if len(sys.argv) > 2 else []
    asyncio.run(main(sys.argv[1], os.environ.get("TOKEN", ""), of_file))
