"""The performance of publications whose window is open: estimated, or partly known."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.copy_columns import copy_columns
from components.outcome_recorder.calibration_lines import belief, keep_line
from components.outcome_recorder.performance_rows import (
    ESTIMATED,
    PARTIAL,
    Judged,
    Slice,
    write_performance,
)
from components.outcome_recorder.populations import (
    CODES,
    SLICES,
    band_codes,
    floats_of,
    performances,
    place_of_horizon,
)
from components.postgres.queries import queries
from components.postgres.rows import records
from serving_model.evaluation.estimated_performance import (
    estimated_performance,
    later_chances,
    partial_performance,
)
from serving_model.evaluation.performance import Performance
from serving_model.evaluation.recalibration import Recalibration, fitted_line, log_odds_of
from serving_model.learning.blas import keep_blas_to_one_thread
from serving_model.served.risk import CATEGORIES
from transforms.arrays import Booleans, Floats, Integers
from transforms.cold_start_rule import is_rule

_QUERIES: Final = queries(__package__)
_OF_SLICES: Final[Mapping[str, int]] = {"draws": 300, "cells": 80}
"""Slices are many; their intervals are wide, and need fewer draws."""
_AT_ONCE: Final = 2
"""Windows that are estimated beside each other: numpy leaves the interpreter to the other."""


@dataclass(frozen=True)
class Foreseen:
    """A window whose performance was estimated now.

    Attributes:
        publication_id: In the log of publications.
        horizon_days: Days.
        kind: estimated or partial.
    """

    publication_id: int
    horizon_days: int
    kind: str


@dataclass(frozen=True)
class PublishedScores:
    """Scores as the log of publications has them; as_of is UTC."""

    publication_id: int
    as_of: datetime
    model_version: str
    horizon_days: int
    horizons: list[int]

    def judged(self, horizon_days: int) -> Judged:
        """Returns the window of one of the horizons."""
        return Judged(
            self.publication_id,
            horizon_days,
            horizon_days == self.horizon_days,
            self.as_of,
            self.model_version,
        )


@dataclass(frozen=True)
class Estimates:
    """What is expected of scores before any outcome.

    Attributes:
        published: What they are.
        scores: Accounts in the order of their ids: probabilities of all horizons, band, slices.
        beliefs: By horizon in days: how far the probabilities may be off.
        performances: By horizon.
    """

    published: PublishedScores
    scores: pa.Table
    beliefs: Mapping[int, Recalibration]
    performances: Mapping[int, Mapping[Slice, Performance]]

    def is_of(self, published: PublishedScores) -> bool:
        """Tells whether it is of a publication, whatever the log calls that."""
        return replace(self.published, publication_id=published.publication_id) == published


def foresee(
    cursor: Cursor,
    closed: Sequence[Judged],
    publication_id: int,
    as_of: datetime,
    early: Estimates | None = None,
) -> list[Foreseen]:
    """Writes what is expected of open windows; done again, it writes the same.

    Args:
        cursor: Of the transaction that measured the windows.
        closed: Windows that were measured now.
        publication_id: Of the scores that the run published.
        as_of: The run's now, UTC.
        early: What was expected of these scores before they were published.
    """
    for one in closed:
        _keep_lines(cursor, one)
    found = [row for one in closed for row in _partial(cursor, one, as_of)]
    found += _estimated(cursor, publication_id, early)
    cursor.execute(_QUERIES["drop_daily_estimates"], {"as_of": as_of})
    return found


def _keep_lines(cursor: Cursor, closed: Judged) -> None:
    """Keeps how far log-odds were off: of all, and of those there after shorter windows."""
    for published in _published(cursor, closed.publication_id):
        whole = closed.horizon_days
        scores = _outcomes(cursor, published, whole, whole)
        if scores is not None:
            line = fitted_line(floats_of(scores, "left"), floats_of(scores, "whole"))
            keep_line(cursor, closed, line)
        for days in (one for one in published.horizons if one < whole):
            scores = _outcomes(cursor, published, whole, whole, days, still_there=True)
            if scores is not None:
                rest = later_chances(floats_of(scores, "whole"), floats_of(scores, "first"))
                keep_line(cursor, closed, fitted_line(floats_of(scores, "left"), rest), days)


def _partial(cursor: Cursor, closed: Judged, as_of: datetime) -> Iterator[Foreseen]:
    """Estimates the longer windows of a publication of which a shorter one has closed."""
    cursor.execute(_QUERIES["longer_open_horizons"], vars(closed))
    horizons = [days for (days,) in cursor.fetchall()]
    for published in _published(cursor, closed.publication_id):
        for days in horizons:
            scores = _outcomes(cursor, published, closed.horizon_days, days, closed.horizon_days)
            if scores is None:
                continue
            judged = published.judged(days)
            found = dict(_partly_known(cursor, judged, closed.horizon_days, scores, as_of))
            write_performance(cursor, judged, PARTIAL, found)
            yield Foreseen(judged.publication_id, days, PARTIAL)


def _partly_known(
    cursor: Cursor, judged: Judged, closed_days: int, scores: pa.Table, as_of: datetime
) -> Iterator[tuple[Slice, Performance]]:
    whole, first = floats_of(scores, "whole"), floats_of(scores, "first")
    left, bands = floats_of(scores, "left") > 0, band_codes(scores)
    rest = later_chances(whole, first)
    expected = np.where(left, 1.0, rest)
    centre = _centre(rest[~left] if not left.all() else rest)
    known = belief(cursor, judged, as_of, centre, closed_days)

    def measured(rows: Booleans) -> Performance:
        return partial_performance(
            whole[rows], first[rows], left[rows], bands[rows], CATEGORIES, known, **_few(rows)
        )

    return performances(scores, expected, measured)


def _estimated(cursor: Cursor, publication_id: int, early: Estimates | None) -> Iterator[Foreseen]:
    for published in _published(cursor, publication_id):
        if is_rule(published.model_version):  # its probabilities rest on a rate that was assumed
            continue
        if early is None or not early.is_of(published):
            early = None
        scores = early.scores if early else _scores(cursor, published)
        if not len(scores):
            continue
        found = estimates(cursor, published, scores, early)
        for days, performance in found.performances.items():
            write_performance(cursor, published.judged(days), ESTIMATED, performance)
            yield Foreseen(publication_id, days, ESTIMATED)


def estimates_key(scores: str) -> Hashable:
    """Returns the name by which estimates that were begun early are taken.

    Args:
        scores: Folder of the shards.
    """
    return "estimates", scores


def estimates(
    cursor: Cursor,
    published: PublishedScores,
    scores: pa.Table,
    early: Estimates | None = None,
    at_once: int = _AT_ONCE,
) -> Estimates:
    """Returns what to expect of scores.

    Args:
        cursor: Of a transaction.
        published: What the scores are.
        scores: n of them, n at least 1.
        early: Of the same scores: what is believed by now as it was then is not estimated again.
        at_once: How many windows are estimated beside each other.
    """
    bands = band_codes(scores)
    chances = {days: floats_of(scores, name_of(days)) for days in published.horizons}
    beliefs = {
        days: belief(cursor, published.judged(days), published.as_of, _centre(found))
        for days, found in chances.items()
    }
    found: dict[int, Mapping[Slice, Performance]] = {}
    if early is not None:
        still = [one for one in beliefs if early.beliefs[one].is_same(beliefs[one])]
        found |= {days: early.performances[days] for days in still}
    missing = [days for days in published.horizons if days not in found]
    keep_blas_to_one_thread()
    with ThreadPoolExecutor(at_once) as pool:
        measured = pool.map(
            lambda days: _before_outcomes(scores, bands, chances[days], beliefs[days]), missing
        )
        found |= dict(zip(missing, measured, strict=True))
    performances = {days: found[days] for days in published.horizons}
    return Estimates(published, scores, beliefs, performances)


def _before_outcomes(
    scores: pa.Table, bands: Integers, found: Floats, known: Recalibration
) -> dict[Slice, Performance]:
    order = np.argsort(found)

    def measured(rows: Booleans) -> Performance:
        # Sorted once: what is in order is sorted again in no time.
        chosen = order[rows[order]]
        return estimated_performance(found[chosen], bands[chosen], CATEGORIES, known, **_few(rows))

    return dict(performances(scores, found, measured))


def _few(rows: Booleans) -> Mapping[str, int]:
    return {} if rows.all() else _OF_SLICES


def _centre(probabilities: Floats) -> float:
    return float(log_odds_of(np.array([probabilities.mean()]))[0])


def _published(cursor: Cursor, publication_id: int) -> list[PublishedScores]:
    """The publication, if it speaks of horizons and was not undone."""
    cursor.execute(_QUERIES["foreseen_publication"], {"publication_id": publication_id})
    return records(cursor, PublishedScores)


def _scores(cursor: Cursor, published: PublishedScores) -> pa.Table:
    """Reads what was just published: probabilities of all horizons, band and slices."""
    by_horizon = sql.SQL("(detail.churn_by_horizon ->> {})::float8")
    columns = [
        sql.SQL("{} AS {}").format(
            sql.SQL("score.churn_probability::float8")
            if days == published.horizon_days  # the same number, which is in no JSON
            else by_horizon.format(sql.Literal(str(days))),
            sql.Identifier(name_of(days)),
        )
        for days in published.horizons
    ]
    query = sql.SQL(_QUERIES["foreseen_scores"]).format(probabilities=sql.SQL(", ").join(columns))
    types = {
        **{name_of(days): pa.float64() for days in published.horizons},
        "band": CODES,
        **dict.fromkeys(SLICES, CODES),
    }
    found = copy_columns(cursor.connection, query, vars(published), types)
    return _without_nulls(found, [name_of(days) for days in published.horizons])


def _outcomes(
    cursor: Cursor,
    published: PublishedScores,
    closed_days: int,
    whole_days: int,
    first_days: int | None = None,
    *,
    still_there: bool = False,
) -> pa.Table | None:
    """Reads who left within a closed window, beside probabilities as they were published.

    Args:
        cursor: Of the transaction.
        published: The publication.
        closed_days: The closed window; `left` is its outcome.
        whole_days: Horizon of the probability `whole`.
        first_days: Horizon of the probability `first`; None for none.
        still_there: Only accounts that were there after first_days.

    Returns:
        None where the probabilities were not kept, or no account is left.
    """
    wanted = {"whole": whole_days} | ({} if first_days is None else {"first": first_days})
    places = {name: _probability(cursor, published, days) for name, days in wanted.items()}
    columns = {name: place for name, place in places.items() if place is not None}
    if len(columns) < len(wanted):
        return None
    query = sql.SQL(_QUERIES["kept_outcomes"]).format(
        probabilities=sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(one, sql.Identifier(name)) for name, one in columns.items()
        ),
        slices=sql.SQL(", ").join(sql.SQL("part.{}").format(sql.Identifier(one)) for one in SLICES),
    )
    values = {
        **vars(published),
        "closed_days": closed_days,
        "after_days": first_days if still_there else 0,
    }
    types = {
        "left": pa.int64(),
        **dict.fromkeys(columns, pa.float64()),
        "band": CODES,
        **dict.fromkeys(SLICES, CODES),
    }
    found = _without_nulls(copy_columns(cursor.connection, query, values, types), columns)
    return found if len(found) else None


def _probability(cursor: Cursor, published: PublishedScores, days: int) -> sql.Composable | None:
    """Where the probability within so many days was kept; None if it was not."""
    if days == published.horizon_days:
        return sql.SQL("score.churn_probability::float8")
    place = place_of_horizon(cursor, published.publication_id, days)
    if place is None:
        return None
    return sql.SQL("part.probabilities[{}]::float8").format(sql.Literal(place))


def _without_nulls(found: pa.Table, names: Iterable[str]) -> pa.Table:
    for name in names:
        found = found.filter(pa.compute.is_valid(found[name]))
    return found


def name_of(days: int) -> str:
    """Returns the name of the column of probabilities within so many days."""
    return f"within_{days}"
