"""What comes in a body is an answerable request, or a problem that quotes nothing of it."""

import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feedback_example_gen.reading.feedback_reader import FEEDBACK_TYPES
from pipeline.serving.bodies import (
    DEEPEST,
    AccountAsked,
    Event,
    events_table,
    read_json,
    read_moment,
    read_wanted,
    require_id,
)
from pipeline.serving.problems import Problem
from tests.property_tests import cases

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
EVENT = {
    "created_at": "2026-05-01T00:00:00Z",
    "sentiment": "negative",
    "priority": 5,
    "product_area": "billing",
    "source": "chat",
    "topic": "invoice",
}
CANARY = "canary-7f3e9d41b2c8"


def body(**changes: Any) -> bytes:
    account = {"account_id": "ACC-1", "events": [EVENT], "customer_tier": "pro", "region": "EU"}
    return json.dumps(account | changes).encode()


def refused(text: bytes) -> Problem:
    with pytest.raises(Problem) as found:
        read_wanted(text)
    return found.value


def test_one_account_or_several_are_read_alike() -> None:
    one = read_wanted(body(as_of="2026-06-01", reasons=False))
    several = read_wanted(
        json.dumps(
            {"accounts": [json.loads(body())], "as_of": "2026-06-01T00:00:00", "reasons": False}
        ).encode()
    )
    assert one == several
    assert (one.as_of, one.reasons, one.accounts[0].account_id) == (AS_OF, False, "ACC-1")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "no_json"),
        (b"{", "no_json"),
        (b"\xff\xfe{}", "no_json"),
        (b'{"account_id": NaN}', "no_number"),
        (b'{"a": [Infinity]}', "no_number"),
        (b'{"a": -Infinity}', "no_number"),
        (b'{"a": 1e999}', "no_number"),
        (b'{"account_id": "a", "events": [], "account_id": "b"}', "doubled"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "doubled"),
        (b"[" * (DEEPEST + 1), "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"[]", "invalid"),
        (b"3", "invalid"),
        (body(account_id=""), "invalid"),
        (body(account_id=7), "invalid"),
        (body(account_id="x" * 2000), "invalid"),
        (body(account_id="\ud800"), "invalid"),
        (body(events=[EVENT | {"priority": 6}]), "invalid"),
        (body(events=[EVENT | {"priority": True}]), "invalid"),
        (body(events=[EVENT | {"priority": "5"}]), "invalid"),
        (body(events=[EVENT | {"sentiment": "angry"}]), "invalid"),
        (body(events=[EVENT | {"created_at": "yesterday"}]), "invalid"),
        (body(events=[EVENT | {"summary": CANARY}]), "invalid"),
        (body(events={"a": 1}), "invalid"),
        (body(churned=True), "invalid"),
        (body(as_of="3999-01-01"), "invalid"),
        (json.dumps({"accounts": []}).encode(), "invalid"),
    ],
)
def test_what_does_not_fit_is_a_problem_with_a_code(text: bytes, code: str) -> None:
    problem = refused(text)
    assert problem.code == code
    assert problem.status == (422 if code == "invalid" else 400)


def test_nothing_of_a_body_is_quoted_but_names_of_fields() -> None:
    for text in (
        body(account_id=[CANARY]),
        body(region={"x": CANARY}),
        body(events=[EVENT | {"sentiment": CANARY, "priority": CANARY}]),
        CANARY.encode(),
        f'{{"a": {CANARY}}}'.encode(),
    ):
        assert CANARY not in refused(text).response().body.decode()


def test_a_long_name_of_a_field_is_cut() -> None:
    assert len(refused(body(**{"x" * 5000: 1})).response().body) < 1000


def test_brackets_in_texts_are_no_depth() -> None:
    deep = "[{" * 100 + '\\"' + "[" * 100
    assert read_json(json.dumps({"a": deep}).encode()) == {"a": deep}
    nested: Any = 1
    for _ in range(DEEPEST):
        nested = [nested]
    assert read_json(json.dumps(nested).encode()) == nested


