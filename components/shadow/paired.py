"""What two models said of the same accounts, and what became of these: closed windows alone.

Of a publication one model's probabilities were published and the other's were in shadow, or both
were in shadow. So both speak of the same accounts at the same moment, and no outcome was known
when either spoke.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.copy_columns import copy_columns
from components.postgres.queries import queries
from components.postgres.rows import records
from transforms.arrays import Booleans, Floats, Integers

_QUERIES: Final = queries(__package__)

Moments = NDArray[np.datetime64]
"""UTC, in microseconds."""
_TYPES: Final = {
    "account_id": pa.string(),
    "left": pa.int64(),
    "a": pa.float64(),
    "b": pa.float64(),
}


@dataclass(frozen=True)
class PairedOutcomes:
    """n observations in the order of the windows' ends, publications and ids.

    Attributes:
        accounts: Ids, [n]; not for messages or logs.
        publication_ids: [n].
        as_of: Begin of each window, UTC, [n].
        closed_at: Its end, UTC, [n].
        churned: Whether the account left within the window, [n].
        p_a: Probability that the first model gave to that, [n], as a number of 32 bits.
        p_b: The second model's, likewise.
    """

    accounts: NDArray[np.object_]
    publication_ids: Integers
    as_of: Moments
    closed_at: Moments
    churned: Booleans
    p_a: Floats
    p_b: Floats

    def __len__(self) -> int:
        return len(self.accounts)


@dataclass(frozen=True)
class _Window:
    """A closed window, and where the probabilities of both models are.

    Attributes:
        publication_id: In the log.
        as_of: UTC.
        closed_at: UTC.
        is_main: Whether churn_probability itself is of this horizon.
        published_at_place: Place of the horizon in account_contributions; None if not kept.
        a_published: Whether model a was published, for all accounts or for some.
        b_published: Likewise.
        a_shadow: Place of model a in shadow_scores; None if it was not in shadow.
        a_at_place: Place of the horizon in its probabilities; None if it has no such horizon.
        b_shadow: As for a.
        b_at_place: As for a.
        in_sequence: Whether it is kept long enough for a sequential test.
    """

    publication_id: int
    as_of: datetime
    closed_at: datetime
    is_main: bool
    published_at_place: int | None
    a_published: bool
    b_published: bool
    a_shadow: int | None
    a_at_place: int | None
    b_shadow: int | None
    b_at_place: int | None
    in_sequence: bool

    def said(self, which: str, version: str) -> sql.Composable | None:
        """Returns the probability of model `a` or `b` as an expression; None if none is kept."""
        found = []
        published = self._published()
        if published is not None and (self.a_published if which == "a" else self.b_published):
            found.append(
                sql.SQL("CASE WHEN score.model_version = {} THEN {} END").format(
                    sql.Literal(version), published
                )
            )
        place = self.a_at_place if which == "a" else self.b_at_place
        if place is not None:
            shadow = sql.SQL("{}.probabilities[{}]")
            found.append(shadow.format(sql.Identifier(which), sql.Literal(place)))
        if not found:
            return None
        return sql.SQL("coalesce({})::float8").format(sql.SQL(", ").join(found))

    def _published(self) -> sql.Composable | None:
        if self.is_main:
            return sql.SQL("score.churn_probability::real")
        if self.published_at_place is None:
            return None
        return sql.SQL("part.probabilities[{}]").format(sql.Literal(self.published_at_place))


def paired_outcomes(
    session: Cursor,
    version_a: str,
    version_b: str,
    horizon_days: int,
    *,
    independent: bool = False,
    as_of: datetime | None = None,
) -> PairedOutcomes:
    """Returns what two models said of accounts whose window is closed, and what became of them.

    Accounts whose outcome is unknown, publications that were undone, and windows in which the
    ground truth has a hole are left out.

    Args:
        session: Cursor of any transaction.
        version_a: The one model.
        version_b: The other one.
        horizon_days: Of the windows; both models must answer for it.
        independent: Windows of one account do not overlap: from the first publication on, the
            next one that begins when the last has closed. Of publications those are taken that
            are kept as long as the history, so that what was found once is found again later.
        as_of: Windows that closed after this moment are left out; None leaves out none.

    Returns:
        In the order of closing.
    """
    windows = _windows(session, version_a, version_b, horizon_days, as_of)
    if independent:
        windows = [one for one in windows if one.in_sequence]
    parts = []
    free_from: dict[str, datetime] = {}
    for window in windows:
        found = _rows(session, window, version_a, version_b, horizon_days)
        if found is not None and independent:
            found = _apart(found, window, free_from)
        if found is not None and len(found):
            parts.append((window, found))
    return _together(parts)


def _windows(
    session: Cursor, version_a: str, version_b: str, horizon_days: int, as_of: datetime | None
) -> list[_Window]:
    values = {"a": version_a, "b": version_b, "horizon_days": horizon_days}
    session.execute(_QUERIES["paired_windows"], values)
    return [one for one in records(session, _Window) if as_of is None or one.closed_at <= as_of]


def _rows(
    session: Cursor, window: _Window, version_a: str, version_b: str, horizon_days: int
) -> pa.Table | None:
    a, b = window.said("a", version_a), window.said("b", version_b)
    if a is None or b is None:
        return None
    query = sql.SQL(_QUERIES["paired_rows"]).format(a=a, b=b)
    values = {**vars(window), "horizon_days": horizon_days}
    found = copy_columns(session.connection, query, values, _TYPES)
    known = pa.compute.and_(pa.compute.is_valid(found["a"]), pa.compute.is_valid(found["b"]))
    return found.filter(known)


def _apart(found: pa.Table, window: _Window, free_from: dict[str, datetime]) -> pa.Table:
    """Keeps accounts whose last window has closed, and notes when this one does."""
    accounts = found["account_id"].to_pylist()
    free = [free_from.get(one, window.as_of) <= window.as_of for one in accounts]
    free_from.update(
        {one: window.closed_at for one, is_free in zip(accounts, free, strict=True) if is_free}
    )
    return found.filter(pa.array(free, pa.bool_()))


def _together(parts: list[tuple[_Window, pa.Table]]) -> PairedOutcomes:
    sizes = np.array([len(found) for _, found in parts], dtype=np.int64)
    whole = pa.concat_tables(
        [pa.table({name: pa.array([], kind) for name, kind in _TYPES.items()})]
        + [found for _, found in parts]
    )
    return PairedOutcomes(
        accounts=np.array(whole["account_id"].to_pylist(), dtype=object),
        publication_ids=np.repeat(_ids(parts), sizes),
        as_of=np.repeat(np.array(list(_moments(parts, "as_of")), "datetime64[us]"), sizes),
        closed_at=np.repeat(np.array(list(_moments(parts, "closed_at")), "datetime64[us]"), sizes),
        churned=whole["left"].to_numpy() > 0,
        p_a=whole["a"].to_numpy(),
        p_b=whole["b"].to_numpy(),
    )


def _ids(parts: list[tuple[_Window, pa.Table]]) -> Integers:
    return np.array([window.publication_id for window, _ in parts], dtype=np.int64)


def _moments(parts: list[tuple[_Window, pa.Table]], name: str) -> Iterator[Any]:
    for window, _ in parts:
        moment: datetime = getattr(window, name)
        yield np.datetime64(moment.astimezone(timezone.utc).replace(tzinfo=None), "us")
