"""The order in which rows of feedback are kept, and which of them only repeat another."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from transforms.arrays import Integers

KEY_BITS: Final = 63
_LARGEST: Final = int(np.iinfo(np.int64).max)


def account_order(
    codes: Integers, created_us: Integers, id_hash: Integers, key_bits: int = KEY_BITS
) -> Integers:
    """Sorts by account, time and hash of the id.

    One sort of 64-bit keys does nearly all of it. Where account and time do not fit
    together into one key, it holds the time in coarser steps; rows of equal keys are
    then ordered by their exact time and their id.

    Args:
        codes: int64 [N], >= 0, one number for each account.
        created_us: int64 [N], microseconds.
        id_hash: int64 [N], breaks ties.
        key_bits: Of a key, at least those that the largest code needs.

    Returns:
        int64 [N], positions of the rows in their order.
    """
    span = created_us - created_us.min(initial=0)
    code_bits = int(codes.max(initial=0)).bit_length()
    excess = max(0, code_bits + int(span.max(initial=0)).bit_length() - key_bits)
    keys = codes << (key_bits - code_bits) | span >> excess
    order = np.argsort(keys)
    keys = keys[order]
    equal = keys[1:] == keys[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    rows = order[tied]
    order[tied] = rows[np.lexsort((id_hash[rows], created_us[rows], keys[tied]))]
    return order


def repeated_rows(
    codes: Integers, created_us: Integers, order: Integers, others: Sequence[Integers]
) -> Integers:
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


def _numbered(columns: Sequence[Integers], rows: int) -> Integers:
    """Returns one number for each combination of values, int64 [rows]."""
    number = np.zeros(rows, dtype=np.int64)
    for column in columns:
        values = column - column.min(initial=0)
        size = int(values.max(initial=0)) + 1
        if int(number.max(initial=0)) >= _LARGEST // size:
            number = np.unique(number, return_inverse=True)[1]
        number = number * size + values
    return number
