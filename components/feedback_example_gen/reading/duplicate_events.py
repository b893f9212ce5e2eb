"""Finds rows of feedback that repeat another in everything but their id."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
_LARGEST = int(np.iinfo(np.int64).max)


def repeated_rows(
    codes: Int64s, created_us: Int64s, order: Int64s, others: Sequence[Int64s]
) -> Int64s:
    """Returns which rows repeat a later one of the same account, moment and content.

    Rows of one moment may lie between the repetitions. The last of equal rows is not
    among the result, so that what an account's newest row says stays the same.

    Args:
        codes: int64 [N], one number for each account.
        created_us: int64 [N], microseconds.
        order: int64 [N], positions of the rows by account, then by time.
        others: int64 [N] each, all else that must be equal; a number for each value.

    Returns:
        int64 [K], places in `order`, rising.
    """
    codes, created_us = codes[order], created_us[order]
    same_moment = (codes[1:] == codes[:-1]) & (created_us[1:] == created_us[:-1])
    tied = np.flatnonzero(np.append(same_moment, False) | np.append(False, same_moment))
    moment = np.cumsum(~np.append(False, same_moment))[tied]
    content = _numbered([one[order[tied]] for one in others], len(tied))
    # Stable, so that equal rows keep their order.
    grouped = np.lexsort((content, moment))
    moment, content = moment[grouped], content[grouped]
    repeats = (moment[1:] == moment[:-1]) & (content[1:] == content[:-1])
    return np.sort(tied[grouped[:-1][repeats]])


def _numbered(columns: Sequence[Int64s], rows: int) -> Int64s:
    """Returns one number for each combination of values, int64 [rows]."""
    number = np.zeros(rows, dtype=np.int64)
    for column in columns:
        values = column - column.min(initial=0)
        size = int(values.max(initial=0)) + 1
        if int(number.max(initial=0)) >= _LARGEST // size:
            number = np.unique(number, return_inverse=True)[1]
        number = number * size + values
    return number
