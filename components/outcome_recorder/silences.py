"""Silences by which accounts count as gone, looked for where they may have changed.

To look for all of them is to sort the whole feedback. From one run to the next they change for
accounts that wrote since, for those whose silence has become long enough, and for those that were
scored for the first time. All others stay as they were recorded, provided that the feedback before
the last run is what it was then, which a digest of it tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import one_record, record

_QUERIES: Final = queries(__package__)
_WHOLE_DAYS: Final = 28
"""After so many days all feedback is looked at again: what is left over of scores that were dropped
goes then."""


@dataclass(frozen=True)
class _Mark:
    """As in tens_insight.silence_marks."""

    as_of: datetime
    whole_as_of: datetime
    publication_id: int
    oldest: datetime
    silence_days: int
    feedback_rows: int
    digest: int
    departures: int


@dataclass(frozen=True)
class _State:
    """Feedback before a moment, and before the mark's; departures that are recorded."""

    feedback_rows: int
    digest: int
    former_rows: int
    former_digest: int
    departures: int


@dataclass(frozen=True)
class Look:
    """What is looked at.

    Attributes:
        state: Of feedback and departures, before anything was changed.
        whole_as_of: as_of of the newest run that looked at all feedback, this one included.
        at_some: Whether only the accounts in the temporary table looked_at are.
    """

    state: _State
    whole_as_of: datetime
    at_some: bool


def begin_look(cursor: Cursor, values: Mapping[str, Any]) -> Look:
    """Says which accounts have to be looked at, and makes looked_at where those are some.

    Args:
        cursor: Of the transaction that records outcomes.
        values: label_source, as_of, oldest, silence_days, earliest and publication_id.
    """
    cursor.execute(_QUERIES["silence_mark"], values)
    mark = record(cursor, _Mark)
    former = mark.as_of if mark else values["as_of"]
    cursor.execute(_QUERIES["feedback_state"], {**values, "former": former})
    state = one_record(cursor, _State)
    if mark is None or not _still_holds(mark, state, values):
        return Look(state, values["as_of"], at_some=False)
    silence = timedelta(hours=24 * mark.silence_days)
    since = {
        "since": mark.as_of,
        # A silence begins a microsecond after the row; a second more does no harm.
        "quiet_since": mark.as_of - silence - timedelta(seconds=1),
        "quiet_until": values["as_of"] - silence,
        "former_publication_id": mark.publication_id,
    }
    cursor.execute(_QUERIES["looked_at"], {**values, **since})
    cursor.execute("ANALYZE looked_at")
    return Look(state, mark.whole_as_of, at_some=True)


def end_look(cursor: Cursor, look: Look, values: Mapping[str, Any]) -> None:
    """Notes how far silences are known now.

    Args:
        cursor: Of the same transaction.
        look: As begin_look returned it.
        values: As for begin_look.
    """
    cursor.execute(_QUERIES["drop_silence_mark"], values)
    cursor.execute(
        _QUERIES["keep_silence_mark"],
        {
            **values,
            "whole_as_of": look.whole_as_of,
            "feedback_rows": look.state.feedback_rows,
            "digest": look.state.digest,
        },
    )


def _still_holds(mark: _Mark, state: _State, values: Mapping[str, Any]) -> bool:
    as_of = values["as_of"]
    return (
        mark.as_of <= as_of < mark.whole_as_of + timedelta(days=_WHOLE_DAYS)
        and mark.oldest <= values["oldest"]
        and mark.silence_days == values["silence_days"]
        and (mark.feedback_rows, mark.digest) == (state.former_rows, state.former_digest)
        and mark.departures == state.departures
    )
