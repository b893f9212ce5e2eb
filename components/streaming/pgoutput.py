"""Reads what the output plugin pgoutput sends (protocol version 1): which accounts a commit names.

The format is that of "Logical Replication Message Formats" in the manual of PostgreSQL.
"""

import struct
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Final

_BEGIN: Final = struct.Struct(">QqI")
_COMMIT: Final = struct.Struct(">bQQq")
_INT: Final = struct.Struct(">I")
_SHORT: Final = struct.Struct(">h")
_NULL, _UNCHANGED, _TEXT = b"n", b"u", b"t"


@dataclass(frozen=True)
class Commit:
    """A transaction that ended.

    Attributes:
        xid: Its number, as rows hold it.
        end_lsn: Where it ends in the log.
        accounts: Of the rows that it wrote.
        latest: The latest created_at of them, UTC; None where none can be read.
        emptied: Whether it truncated the table.
    """

    xid: int
    end_lsn: int
    accounts: frozenset[str]
    emptied: bool = False
    latest: datetime | None = None


class ProtocolBroken(ValueError):
    """A message is none that pgoutput sends."""


@dataclass
class Decoder:
    """Puts messages together to transactions.

    Attributes:
        account: Name of the column of accounts.
        created: Name of the column of moments, which are sent in UTC and in the form ISO.
    """

    account: str
    created: str
    _places: dict[int, tuple[int, int]] = field(default_factory=dict)
    _xid: int = 0
    _accounts: set[str] = field(default_factory=set)
    _emptied: bool = False
    _latest: datetime | None = None
    _is_inside: bool = False

    @property
    def is_inside(self) -> bool:
        """Whether a transaction has begun, and its end was not read."""
        return self._is_inside

    def read(self, message: bytes) -> Commit | None:
        """Takes the next message; returns the transaction that ends with it, if one does.

        Raises:
            ProtocolBroken: It is none of pgoutput's, or about a table that was not described.
        """
        kind, body = message[:1], memoryview(message)[1:]
        try:
            if kind == b"B":
                _, _, self._xid = _BEGIN.unpack_from(body)
                self._accounts, self._emptied, self._latest = set(), False, None
                self._is_inside = True
            elif kind == b"R":
                self._describe(body)
            elif kind in (b"I", b"U"):
                self._take(body)
            elif kind == b"T":
                self._emptied = True
            elif kind == b"C":
                _, _, end_lsn, _ = _COMMIT.unpack_from(body)
                self._is_inside = False
                accounts = frozenset(self._accounts)
                return Commit(self._xid, end_lsn, accounts, self._emptied, self._latest)
        except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
            raise ProtocolBroken(
                f"A message of kind {kind!r} of {len(message)} bytes cannot be read: {error!r}."
            ) from None
        return None

    def _describe(self, body: memoryview) -> None:
        (relation,) = _INT.unpack_from(body)
        _, at = _text(body, 4)
        _, at = _text(body, at)
        (columns,) = _SHORT.unpack_from(body, at + 1)
        at += 3
        names = []
        for _ in range(columns):
            name, at = _text(body, at + 1)
            names.append(name)
            at += 8
        for one in (self.account, self.created):
            if one not in names:
                raise KeyError(f"no column {one} among {', '.join(names)}")
        self._places[relation] = names.index(self.account), names.index(self.created)

    def _take(self, body: memoryview) -> None:
        (relation,) = _INT.unpack_from(body)
        (account, created), at = self._places[relation], 4
        while at < len(body):
            at += 1  # N: the new row; K or O: what it was before
            values, at = _row(body, at)
            if (value := values[account]) is not None:
                self._accounts.add(value)
            moment = _moment(values[created])
            if moment is not None and (self._latest is None or moment > self._latest):
                self._latest = moment


def _row(body: memoryview, at: int) -> tuple[list[str | None], int]:
    (columns,) = _SHORT.unpack_from(body, at)
    at += 2
    values: list[str | None] = []
    for _ in range(columns):
        kind = bytes(body[at : at + 1])
        at += 1
        if kind in (_NULL, _UNCHANGED):
            values.append(None)
            continue
        if kind != _TEXT:
            raise KeyError(f"a value of kind {kind!r}")
        (length,) = _INT.unpack_from(body, at)
        at += 4
        if at + length > len(body):
            raise IndexError("a value goes on beyond the message")
        values.append(bytes(body[at : at + length]).decode("utf-8"))
        at += length
    return values, at


def _moment(text: str | None) -> datetime | None:
    """Reads a moment; None for one that is none, or that Python cannot hold."""
    form = "%Y-%m-%d %H:%M:%S.%f+00" if text and "." in text else "%Y-%m-%d %H:%M:%S+00"
    try:
        return datetime.strptime(text or "", form).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _text(body: memoryview, at: int) -> tuple[str, int]:
    end = at
    while body[end] != 0:
        end += 1
    return bytes(body[at:end]).decode("utf-8"), end + 1


def lsn_text(lsn: int) -> str:
    """Returns a place in the log as Postgres writes it, such as 0/16B3748."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def lsn_of(text: str) -> int:
    """Reads what lsn_text returns."""
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)
