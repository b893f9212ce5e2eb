"""The order in which rows of feedback are read: by account, by time, by id."""

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

KEY_BITS = 63


def account_order(
    codes: Int64s, created_us: Int64s, id_hash: Int64s, key_bits: int = KEY_BITS
) -> Int64s:
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
