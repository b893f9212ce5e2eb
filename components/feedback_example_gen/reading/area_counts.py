"""Counts the feedback of each product area and segment, in one aggregate query."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import psycopg2.extensions
import pyarrow as pa
from psycopg2 import sql

from components.errors import DataGateStopped
from components.feedback_example_gen.reading.copy_columns import (
    column,
    integers_of,
    microseconds,
)
from components.postgres.failures import explained
from components.postgres.queries import queries
from components.postgres.rows import records
from transforms.arrays import Booleans
from transforms.columns import (
    CREATED_AT,
    CUSTOMER_TIER,
    NEGATIVE,
    POSITIVE,
    PRIORITY,
    PRODUCT_AREA,
    SENTIMENT,
    SENTIMENTS,
)
from transforms.product_area_impact import RECENT_DAYS, TOP_PRIORITY, PairCounts

_QUERIES: Final = queries(__package__)

NAMELESS: Final = "(account_id IS NULL OR account_id::text = '')"
"""The rows without an account, in SQL: what an index on account_id finds."""
_COUNTS: Final = tuple(
    one.name for one in fields(PairCounts) if one.name not in ("product_area", "segment")
)


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


@dataclass(frozen=True)
class CountedPair(PairCounts):
    """What was counted of one pair, as the query product_area_counts says; names may be NULL.

    Attributes:
        unsound: Rows whose sentiment or priority the contract does not know.
    """

    unsound: int


def read_area_counts(
    connection: psycopg2.extensions.connection, as_of: datetime, window: AreaWindow
) -> AreaCounts:
    """Counts [as_of - window, as_of) inside the connection's snapshot.

    Raises:
        ContractBroken: The table, a column or the right to read it is missing.
        DatabaseUnreachable: The server went away.
    """
    return area_counts(as_of, window, read_pairs(connection, as_of, window))


def read_pairs(
    connection: psycopg2.extensions.connection,
    as_of: datetime,
    window: AreaWindow,
    *,
    nameless: bool = False,
) -> list[CountedPair]:
    """Counts the rows of a window by the server; otherwise as read_area_counts.

    Args:
        connection: Open.
        as_of: End of the window, UTC.
        window: What is counted.
        nameless: Whether only rows without an account are counted.
    """
    parameters = {
        "as_of": as_of,
        "since": as_of - timedelta(days=window.days),
        "recent_since": as_of - timedelta(days=RECENT_DAYS),
        "critical_priority": window.critical_priority,
        "top_priority": TOP_PRIORITY,
    }
    chosen = sql.SQL(NAMELESS if nameless else "TRUE")
    with explained(connection), connection.cursor() as cursor:
        query = sql.SQL(_QUERIES["product_area_counts"]).format(chosen=chosen)
        cursor.execute(query, parameters)
        return records(cursor, CountedPair)


def count_pairs(rows: pa.Table, as_of: datetime, window: AreaWindow) -> list[CountedPair]:
    """Counts the same of rows that a run has read anyway, all of which name an account.

    Args:
        rows: Columns of FEEDBACK_TYPES before as_of, without nulls; those that repeat another too.
        as_of: End of the window, UTC.
        window: What is counted.
    """
    created_us = integers_of(column(rows, CREATED_AT.name).view(pa.int64()))
    inside = np.flatnonzero(created_us >= microseconds(as_of - timedelta(days=window.days)))
    recent_us = microseconds(as_of - timedelta(days=RECENT_DAYS))
    area, tier = column(rows, PRODUCT_AREA.name), column(rows, CUSTOMER_TIER.name)
    tiers = max(len(tier.dictionary), 1)
    code = integers_of(area.indices)[inside].astype(np.int64) * tiers
    pairs, place = np.unique(code + integers_of(tier.indices)[inside], return_inverse=True)
    priority = integers_of(column(rows, PRIORITY.name))[inside]
    said = {one: _holds(column(rows, SENTIMENT.name), one)[inside] for one in SENTIMENTS}
    sound = np.logical_or.reduce(list(said.values()))
    sound &= (priority >= 1) & (priority <= TOP_PRIORITY)
    counted = {
        "feedback": np.ones(len(inside), np.bool_),
        "negative": said[NEGATIVE],
        "positive": said[POSITIVE],
        "critical": priority >= window.critical_priority,
        "p5": priority == TOP_PRIORITY,
        "recent": created_us[inside] >= recent_us,
        "unsound": ~sound,
    }
    found = [np.bincount(place[one], minlength=len(pairs)).tolist() for one in counted.values()]
    areas, names = area.dictionary.to_pylist(), tier.dictionary.to_pylist()
    return [
        CountedPair(
            areas[pair // tiers].decode("utf-8"),
            names[pair % tiers].decode("utf-8"),
            **dict(zip(counted, counts, strict=True)),
        )
        for pair, *counts in zip(pairs.tolist(), *found, strict=True)
    ]


def _holds(values: pa.DictionaryArray, word: str) -> Booleans:
    """Tells which rows hold a word, bool [rows]."""
    found = [one == word.encode() for one in values.dictionary.to_pylist()]
    return np.array([*found, False])[integers_of(values.indices)]


def area_counts(as_of: datetime, window: AreaWindow, pairs: Iterable[CountedPair]) -> AreaCounts:
    """Adds up what was counted of each pair.

    Args:
        as_of: End of the window, UTC.
        window: What was counted.
        pairs: In any order; of one pair there may be several.
    """
    sums: dict[tuple[str, str], Counter[str]] = {}
    rows = unsound = named = 0
    for pair in pairs:
        rows, unsound = rows + pair.feedback, unsound + pair.unsound
        # An empty name could not be asked for by the consumer, and NULL is no key.
        if pair.product_area and pair.segment:
            named += pair.feedback
            own = sums.setdefault((pair.product_area, pair.segment), Counter())
            own.update({name: getattr(pair, name) for name in _COUNTS})
    return AreaCounts(
        as_of=as_of,
        window=window,
        pairs=tuple(
            PairCounts(area, segment, **{name: counts[name] for name in _COUNTS})
            for (area, segment), counts in sorted(sums.items())
        ),
        unnamed_rows=rows - named,
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
