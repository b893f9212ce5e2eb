"""Reads a message of the ETL: one row of feedback, as JSON with the table's columns.

What a message says is never scored: it names a row, and says by which values that is known to be
in the table. The text of the feedback, which messages hold too, is not looked at.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from transforms.columns import ACCOUNT_ID, COLUMNS, CREATED_AT, ID, Kind

MOST_BYTES: Final = 1 << 20
"""Of one message: as many as a broker takes, unless it is told otherwise."""
_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))? ?(Z|[+-]\d{2}(?::?\d{2})?)"
)
_SAME_MOMENT_S: Final = 0.001
"""Senders cut moments to milliseconds, Postgres rounds them to microseconds."""
OTHERS: Final = tuple(one for one in COLUMNS if one not in (ID, ACCOUNT_ID, CREATED_AT))
"""Columns whose values are compared as they are."""

Values = tuple[str | int, ...]


class MessageUnreadable(ValueError):
    """It names no row: why, as a verb of many messages. No word of the message is in it."""


@dataclass(frozen=True)
class RowValues:
    """What is known of a row.

    Attributes:
        account_id: Whose it is; None for nobody's.
        created: Its moment, seconds since 1970 UTC.
        others: The values of the columns of OTHERS.
    """

    account_id: str | None
    created: float
    others: Values

    def agrees(self, row: "RowValues") -> bool:
        """Tells whether a row of the table is this one."""
        return (
            self.account_id == row.account_id
            and abs(self.created - row.created) <= _SAME_MOMENT_S
            and self.others == row.others
        )


@dataclass(frozen=True)
class Message:
    """A row that the ETL tells of.

    Attributes:
        row_id: Its id.
        values: What else it holds.
        created_at: Its moment, UTC.
    """

    row_id: str
    values: RowValues
    created_at: datetime


def read_message(body: bytes | None) -> Message:
    """Reads a message.

    Args:
        body: Its value.

    Raises:
        MessageUnreadable: It names no row.
    """
    if body is None:
        raise MessageUnreadable("have no value, as of a row that was deleted")
    if len(body) > MOST_BYTES:
        raise MessageUnreadable("are larger than 1 MiB")
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
    except MessageUnreadable:
        raise
    except (ValueError, RecursionError):
        raise MessageUnreadable("are no JSON") from None
    if not isinstance(found, dict):
        raise MessageUnreadable("are no JSON object")
    for column in COLUMNS:
        if column.name not in found:
            raise MessageUnreadable(f"lack {column.name}")
    account = found[ACCOUNT_ID.name]
    created_at = _moment(found[CREATED_AT.name])
    values = RowValues(
        account_id=None if account is None else _text(ACCOUNT_ID.name, account),
        created=created_at.timestamp(),
        others=tuple(_value(one.name, one.kind, found[one.name]) for one in OTHERS),
    )
    return Message(_text(ID.name, found[ID.name]), values, created_at)


def _no_number(text: str) -> Any:
    raise MessageUnreadable("hold NaN or an infinite number, which JSON has not")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MessageUnreadable("hold a name twice")
    return found


def _value(name: str, kind: Kind, value: Any) -> str | int:
    if kind is Kind.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int):
            raise MessageUnreadable(f"hold a {name} that is no whole number")
        return value
    return _text(name, value)


def _text(name: str, value: Any) -> str:
    """Returns a text that Postgres can hold."""
    if not isinstance(value, str) or "\0" in value or not _is_encodable(value):
        raise MessageUnreadable(f"hold a {name} that is no text")
    return value


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _moment(value: Any) -> datetime:
    """Reads a moment in ISO 8601 with a time zone."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        day, time, fraction, zone = found.groups()
        zone = "+00:00" if zone == "Z" else f"{zone[:3]}:{zone[3:].lstrip(':') or '00'}"
        try:
            # Python 3.10 reads a fraction of three or six digits alone.
            return datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}{zone}")
        except ValueError:
            pass
    raise MessageUnreadable(f"hold a {CREATED_AT.name} that is no moment with a time zone")
