"""Which accounts are learnt from and judged on where they give more examples than are asked for.

An account is taken or left by a hash of its id, never by what it did: the accounts that are left
out churn as often as the others, so rates and calibration stay as they are, without weights. With
all its cutoffs it is taken or left, and by the same hash in each split.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.feedback_example_gen.examples import CutoffExamples


def thinned(
    examples: Sequence[CutoffExamples], account_ids: pa.Array, most: int | None
) -> list[CutoffExamples]:
    """Returns the examples of as many accounts as `most` examples hold, in order of their hash.

    Args:
        examples: Of a bucket, at each cutoff of a split.
        account_ids: Of the bucket, binary [A].
        most: Number of examples that are asked for; None for all.
    """
    each = np.zeros(len(account_ids), dtype=np.int64)
    for one in examples:
        each[one.account] += 1
    if most is None or each.sum() <= most:
        return list(examples)
    order = np.argsort(account_hashes(account_ids), kind="stable")
    kept = np.zeros(len(each), dtype=np.bool_)
    kept[order[np.cumsum(each[order]) <= most]] = True
    return [one.of(kept) for one in examples]


def account_hashes(account_ids: pa.Array) -> npt.NDArray[np.uint64]:
    """Returns a hash of each id, uint64 [A], the same on any machine and in any run.

    It has nothing to do with the hash by which accounts are divided into buckets.
    """
    digests = (hashlib.blake2b(one, digest_size=8).digest() for one in account_ids.to_pylist())
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def share_of_bucket(most: int | None, bucket: int, buckets: int) -> int | None:
    """Returns how many of `most` examples one of several buckets may give; None for all."""
    return None if most is None else (most + bucket) // buckets
