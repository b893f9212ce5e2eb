"""Messages of the ETL: each is read as it is meant, or refused without a word of it."""

import json
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.postgres.queries import queries
from components.streaming.message import OTHERS, MessageUnreadable, read_message

ROW = {
    "id": "FB-1",
    "created_at": "2026-11-30T03:00:00.123456Z",
    "source": "email",
    "product_area": "billing",
    "sentiment": "neutral",
    "priority": 3,
    "topic": "invoice",
    "region": "NA",
    "customer_tier": "pro",
    "account_id": "ACC-1",
    "summary": "A secret of a person.",
}
MOMENT = datetime(2026, 11, 30, 3, 0, 0, 123456, timezone.utc)


def read(**changes):
    return read_message(json.dumps({**ROW, **changes}).encode())


def test_a_row_is_read_as_the_table_has_it():
    found = read()
    assert (found.row_id, found.values.account_id, found.created_at) == ("FB-1", "ACC-1", MOMENT)
    assert found.values.others == (3, "neutral", "billing", "email", "invoice", "pro", "NA")
    assert "secret" not in repr(found)
    assert read(account_id=None).values.account_id is None
    assert read(more={"of": ["it"]}) == found


def test_the_query_returns_the_values_in_the_same_order():
    text = queries("components.streaming")["rows_by_id"]
    places = [text.index(f"{one.name}") for one in OTHERS]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30 03:00:00.123456+00",
        "2026-11-30T05:00:00.123456789+02:00",
        "2026-11-29T21:30:00.123456-0530",
    ],
)
def test_moments(text):
    assert read(created_at=text).created_at == MOMENT
    rounded = read(created_at="2026-11-30T03:00:00.123Z").values
    assert rounded.agrees(read().values)
    assert not read(created_at="2026-11-30T03:00:00.2Z").values.agrees(read().values)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "have no value"),
        (b"", "are no JSON"),
        (b"\xff", "are no JSON"),
        (b"[" * 100_000, "are no JSON"),
        (b"9" * 5_000, "are no JSON"),
        (b"[1]", "are no JSON object"),
        (b'{"id": NaN}', "NaN"),
        (b'{"id": "a", "id": "b"}', "a name twice"),
        (b'{"summary": "' + b"x" * (1 << 20) + b'"}', "larger than 1 MiB"),
        (b'{"id": "FB-1"}', "lack account_id"),
    ],
    ids=range(10),
)
def test_what_is_no_row_is_refused(body, why):
    with pytest.raises(MessageUnreadable, match=why):
        read_message(body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 7),
        ("id", None),
        ("id", "a\0b"),
        ("account_id", "\ud800"),
        ("account_id", 7),
        ("priority", True),
        ("priority", 3.0),
        ("priority", None),
        ("topic", None),
        ("created_at", "2026-11-30T03:00:00"),
        ("created_at", "2026-02-30T03:00:00Z"),
        ("created_at", "2026-11-30T03:00:00+99:99"),
        ("created_at", 1796007600),
        ("created_at", "infinity"),
    ],
)
def test_values_that_the_table_cannot_hold_are_refused(name, value):
    with pytest.raises(MessageUnreadable, match=f"hold a {name}") as caught:
        read(**{name: value})
    assert str(value) not in str(caught.value) or value in (None, True, 7)


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([[{}]])
BODIES = st.binary() | st.fixed_dictionaries({name: JSON | st.just(ROW[name]) for name in ROW})


@settings(max_examples=60)
@given(BODIES)
def test_anything_is_read_or_refused(body):
    try:
        found = read_message(body if isinstance(body, bytes) else json.dumps(body).encode())
    except MessageUnreadable:
        return
    assert found.row_id.encode()
