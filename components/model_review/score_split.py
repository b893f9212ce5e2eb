"""Today's accounts as the challenger scores them, and a sample of them to ask further."""

import hashlib
import heapq
import os
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tfx.dsl.io import fileio

from components.model_review.missing import SectionMissing
from serving_model.served.predict import ModelScorer

SAMPLE: Final = 2_000
_BATCH: Final = 1_024


class ScoredSplit(NamedTuple):
    """The score split, answered by one model."""

    accounts: list[str]
    """Ids, [n], in the order of the files."""
    probabilities: NDArray[np.float64]
    """Of churn, [n]."""
    sample: list[bytes]
    """Serialized snapshots of SAMPLE accounts at most: a random choice, the same whatever
    the order in which they lie in the files."""


def score_split(scorer: ModelScorer, split_uri: str, sample: int = SAMPLE) -> ScoredSplit:
    """Scores a split batch by batch; of the snapshots no more than the sample is kept.

    Args:
        scorer: Of the challenger.
        split_uri: Folder of gzipped TFRecords without labels.
        sample: How many snapshots to keep, at most.

    Raises:
        SectionMissing: There is no account in it.
    """
    accounts: list[str] = []
    parts: list[NDArray[np.float64]] = []
    kept: list[tuple[bytes, str, bytes]] = []
    for batch in _batches(split_uri):
        ids, found = scorer.score(batch)
        names = ids.tolist()
        accounts += names
        parts.append(found)
        marked = [(_place(name), name, one) for name, one in zip(names, batch, strict=True)]
        kept = heapq.nsmallest(sample, kept + marked)
    if not parts:
        raise SectionMissing("There is no account to score: the split `score` is empty.")
    return ScoredSplit(accounts, np.concatenate(parts), [one for _, _, one in kept])


def _place(account: str) -> bytes:
    """A random place in the queue for the sample, always the same for an account."""
    return hashlib.blake2b(account.encode(), digest_size=8).digest()


def _batches(split_uri: str) -> Iterator[list[bytes]]:
    paths = [os.path.join(split_uri, name) for name in sorted(fileio.listdir(split_uri))]
    records = tf.data.TFRecordDataset(paths, compression_type="GZIP").batch(_BATCH)
    for batch in records.as_numpy_iterator():
        yield batch.tolist()
