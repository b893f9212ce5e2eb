"""Clients of TensorFlow Serving and of the Open Inference Protocol are answered in their forms."""

import base64
import json
import struct
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.serving import inference_protocol, tensorflow_rest
from pipeline.serving.problems import Problem, json_response
from pipeline.serving.signatures import MOST_ROWS
from serving_model.served.interface import EXPLAIN, PROBABILITY, SERVING
from serving_model.served.model_card import write_card
from serving_model.served.predict import ModelScorer
from tests.components.account_scorer.conftest import CARD, REASONS, SilenceModel
from tests.property_tests import cases
from transforms.event_spec import ACCOUNT_ID, DAYS_SINCE_LAST_EVENT, raw_feature_spec

DAYS = {"a": 10.0, "Köln/東京": 25.0}


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A small model: days of silence / 100; it also adds two numbers, and tells bytes."""
    folder = tmp_path_factory.mktemp("exported") / "Format-Serving"
    module = SilenceModel()
    inputs = [
        tf.TensorSpec([None], tf.float32, name="x"),
        tf.TensorSpec([None], tf.int64, name="n"),
    ]

    @tf.function(input_signature=inputs)
    def add(x: tf.Tensor, n: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"sum": x + tf.cast(n, tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def echo(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"text": text, "length": tf.cast(tf.strings.length(text), tf.int64)}

    module.add, module.echo = add, echo
    signatures = {SERVING: module.serve, EXPLAIN: module.explain, "add": add, "echo": echo}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    write_card(str(folder), CARD | REASONS)
    return SimpleNamespace(scorer=ModelScorer(folder, few_at_a_time=True), number=1795992342)


def example(account: str, days: float) -> bytes:
    features = {}
    for name, one in raw_feature_spec(with_label=False).items():
        if not isinstance(one, tf.io.FixedLenFeature):
            continue
        kinds = {
            tf.string: ("bytes_list", tf.train.BytesList(value=[account.encode()])),
            tf.float32: ("float_list", tf.train.FloatList(value=[days])),
            tf.int64: ("int64_list", tf.train.Int64List(value=[0])),
        }
        kind, value = kinds[one.dtype]
        features[name] = tf.train.Feature(**{kind: value})
    assert {ACCOUNT_ID, DAYS_SINCE_LAST_EVENT} <= features.keys()
    return bytes(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def b64(text: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(text).decode()}


def refused(work: Any, *arguments: Any) -> Problem:
    with pytest.raises(Problem) as found:
        work(*arguments)
    return found.value


def test_rows_and_columns_of_serialized_examples_as_tensorflow_serving_has_them(
    champion: Any,
) -> None:
    values = [b64(example(account, days)) for account, days in DAYS.items()]
    asked = [
        {"instances": values},
        {"instances": [{"examples": one} for one in values]},
        {"signature_name": "serving_default", "instances": values},
        {"inputs": values},
        {"inputs": {"examples": values}},
    ]
    answers = [tensorflow_rest.predict(champion, one) for one in asked]
    assert answers[0] == answers[1] == answers[2]
    assert answers[3] == answers[4]
    rows = answers[0]["predictions"]
    assert [one[ACCOUNT_ID] for one in rows] == [["a"], ["Köln/東京"]]
    assert [one[PROBABILITY][0] for one in rows] == pytest.approx([0.1, 0.25])
    columns = answers[3]["outputs"]
    assert [one[PROBABILITY] for one in rows] == columns[PROBABILITY]
    json.dumps(answers, allow_nan=False)


def test_the_examples_of_its_documentation_hold(champion: Any) -> None:
    """api_rest: one named output is a list without its name; b64 objects are bytes."""
    rows = [{"x": 1.0, "n": 2}, {"x": 0.5, "n": 1}]
    told = tensorflow_rest.predict(champion, {"signature_name": "add", "instances": rows})
    assert told == {"predictions": [3.0, 1.5]}
    columns = {"x": [1.0, 0.5], "n": [2, 1]}
    told = tensorflow_rest.predict(champion, {"signature_name": "add", "inputs": columns})
    assert told == {"outputs": [3.0, 1.5]}
    mixed = {"signature_name": "echo", "instances": ["foo", {"b64": "YmFy"}]}
    told = tensorflow_rest.predict(champion, mixed)
    assert told["predictions"] == [{"length": 3, "text": "foo"}, {"length": 3, "text": "bar"}]
    binary = {"signature_name": "echo", "inputs": {"text": [b64(b"\xff\xfe")]}}
    assert tensorflow_rest.predict(champion, binary)["outputs"]["text"] == [b64(b"\xff\xfe")]


def test_status_and_metadata_have_its_forms(champion: Any) -> None:
    assert tensorflow_rest.status(champion) == {
        "model_version_status": [
            {
                "version": "1795992342",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    told = tensorflow_rest.metadata(champion)
    assert told["model_spec"] == {"name": "churn", "signature_name": "", "version": "1795992342"}
    signatures = told["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {SERVING, EXPLAIN, "add", "echo"}
    assert signatures["add"]["inputs"]["n"] == {
        "dtype": "DT_INT64",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "n",
    }


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("other", None, None), "Servable not found for request: Latest(other)"),
        (("churn", "7", None), "Servable not found for request: Specific(churn, 7)"),
        (("churn", None, "canary"), "Unrecognized servable version label: canary"),
    ],
)
def test_another_model_is_not_found(champion: Any, asked: Any, said: str) -> None:
    problem = refused(tensorflow_rest.require_model, champion, *asked)
    assert (problem.status, problem.message) == (404, said)
    assert json.loads(problem.response().body)["error"] == said
    for known in (
        ("churn", None, None),
        ("churn", "1795992342", None),
        ("churn", None, "champion"),
    ):
        tensorflow_rest.require_model(champion, *known)


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        [],
        {},
        {"instances": []},
        {"instances": 3},
        {"instances": [{"b64": "?"}]},
        {"instances": [b64(b"no example")]},
        {"instances": ["a"], "inputs": ["a"]},
        {"instances": ["a"], "verb": "x"},
        {"signature_name": 7, "instances": ["a"]},
        {"signature_name": "none", "instances": ["a"]},
        {"signature_name": "add", "instances": [1.0]},
        {"signature_name": "add", "instances": [{"x": 1.0}]},
        {"signature_name": "add", "inputs": {"x": [1.0], "n": [1], "m": [1]}},
        {"signature_name": "add", "inputs": {"x": [1.0], "n": [1.5]}},
        {"signature_name": "add", "inputs": {"x": [1.0], "n": [2**70]}},
        {"signature_name": "add", "inputs": {"x": [1.0, 2.0], "n": [1]}},
        {"signature_name": "add", "inputs": {"x": [[1.0], [1.0, 2.0]], "n": [1]}},
        {"signature_name": "add", "inputs": {"x": "a", "n": [1]}},
        {"signature_name": "add", "inputs": {"x": {"y": 1}, "n": None}},
    ],
)
def test_what_does_not_fit_is_refused(champion: Any, wrong: Any) -> None:
    assert refused(tensorflow_rest.predict, champion, wrong).status == 400


def tensor(name: str, datatype: str, data: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data, **more}


def test_the_open_inference_protocol_asks_by_name_type_and_shape(champion: Any) -> None:
    inputs = [tensor("x", "FP32", [1.0, 0.5]), tensor("n", "INT64", [2, 1])]
    asked = {"id": "42", "inputs": inputs, "parameters": {"signature_name": "add"}}
    assert inference_protocol.infer(champion, asked) == {
        "model_name": "churn",
        "model_version": "1795992342",
        "id": "42",
        "outputs": [{"name": "sum", "datatype": "FP32", "shape": [2], "data": [3.0, 1.5]}],
    }


def test_serialized_examples_come_as_base64_or_in_the_binary_part(champion: Any) -> None:
    examples = [example(account, days) for account, days in DAYS.items()]
    texts = [base64.b64encode(one).decode() for one in examples]
    of_text = {
        "inputs": [tensor("examples", "BYTES", texts, parameters={"content_type": "base64"})],
        "outputs": [{"name": PROBABILITY}],
    }
    binary = b"".join(struct.pack("<I", len(one)) + one for one in examples)
    described = {
        "inputs": [
            {
                "name": "examples",
                "datatype": "BYTES",
                "shape": [2],
                "parameters": {"binary_data_size": len(binary)},
            }
        ],
        "outputs": [{"name": PROBABILITY}],
    }
    head = json.dumps(described).encode()
    of_bytes = inference_protocol.read_request(head + binary, str(len(head)))
    answers = [inference_protocol.infer(champion, one) for one in (of_text, of_bytes)]
    assert answers[0] == answers[1]
    (output,) = answers[0]["outputs"]
    assert (output["name"], output["shape"]) == (PROBABILITY, [2, 1])
    assert output["data"] == pytest.approx([0.1, 0.25])


def test_its_metadata_describe_serialized_examples(champion: Any) -> None:
    told = inference_protocol.metadata(champion)
    assert (told["name"], told["versions"]) == ("churn", ["1795992342"])
    assert told["inputs"] == [{"name": "examples", "datatype": "BYTES", "shape": [-1]}]
    assert {"name": PROBABILITY, "datatype": "FP32", "shape": [-1, 1]} in told["outputs"]


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        {},
        {"inputs": []},
        {"inputs": [3]},
        {"inputs": [{"name": "x"}]},
        {"inputs": [tensor("examples", "FP32", [1.0])]},
        {"inputs": [tensor("examples", "BYTES", ["a"], parameters={"content_type": "base64"})]},
        {"inputs": [tensor("examples", "BYTES", ["a"]) | {"shape": [2]}]},
        {"inputs": [tensor("examples", "BYTES", ["a"]) | {"shape": [-1]}]},
        {"inputs": [tensor("examples", "BYTES", ["a"]) | {"shape": "x"}]},
        {"inputs": [tensor("examples", "BYTES", ["no example"])]},
        {"inputs": [tensor("x", "FP32", [1.0])]},
        {
            "inputs": [tensor("x", "FP32", ["1"]), tensor("n", "INT64", [1])],
            "parameters": {"signature_name": "add"},
        },
        {
            "inputs": [tensor("x", "FP32", [1.0]), tensor("n", "INT64", [1])],
            "parameters": {"signature_name": "add"},
            "outputs": [{"name": "none"}],
        },
    ],
)
def test_what_does_not_fit_the_protocol_is_refused(champion: Any, wrong: Any) -> None:
    assert refused(inference_protocol.infer, champion, wrong).status == 400


@pytest.mark.parametrize("header", ["x", "-1", "9999"])
def test_a_binary_part_is_as_long_as_it_says(header: str) -> None:
    assert refused(inference_protocol.read_request, b"{}", header).status == 400
    torn = {"inputs": [{"datatype": "BYTES", "parameters": {"binary_data_size": 6}}]}
    head = json.dumps(torn).encode()
    binary = struct.pack("<I", 99) + b"ab"
    assert refused(inference_protocol.read_request, head + binary, str(len(head))).status == 400


_JUNK: list[Any] = [None, True, 0, -1, 1.5, 2**63, 2**70, 1e300, "", "x", "\ud800", b"\xff"]
_JUNK += [[], [[]], [3], ["x"], {}, {"x": 1}, [{}], {"b64": 3}, [2**32, 2**32], [0], [[1.0], 2.0]]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict | list):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(one for name, below in inner for one in _places(below, (*path, name)))]


def _with(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    copied = value.copy()
    copied[path[0]] = _with(value[path[0]], path[1:], junk)
    return copied


_OF_PROTOCOL = {
    "id": "42",
    "inputs": [
        tensor("x", "FP32", [1.0], parameters={"a": 1}),
        tensor("n", "INT64", [2], parameters={}),
    ],
    "parameters": {"signature_name": "add"},
    "outputs": [{"name": "sum", "parameters": {}}],
}
_OF_REST = {"signature_name": "add", "instances": [{"x": 1.0, "n": 1}, {"x": 2.0, "n": 2}]}
_OF_COLUMNS = {"signature_name": "add", "inputs": {"x": [1.0, 2.0], "n": [1, 2]}}


@settings(max_examples=cases(300), suppress_health_check=list(HealthCheck))
@given(st.sampled_from([_OF_PROTOCOL, _OF_REST, _OF_COLUMNS]), st.data())
def test_whatever_stands_anywhere_is_answered_or_refused(
    champion: Any, sound: Any, data: st.DataObject
) -> None:
    """Each of the values of a request is replaced, by what no client should send."""
    work = inference_protocol.infer if sound is _OF_PROTOCOL else tensorflow_rest.predict
    asked = _with(
        sound, data.draw(st.sampled_from(_places(sound))), data.draw(st.sampled_from(_JUNK))
    )
    with suppress(Problem):
        json_response(work(champion, asked))


@pytest.mark.parametrize("header", ["²", "-1", "", "x", "9" * 5000, "7", "1.0", " 1"])
def test_a_length_that_is_none_is_refused(header: str) -> None:
    assert refused(inference_protocol.read_request, b"{}", header).status == 400


def test_more_rows_than_are_answered_at_once_are_refused(champion: Any) -> None:
    """An empty text is a row too, of three bytes: a body could bring a million of them."""
    asked = {"signature_name": "add", "inputs": {"x": [1.0] * MOST_ROWS, "n": [1] * MOST_ROWS}}
    assert len(tensorflow_rest.predict(champion, asked)["outputs"]) == MOST_ROWS
    asked = {"signature_name": "echo", "instances": [""] * (MOST_ROWS + 1)}
    assert "rows" in refused(tensorflow_rest.predict, champion, asked).message
