"""The messages of pgoutput, as the manual of PostgreSQL describes them."""

import contextlib
import struct
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.streaming.pgoutput import Decoder, ProtocolBroken, lsn_of, lsn_text

BEGIN = b"B" + struct.pack(">QqI", 16, 0, 77)
COMMIT = b"C" + struct.pack(">bQQq", 0, 16, 24, 0)


def relation(*columns: str, number: int = 5) -> bytes:
    body = (
        struct.pack(">I", number)
        + b"public\0feedback_enriched\0d"
        + struct.pack(">h", len(columns))
    )
    return b"R" + body + b"".join(b"\0" + one.encode() + b"\0" + bytes(8) for one in columns)


def row(*values: str | None) -> bytes:
    parts = [struct.pack(">h", len(values))]
    for one in values:
        raw = (one or "").encode()
        parts.append(b"n" if one is None else b"t" + struct.pack(">I", len(raw)) + raw)
    return b"".join(parts)


def insert(*values: str | None, number: int = 5) -> bytes:
    return b"I" + struct.pack(">I", number) + b"N" + row(*values)


def decoder() -> Decoder:
    made = Decoder("account_id", "created_at")
    made.read(relation("created_at", "account_id"))
    return made


def test_a_transaction_names_the_accounts_of_its_rows() -> None:
    one = decoder()
    update = (
        b"U"
        + struct.pack(">I", 5)
        + b"K"
        + row("x", "Köln/1")
        + b"N"
        + row("2026-11-30 01:02:03+00", "b")
    )
    for message in (
        BEGIN,
        insert("2026-11-30 01:02:03.5+00", "a"),
        insert("infinity", None),
        update,
    ):
        assert one.read(message) is None
        assert one.is_inside
    commit = one.read(COMMIT)
    assert commit is not None
    assert (commit.xid, commit.end_lsn, commit.emptied) == (77, 24, False)
    assert commit.accounts == {"a", "b", "Köln/1"}
    assert commit.latest == datetime(2026, 11, 30, 1, 2, 3, 500_000, tzinfo=timezone.utc)
    assert not one.is_inside


def test_nothing_of_a_transaction_is_left_for_the_next() -> None:
    one = decoder()
    for message in (BEGIN, insert("1", "a"), b"T" + struct.pack(">Ib", 1, 0), COMMIT, BEGIN):
        one.read(message)
    commit = one.read(COMMIT)
    assert commit is not None
    assert (commit.accounts, commit.emptied) == (frozenset(), False)


@pytest.mark.parametrize(
    "message",
    [
        insert("1", "a", number=6),
        insert("1"),
        b"I",
        b"B12",
        relation("id"),
        insert("1", "abc")[:-1],
    ],
)
def test_what_pgoutput_does_not_send_is_refused(message: bytes) -> None:
    with pytest.raises(ProtocolBroken, match="cannot be read"):
        decoder().read(message)


@given(st.binary(max_size=60))
def test_no_bytes_end_in_another_error(message: bytes) -> None:
    with contextlib.suppress(ProtocolBroken):
        decoder().read(message)


@given(st.integers(0, 2**64 - 1))
def test_places_are_written_as_the_server_writes_them(lsn: int) -> None:
    assert lsn_of(lsn_text(lsn)) == lsn
    assert lsn_text(0x16B3748) == "0/16B3748"
