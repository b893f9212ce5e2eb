"""What clients send: JSON that is refused where it is too deep or no JSON, and events in it.

Nothing of a body is quoted in an answer or a log, but the names of fields.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import numpy as np
import pyarrow as pa
import pydantic
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from components.feedback_example_gen.config import in_utc
from components.feedback_example_gen.reading.feedback_reader import FEEDBACK_TYPES
from pipeline.serving.problems import Problem
from transforms.columns import ACCOUNT_ID, CATEGORIES, CREATED_AT, NUMBERS

DEEPEST: Final = 32
"""Brackets inside of each other."""
MOST_ACCOUNTS: Final = 1_000
"""Of one request."""
_BRACKETS: Final = b"[{]}"
_OTHERS: Final = bytes(set(range(256)) - set(_BRACKETS))
_STEPS: Final = bytes.maketrans(_BRACKETS, b"\1\1\xff\xff")
"""Brackets as signed bytes: 1 for one that opens, -1 for one that closes."""
_LONGEST_PLACE: Final = 200
"""Letters of the place of a mistake, which names fields as the sender did."""
_LONGEST: Final = 1_000
_TICK: Final = timedelta(microseconds=1)

Text = Annotated[str, StringConstraints(max_length=_LONGEST)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Event(_Strict):
    """One row of feedback, without its text."""

    created_at: datetime | None = Field(
        default=None, description="ISO 8601, UTC without a zone; if absent, just before as_of."
    )
    sentiment: Literal["negative", "neutral", "positive"]
    priority: int = Field(ge=1, le=5, strict=True)
    product_area: Text
    source: Text
    topic: Text
    customer_tier: Text | None = Field(
        default=None, description="If absent, that of the account in the request."
    )
    region: Text | None = Field(default=None, description="Likewise.")


class AccountAsked(_Strict):
    """An account: its events, or those of the database and these."""

    account_id: Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST)]
    events: tuple[Event, ...] = Field(default=(), description="Feedback, in any order.")
    customer_tier: Text = Field(default="", description="Of events that do not say theirs.")
    region: Text = Field(default="", description="Likewise.")
    from_database: bool = Field(
        default=False,
        description="What if: the events are added to those that the database has of the account.",
    )


class ScoreRequest(_Strict):
    """The body of POST /v1/score: one account, or several as `accounts`."""

    accounts: tuple[AccountAsked, ...] = Field(min_length=1, max_length=MOST_ACCOUNTS)
    as_of: datetime | None = Field(
        default=None, description="The moment of the scores, ISO 8601; if absent, now."
    )
    reasons: bool = Field(default=True, description="Whether to say why.")


@dataclass(frozen=True)
class Wanted:
    """A request for scores, checked.

    Attributes:
        accounts: Whose.
        as_of: The moment, UTC; None for now.
        reasons: Whether to say why.
    """

    accounts: tuple[AccountAsked, ...]
    as_of: datetime | None
    reasons: bool


def read_json(body: bytes) -> Any:
    """Parses a body.

    Raises:
        Problem: It is no JSON in UTF-8, too deep, holds NaN or a number that no float holds, or an
            object of it has two fields of one name.
    """
    if _depth(body) > DEEPEST:
        raise Problem(400, "too_deep", f"The body nests deeper than {DEEPEST} brackets.")
    try:
        return json.loads(
            body,
            parse_constant=_no_number,
            parse_float=_finite,
            object_pairs_hook=_without_doubles,
        )
    except (ValueError, RecursionError) as error:
        at = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem(400, "no_json", f"The body is no JSON in UTF-8{at}.") from None


def _depth(body: bytes) -> int:
    """Returns how deep brackets are nested, in time and memory that grow with the body alone.

    No pattern looks for the end of a string: of one that has none, each quotation mark would be
    searched again to the end of the body.
    """
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return 0
    plain = body.replace(b"\\\\", b"").replace(
        b'\\"', b""
    )  # from here on each " ends or begins a string
    brackets = b"".join(plain.split(b'"')[::2]).translate(_STEPS, _OTHERS)
    steps = np.frombuffer(brackets, np.int8)
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


def _no_number(name: str) -> float:
    raise Problem(400, "no_number", f"The body holds {name}, which is no number of JSON.")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses what one reader takes for the first value, and another one for the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem(400, "doubled", "An object of the body has two fields of one name.")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Problem(400, "no_number", "The body holds a number that is too large.")
    return number


def read_wanted(body: bytes) -> Wanted:
    """Reads the body of POST /v1/score.

    Raises:
        Problem: It is no such body; says which fields are wrong, and never what they hold.
    """
    content = read_json(body)
    if isinstance(content, dict) and "accounts" not in content:
        own = {name: value for name, value in content.items() if name in _OF_REQUEST}
        rest = {name: value for name, value in content.items() if name not in _OF_REQUEST}
        content = {"accounts": [rest], **own}
    try:
        asked = ScoreRequest.model_validate(content)
    except pydantic.ValidationError as error:
        raise Problem(
            422, "invalid", "The body does not fit.", problems=list(_sentences(error))
        ) from None
    return Wanted(asked.accounts, _moment(asked.as_of), asked.reasons)


_OF_REQUEST: Final = frozenset({"as_of", "reasons"})


def read_moment(text: str) -> datetime:
    """Reads the query parameter as_of.

    Raises:
        Problem: It is no moment.
    """
    try:
        found = _moment(datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+")))
    except ValueError:
        found = None
    if found is None:
        raise Problem(422, "invalid", "as_of is no moment: expected ISO 8601, UTC without a zone.")
    return found


def _moment(given: datetime | None) -> datetime | None:
    try:
        return None if given is None else in_utc(given)
    except ValueError as error:
        raise Problem(422, "invalid", f"as_of: {error}.") from None


def _sentences(error: pydantic.ValidationError) -> Iterator[str]:
    for one in error.errors(include_input=False, include_url=False, include_context=False)[:20]:
        where = ".".join(str(part) for part in one["loc"])[:_LONGEST_PLACE] or "the body"
        yield f"{where}: {one['msg']}"


def require_id(account_id: str) -> str:
    """Refuses an id that no row of Postgres can have.

    Raises:
        Problem: It holds a character that text in Postgres cannot.
    """
    try:
        fits = "\0" not in account_id and bool(account_id.encode())
    except UnicodeEncodeError:  # half of a pair of surrogates
        fits = False
    if not fits or len(account_id) > _LONGEST:
        raise Problem(404, "unknown_account", "No account can have this id.")
    return account_id


def events_table(asked: AccountAsked, as_of: datetime) -> pa.Table:
    """Returns the events of a request as rows of feedback.

    Args:
        asked: With n events.
        as_of: The moment of the score, UTC.

    Returns:
        n rows, columns of FEEDBACK_TYPES. Of rows of one moment the later ones in the request come
        later, after those of the database.

    Raises:
        Problem: An event is not before as_of.
    """
    moments = [_before(one, as_of, place) for place, one in enumerate(asked.events)]
    rows = [
        {
            "customer_tier": one.customer_tier or asked.customer_tier,
            "region": one.region or asked.region,
            **{name: getattr(one, name) for name in _OF_EVENT},
        }
        for one in asked.events
    ]
    last = 2**63 - 1 - len(rows)
    columns: dict[str, Sequence[Any]] = {
        ACCOUNT_ID.name: [asked.account_id] * len(rows),
        CREATED_AT.name: [moment.replace(tzinfo=None) for moment in moments],
        "id_hash": [last + place for place in range(len(rows))],
        **{one.name: [row[one.name] for row in rows] for one in (*NUMBERS, *CATEGORIES)},
    }
    return pa.table(
        [_array(columns[name], kind) for name, kind in FEEDBACK_TYPES.items()],
        schema=pa.schema(list(FEEDBACK_TYPES.items())),
    )


_OF_EVENT: Final = ("priority", "sentiment", "product_area", "source", "topic")


def _before(event: Event, as_of: datetime, place: int) -> datetime:
    try:
        moment = as_of - _TICK if event.created_at is None else in_utc(event.created_at)
    except ValueError as error:
        raise Problem(422, "invalid", f"events.{place}.created_at: {error}.") from None
    if moment >= as_of:
        raise Problem(
            422,
            "invalid",
            f"events.{place}.created_at is not before as_of, {as_of.isoformat()}.",
        )
    return moment


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(kind):
        return pa.array(values, kind)
    return pa.array([one.encode() for one in values], pa.binary()).dictionary_encode()
