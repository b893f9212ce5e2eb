"""The rows of tens_insight.model_performance: one for each metric of a population."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from serving_model.evaluation.performance import BandPerformance, Estimate, Performance

_QUERIES: Final = queries(__package__)

OVERALL: Final = "overall"
REALISED: Final = "realised"
PARTIAL: Final = "partial"
ESTIMATED: Final = "estimated"
KINDS: Final = (REALISED, PARTIAL, ESTIMATED)


@dataclass(frozen=True)
class Judged:
    """A publication and the horizon that its performance is measured for.

    Attributes:
        publication_id: In the log of publications.
        horizon_days: Days.
        is_main: Whether churn_probability is of this horizon.
        as_of: Of the publication, UTC.
        model_version: That scored.
    """

    publication_id: int
    horizon_days: int
    is_main: bool
    as_of: datetime
    model_version: str


Slice = tuple[str, str]
"""What accounts are divided by, and the value that these have in common; (OVERALL, "") for all."""


def write_performance(
    cursor: Cursor,
    judged: Judged,
    kind: str,
    found: Mapping[Slice, Performance],
    further: Iterable[tuple[str, str, Estimate]] = (),
) -> None:
    """Writes the performance of one window, in place of what was there of the same kind.

    Args:
        cursor: Of the caller's transaction.
        judged: Which window.
        kind: One of KINDS.
        found: By slice.
        further: Band, metric and estimate of all accounts that are no part of a Performance.
    """
    values: dict[str, Any] = {**vars(judged), "kind": kind}
    cursor.execute(_QUERIES["drop_performance"], values)
    rows = [
        (*of, *row) for of, performance in found.items() for row in performance_rows(performance)
    ]
    for band, metric, estimate in further:
        rows += [(OVERALL, "", *row) for row in _rows(band, {metric: estimate})]
    names = ("slice", "slice_value", "band", "metric", "value", "low", "high")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    cursor.execute(_QUERIES["append_performance"], values | columns)


def append_metrics(
    cursor: Cursor, judged: Judged, kind: str, estimates: Mapping[str, Estimate]
) -> None:
    """Writes further metrics of all accounts of one window, beside what is there.

    Args:
        cursor: Of the caller's transaction.
        judged: Which window.
        kind: One of KINDS.
        estimates: By name.
    """
    rows = list(_rows("", estimates))
    names = ("band", "metric", "value", "low", "high")
    columns: dict[str, Any] = {
        name: [row[place] for row in rows] for place, name in enumerate(names)
    }
    columns |= {"slice": [OVERALL] * len(rows), "slice_value": [""] * len(rows)}
    cursor.execute(_QUERIES["append_performance"], {**vars(judged), "kind": kind, **columns})


def performance_rows(
    found: Performance,
) -> Iterator[tuple[str, str, float, float | None, float | None]]:
    """Yields (band, metric, value, low, high); what means nothing has no row."""
    yield ("", "accounts", float(found.accounts), None, None)
    yield from _rows("", {"left": found.left, **found.metrics})
    for band, performance in found.bands.items():
        yield (band, "flagged", float(performance.flagged), None, None)
        yield from _rows(band, {name: getattr(performance, name) for name in _ESTIMATES})


_ESTIMATES: Final[Sequence[str]] = [
    one.name for one in fields(BandPerformance) if one.name != "flagged"
]


def _rows(
    band: str, estimates: Mapping[str, Estimate]
) -> Iterator[tuple[str, str, float, float | None, float | None]]:
    for name, one in estimates.items():
        if not math.isnan(one.value):
            yield (band, name, one.value, _known(one.low), _known(one.high))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
