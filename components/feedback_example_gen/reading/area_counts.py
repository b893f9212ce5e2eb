"""Counts the feedback of each product area and segment, in one aggregate query."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg2.extensions
from psycopg2.extras import RealDictCursor

from components.errors import DataGateStopped
from components.postgres.failures import explained
from components.postgres.queries import queries
from transforms.product_area_impact import RECENT_DAYS, TOP_PRIORITY, PairCounts

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class AreaWindow:
    """What of the feedback is counted.

    Attributes:
        days: Length of the window, which ends before as_of.
        critical_priority: Lowest priority that is critical, 1..5.
    """

    days: int
    critical_priority: int


@dataclass(frozen=True)
class AreaCounts:
    """The counts of one window.

    Attributes:
        as_of: End of the window, UTC.
        window: What was counted.
        pairs: One for each product area and segment, by area, then by segment.
        unnamed_rows: Rows in the window whose area or segment is NULL or empty, in no pair.
        unsound_rows: Rows in the window whose sentiment or priority the contract does not know.
    """

    as_of: datetime
    window: AreaWindow
    pairs: tuple[PairCounts, ...]
    unnamed_rows: int
    unsound_rows: int

    def as_json(self) -> dict[str, Any]:
        """Returns plain values, for from_json."""
        return {**asdict(self), "as_of": self.as_of.isoformat()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "AreaCounts":
        """Reads what as_json returned."""
        return cls(
            as_of=datetime.fromisoformat(content["as_of"]),
            window=AreaWindow(**content["window"]),
            pairs=tuple(PairCounts(**pair) for pair in content["pairs"]),
            unnamed_rows=content["unnamed_rows"],
            unsound_rows=content["unsound_rows"],
        )


def read_area_counts(
    connection: psycopg2.extensions.connection, as_of: datetime, window: AreaWindow
) -> AreaCounts:
    """Counts [as_of - window, as_of) inside the connection's snapshot.

    Raises:
        ContractBroken: The table, a column or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    parameters = {
        "as_of": as_of,
        "since": as_of - timedelta(days=window.days),
        "recent_since": as_of - timedelta(days=RECENT_DAYS),
        "critical_priority": window.critical_priority,
        "top_priority": TOP_PRIORITY,
    }
    with explained(connection), connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(_QUERIES["product_area_counts"], parameters)
        rows = cursor.fetchall()
    unsound = sum(row.pop("unsound") for row in rows)
    pairs = [PairCounts(**row) for row in rows]
    # An empty name could not be asked for by the consumer, and NULL is no key.
    named = [pair for pair in pairs if pair.product_area and pair.segment]
    return AreaCounts(
        as_of=as_of,
        window=window,
        pairs=tuple(sorted(named, key=lambda pair: (pair.product_area, pair.segment))),
        unnamed_rows=sum(pair.feedback for pair in pairs) - sum(pair.feedback for pair in named),
        unsound_rows=unsound,
    )


def require_sound(counts: AreaCounts) -> None:
    """Stops where rows would be ranked that the contract does not allow.

    Raises:
        DataGateStopped: Says how many.
    """
    if counts.unsound_rows:
        raise DataGateStopped(unsound_areas(counts.unsound_rows, counts.as_of, counts.window.days))


def unsound_areas(rows: int, as_of: datetime, days: int) -> str:
    """Says why product areas are not ranked.

    Args:
        rows: Of the window, whose sentiment or priority the contract does not know.
        as_of: End of the window, UTC.
        days: Length of the window.
    """
    return (
        f"Product areas are not ranked: {rows} rows of feedback_enriched in the {days} days before "
        f"{as_of:%Y-%m-%d %H:%M} UTC have a sentiment other than positive, neutral and negative "
        "or a priority outside 1 to 5; product_area_impact stays as it is. Correct the rows, or "
        "the ETL that wrote them."
    )
