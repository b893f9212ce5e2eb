"""Up to where a source was read: one row, written in the transaction of the scores."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import record
from components.publishing.increment import PublishedMeanwhile

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class Sweep:
    """A pass through many accounts, since time or a loss makes them due.

    Attributes:
        since: Those without a score of this moment or a later one are due, UTC.
        everyone: Whether all that gave feedback are, and not only those with a score.
    """

    since: datetime
    everyone: bool = False


@dataclass(frozen=True)
class Position:
    """Up to where a source was read.

    Attributes:
        place: What the source goes on from; its own affair.
        read_up_to: The moment of the last reading, UTC.
        swept: The midnight since which all accounts were scored, or are being scored, UTC.
        sweep: What is left of that; None where it is done.
    """

    place: Mapping[str, Any]
    read_up_to: datetime
    swept: datetime
    sweep: Sweep | None

    def at(self, place: Mapping[str, Any], read_up_to: datetime) -> "Position":
        """Returns the position after another reading."""
        return replace(self, place=place, read_up_to=read_up_to)

    def as_json(self) -> dict[str, Any]:
        """Returns plain values, without the moment of the reading. No account is named."""
        sweep = self.sweep
        return {
            "place": dict(self.place),
            "swept": self.swept.isoformat(),
            "sweep": None
            if sweep is None
            else {"since": sweep.since.isoformat(), "everyone": sweep.everyone},
        }


@dataclass(frozen=True)
class _Row:
    """As the database has it."""

    position: dict[str, Any]
    read_up_to: datetime


def read_position(cursor: Cursor, source: str) -> Position | None:
    """Reads the position of a source; None where it was never read."""
    cursor.execute(_QUERIES["position"], {"source": source})
    found = record(cursor, _Row)
    if found is None:
        return None
    kept = found.position
    sweep = kept["sweep"]
    return Position(
        place=kept["place"],
        read_up_to=found.read_up_to.astimezone(timezone.utc),
        swept=datetime.fromisoformat(kept["swept"]),
        sweep=None
        if sweep is None
        else Sweep(datetime.fromisoformat(sweep["since"]), bool(sweep["everyone"])),
    )


def remove_positions(cursor: Cursor, slot: str) -> tuple[int, int]:
    """Ends streaming for good: drops a replication slot, and forgets what was read.

    Args:
        cursor: Of the caller's transaction.
        slot: Its name.

    Returns:
        How many slots and positions there were.
    """
    cursor.execute(_QUERIES["drop_slot"], {"slot": slot})
    slots = cursor.rowcount
    cursor.execute(_QUERIES["remove_positions"])
    return slots, cursor.rowcount


def commit_position(
    cursor: Cursor, source: str, position: Position, before: Position | None
) -> None:
    """Writes a position in place of the former one, in the caller's transaction.

    Args:
        cursor: Of the transaction that wrote the scores.
        source: Its name.
        position: What is true once that is committed.
        before: What must be there; None for nothing.

    Raises:
        PublishedMeanwhile: Something else is there: another process reads the same source.
    """
    values = {
        "source": source,
        "position": json.dumps(position.as_json()),
        "read_up_to": position.read_up_to,
        "before": None if before is None else json.dumps(before.as_json()),
        "read_before": None if before is None else before.read_up_to,
    }
    cursor.execute(_QUERIES["first_position" if before is None else "next_position"], values)
    if cursor.rowcount != 1:
        raise PublishedMeanwhile
