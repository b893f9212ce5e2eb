"""Which accounts are explained where not all are, and their rows among those of all."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.arrays import Floats

Rows = NDArray[np.integer[Any]]


def most_at_risk(probabilities: Floats, share: float) -> Rows:
    """Returns the places of the accounts most at risk, rising; of equal ones the first.

    Args:
        probabilities: Of n accounts.
        share: Of them, 0..1; at least one is chosen where there is one.
    """
    order = np.argsort(-probabilities, kind="stable")
    return np.sort(order[: math.ceil(share * len(probabilities))])


def spliced(whole: pa.Table, rows: Rows, others: pa.Table) -> pa.Table:
    """Returns a table in which some rows are replaced, in the same order.

    Args:
        whole: n rows.
        rows: Places of those that are replaced, rising.
        others: What takes their places, in the same columns.
    """
    places = np.arange(len(whole))
    places[rows] = len(whole) + np.arange(len(rows))
    both = pa.concat_tables([whole, others]).combine_chunks()
    return both.take(pa.array(places))
