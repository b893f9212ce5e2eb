"""What the performance of a publication is measured for: all of its accounts, and large slices."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.feedback_example_gen.reading.copy_columns import NOWHERE, column, integers_of
from components.outcome_recorder.performance_rows import OVERALL, Slice
from components.postgres.queries import queries
from serving_model.evaluation.performance import Performance
from serving_model.served.risk import CATEGORIES
from transforms.arrays import Booleans, Floats, Integers

_QUERIES: Final = queries(__package__)

SLICES: Final = ("customer_tier", "region", "silence_state")
FEWEST_ACCOUNTS: Final = 50
"""Of a slice that is measured."""
FEWEST_LEFT: Final = 5
"""Of them, how many left, or are expected to."""
MOST_VALUES: Final = 20
"""Values of one column that are measured, the most frequent ones."""
CODES: Final = pa.dictionary(pa.int32(), pa.string())
"""Type of a band, and of a column that slices are cut by."""


def performances(
    scores: pa.Table, left: Floats, measured: Callable[[Booleans], Performance]
) -> Iterator[tuple[Slice, Performance]]:
    """Yields the performance of all accounts, then that of each slice that is large enough.

    Args:
        scores: n accounts with the columns of SLICES, as CODES.
        left: How many of each account leave: 0 or 1, or a chance, [n].
        measured: The performance of some accounts, bool [n].
    """
    yield (OVERALL, ""), measured(np.ones(len(left), dtype=np.bool_))
    for name in SLICES:
        values = column(scores, name)
        codes = integers_of(pa.compute.fill_null(values.indices, NOWHERE))
        sizes = np.bincount(codes[codes >= 0], minlength=len(values.dictionary))
        for code in np.argsort(-sizes, kind="stable")[:MOST_VALUES].tolist():
            rows = codes == code
            if sizes[code] >= FEWEST_ACCOUNTS and left[rows].sum() >= FEWEST_LEFT:
                yield (name, str(values.dictionary[code])), measured(rows)


def floats_of(scores: pa.Table, name: str) -> Floats:
    """Returns a column of numbers without nulls."""
    found: NDArray[Any] = integers_of(column(scores, name))  # of any plain type
    return found.astype(np.float64)


def band_codes(scores: pa.Table) -> Integers:
    """Returns the place of each account's band among CATEGORIES; one that is none counts as low."""
    values = column(scores, "band")
    return _codes(values, CATEGORIES)


def _codes(values: pa.DictionaryArray, names: Sequence[str]) -> Integers:
    places = [names.index(one) if one in names else 0 for one in values.dictionary.to_pylist()]
    return np.asarray(places, dtype=np.int64)[integers_of(values.indices)]


def place_of_horizon(cursor: Cursor, publication_id: int, horizon_days: int) -> int | None:
    """Returns where account_contributions keeps the probabilities of a horizon, from 1.

    None where nothing of the publication is kept, or not this horizon.
    """
    values = {"publication_id": publication_id, "horizon_days": horizon_days}
    cursor.execute(_QUERIES["place_of_horizon"], values)
    row = cursor.fetchone()
    return row[0] if row else None
