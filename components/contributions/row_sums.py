"""Compares rows in memory with what the database holds, which is read once and compared here.

The server would join 100,000 rows with as many for each comparison, which takes it several times as
long as sending them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.contributions.mean_change import Side, Sums, shared_groups
from components.contributions.secants import slopes
from components.contributions.shard_rows import Rows
from components.feedback_example_gen.reading.copy_columns import (
    NOWHERE,
    column,
    copy_columns,
    integers_of,
)
from components.postgres.queries import queries
from transforms.arrays import Floats, Floats32, Integers

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class Others:
    """How many accounts are of one side only or differ, and the least of them."""

    accounts: int
    example: str | None


@dataclass(frozen=True)
class _Parts:
    """What the scores of n accounts are made of.

    Attributes:
        accounts: Ids, [n].
        probabilities: Of churn, [n]; they were kept with 32 bits.
        log_odds: Contributions of the shared groups, [n, groups].
    """

    accounts: pa.Array
    probabilities: Floats
    log_odds: Floats32


def sums_to_rows(cursor: Cursor, before: Side, after: Side, rows: Rows) -> Sums:
    """Returns what the query change_sums says, where the later side is in memory.

    Args:
        cursor: Of a transaction that sees one state of the database.
        before: The publication from which the mean changed.
        after: The one to which.
        rows: Its rows, as they were written.
    """
    groups = len(shared_groups(before, after))
    former, now = _read(cursor, before, groups), _held(rows, groups)
    at = _places(now.accounts, former.accounts)
    both = at >= 0
    a, b = former.probabilities[at[both]], now.probabilities[both]
    # In 32 bits, as the database takes one from the other.
    moves = (now.log_odds[both] - former.log_odds[at[both]]).astype(np.float64)
    return Sums(
        accounts_before=len(former.probabilities),
        accounts_after=len(now.probabilities),
        accounts_in_both=int(both.sum()),
        sum_before=float(former.probabilities.sum()),
        sum_after=float(now.probabilities.sum()),
        sum_before_in_both=float(a.sum()),
        sum_after_in_both=float(b.sum()),
        group_sums=np.nansum(slopes(a, b)[:, None] * moves, axis=0).tolist(),
    )


def others(cursor: Cursor, publication_id: int, rows: Rows) -> Others:
    """Finds accounts that a publication did not score like rows in memory, and those they lack.

    Args:
        cursor: Of a transaction that sees one state of the database.
        publication_id: Of account_risk_scores.
        rows: With the probabilities that are to be its.
    """
    values = {"publication_id": publication_id}
    types = {"account_id": pa.string(), "probability": pa.float64()}
    query = sql.SQL(_QUERIES["published_probabilities"])
    found = copy_columns(cursor.connection, query, values, types)
    accounts, given = column(found, "account_id"), _held(rows, 0)
    published = _floats(column(found, "probability"))
    if accounts.equals(given.accounts) and np.array_equal(published, given.probabilities):
        return Others(0, None)
    at = _places(given.accounts, accounts)
    is_same = at >= 0
    is_same[is_same] = published[at[is_same]] == given.probabilities[is_same]
    is_missing = _places(accounts, given.accounts) < 0
    differing = [given.accounts.filter(pa.array(~is_same)), accounts.filter(pa.array(is_missing))]
    names = [str(name) for one in differing for name in one.to_pylist()]
    # By bytes, as the database names the first of anything.
    return Others(len(names), min(names, key=str.encode) if names else None)


def _places(accounts: pa.Array, among: pa.Array) -> Integers:
    """Returns the place of each account among others; NOWHERE where it is not there."""
    found = pyarrow.compute.index_in(accounts, value_set=among)
    return integers_of(pyarrow.compute.fill_null(found, NOWHERE))


def _read(cursor: Cursor, side: Side, groups: int) -> _Parts:
    names = [f"group_{number}" for number in range(groups)]
    columns = [
        sql.SQL(", log_odds[{}] AS {}").format(sql.Literal(number + 1), sql.Identifier(name))
        for number, name in enumerate(names)
    ]
    query = sql.SQL(_QUERIES["probabilities_and_groups"]).format(groups=sql.SQL("").join(columns))
    values = {"publication_id": side.publication_id, "place": side.place}
    types = {"account_id": pa.string(), **dict.fromkeys(("probability", *names), pa.float32())}
    found = copy_columns(cursor.connection, query, values, types)
    log_odds = [_floats(column(found, name)) for name in names]
    return _Parts(
        accounts=column(found, "account_id"),
        probabilities=_floats(column(found, "probability")).astype(np.float64),
        log_odds=np.stack(log_odds, axis=1) if names else np.empty([len(found), 0], np.float32),
    )


def _held(rows: Rows, groups: int) -> _Parts:
    table = pa.concat_tables(rows.tables)
    place = rows.layout.horizons.index(rows.layout.horizon_days)
    return _Parts(
        accounts=column(table, "account_id"),
        probabilities=_matrix(table, "probabilities")[:, place].astype(np.float64),
        log_odds=_matrix(table, "log_odds")
        if groups
        else np.empty([table.num_rows, 0], np.float32),
    )


def _matrix(table: pa.Table, name: str) -> Floats32:
    """Returns lists of one length as a matrix."""
    return _floats(column(table, name).flatten()).reshape(table.num_rows, -1)


def _floats(values: pa.Array) -> Floats32:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float32)