@pytest.mark.parametrize(
    "text",
    [
        b'"' + b'\\"' * 500_000,
        b'["' + b"a" * 1_000_000,
        b'""' * 500_000,
        b"[]," * 300_000,
        b"[" + b"{}," * 300_000 + b"]",
        b"\\" * 1_000_000,
    ],
)
def test_the_largest_body_is_looked_through_in_a_moment(text: bytes) -> None:
    begun = time.process_time()
    assert refused(b"[" * DEEPEST + b"]" * DEEPEST + text).code == "no_json"
    assert time.process_time() - begun < 2


@settings(max_examples=cases(150))
@given(
    st.recursive(
        st.text('[]{}"\\\\x', max_size=5), lambda one: st.lists(one, max_size=3), max_leaves=8
    )
)
def test_depth_is_that_of_the_brackets_outside_of_texts(value: Any) -> None:
    """Enough brackets beside it that they are counted at all."""

    def depth(one: Any) -> int:
        return 1 + max(map(depth, one), default=0) if isinstance(one, list) else 0

    for deep in (DEEPEST - 1, DEEPEST):
        nested: Any = [value, ["[]"] * DEEPEST, [[]] * DEEPEST]
        for _ in range(deep - depth(nested)):
            nested = [nested]
        assert depth(nested) == deep
        assert read_json(json.dumps(nested).encode()) == nested
    with pytest.raises(Problem, match="nests deeper"):
        read_json(json.dumps([nested]).encode())


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


@settings(max_examples=cases(150))
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ en1aNaIf', max_size=60))
def test_whatever_comes_is_json_or_a_problem(given_text: bytes | str) -> None:
    text = given_text if isinstance(given_text, bytes) else given_text.encode()
    try:
        expected = json.loads(text, parse_constant=pytest.fail, object_pairs_hook=distinct)
    except (ValueError, pytest.fail.Exception):
        refused(text)
    else:
        assert read_json(text) == expected or "e" in text.decode()


def test_events_become_rows_of_feedback_in_their_order() -> None:
    events = (Event(**EVENT), Event(**EVENT | {"customer_tier": "free", "topic": "später"}))
    asked = AccountAsked(account_id="Köln/1", events=events, customer_tier="pro", region="EU")
    table = events_table(asked, AS_OF)
    assert dict(zip(table.column_names, table.schema.types, strict=True)) == FEEDBACK_TYPES
    rows = table.to_pylist()
    assert [row["customer_tier"] for row in rows] == [b"pro", b"free"]
    assert {row["account_id"] for row in rows} == {"Köln/1".encode()}
    assert rows[1]["topic"] == "später".encode()
    assert rows[0]["id_hash"] < rows[1]["id_hash"]


def test_an_event_is_before_as_of_or_refused() -> None:
    for moment, fits in ((AS_OF - timedelta(microseconds=1), True), (AS_OF, False)):
        asked = AccountAsked(account_id="a", events=(Event(**EVENT | {"created_at": moment}),))
        if fits:
            assert events_table(asked, AS_OF).num_rows == 1
        else:
            with pytest.raises(Problem, match="not before as_of"):
                events_table(asked, AS_OF)
    undated = AccountAsked(account_id="a", events=(Event(**EVENT | {"created_at": None}),))
    (row,) = events_table(undated, AS_OF).to_pylist()
    assert row["created_at"] == (AS_OF - timedelta(microseconds=1)).replace(tzinfo=None)


@pytest.mark.parametrize("wrong", ["a\0b", "", "x" * 2000, "\ud800"])
def test_an_id_that_no_row_can_have_is_unknown(wrong: str) -> None:
    with pytest.raises(Problem) as found:
        require_id(wrong)
    assert (found.value.status, found.value.code) == (404, "unknown_account")


def test_a_moment_of_the_query_is_read_as_everywhere() -> None:
    assert read_moment("2026-06-01T02:00:00 02:00") == AS_OF  # "+" of a query is a blank
    assert read_moment("2026-06-01") == AS_OF
    for wrong in ("", "soon", "0001-01-01"):
        with pytest.raises(Problem):
            read_moment(wrong)
