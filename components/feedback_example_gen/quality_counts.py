"""Data-quality counts: what a run met in its input and handled on purpose."""

import json
import os
from dataclasses import asdict, dataclass, fields
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
import tensorflow as tf
from tfx.dsl.io import fileio

from components.feedback_example_gen.examples import CutoffExamples
from components.feedback_example_gen.reading.feedback_reader import Feedback
from components.whole_files import write_whole
from transforms.arrays import Integers
from transforms.normalisation import normalised

QUALITY_COUNTS: Final = "quality_counts"
_HASHES: Final = 2**63 - 1


@dataclass(frozen=True)
class QualityCounts:
    """Counts over the rows with an account before as_of; those of buckets can be added.

    Attributes:
        accounts: Accounts with feedback.
        duplicate_rows: Rows that repeat another in all but their id, and were left out.
        accounts_with_one_row: Accounts with a single row, repetitions left out.
        accounts_changed_tier: Accounts with rows of several tiers, however spelled.
        accounts_changed_region: Accounts with rows of several regions, however spelled.
        accounts_cut: Accounts of which the score split shows the newest events only.
        accounts_with_slash: Accounts whose id holds a slash.
    """

    accounts: int = 0
    duplicate_rows: int = 0
    accounts_with_one_row: int = 0
    accounts_changed_tier: int = 0
    accounts_changed_region: int = 0
    accounts_cut: int = 0
    accounts_with_slash: int = 0

    def __add__(self, other: "QualityCounts") -> "QualityCounts":
        """Adds the counts of two disjoint sets of accounts."""
        names = [field.name for field in fields(self)]
        return QualityCounts(**{name: getattr(self, name) + getattr(other, name) for name in names})


def count_quality(feedback: Feedback, scored: CutoffExamples | None) -> QualityCounts:
    """Counts the quality of the data of one bucket, column-wise.

    Args:
        feedback: Its rows.
        scored: Its examples to be scored; None where there are none.
    """
    slash = pa.compute.match_substring(feedback.account_ids, "/")
    return QualityCounts(
        accounts=len(feedback.account_ids),
        duplicate_rows=feedback.duplicate_rows,
        accounts_with_one_row=int(np.count_nonzero(np.diff(feedback.starts) == 1)),
        accounts_changed_tier=_changed(feedback, "customer_tier"),
        accounts_changed_region=_changed(feedback, "region"),
        accounts_cut=0 if scored is None else int(np.count_nonzero(scored.cut)),
        accounts_with_slash=pa.compute.sum(slash).as_py() or 0,
    )


def _changed(feedback: Feedback, column: str) -> int:
    """Accounts that have rows with different words in a column."""
    strings = feedback.strings[column]
    _, word = np.unique(normalised(strings.dictionary.to_pylist()).numpy(), return_inverse=True)
    codes = word[strings.indices.to_numpy()]
    changes = np.concatenate([[0, 0], np.cumsum(codes[1:] != codes[:-1])])
    starts, ends = feedback.starts[:-1], feedback.starts[1:]
    return int(np.count_nonzero(changes[ends] > changes[starts + 1]))


def hashed_ids(feedback: Feedback) -> Integers:
    """Returns a hash of each account's id without its case and surrounding blanks, int64 [A]."""
    ids = normalised(feedback.account_ids.to_pylist())
    return np.asarray(tf.strings.to_hash_bucket_fast(ids, _HASHES).numpy())


def count_alike(hashes: Integers) -> int:
    """Returns how many accounts have an id that differs from another's only in those."""
    _, accounts = np.unique(hashes, return_counts=True)
    return int(accounts[accounts > 1].sum())


def write_quality_counts(
    examples_uri: str, bucket: int, counts: QualityCounts, ids: Integers, attempts: str = ""
) -> None:
    """Writes the counts and hashed ids of one bucket beside the Examples, as write_whole does."""
    place = os.path.join(examples_uri, QUALITY_COUNTS, f"{bucket:05d}")
    write_whole(f"{place}.json", json.dumps(asdict(counts)).encode(), attempts)
    write_whole(f"{place}.ids", ids.astype("<i8").tobytes(), attempts)


def read_quality_counts(examples_uri: str) -> tuple[QualityCounts, Integers]:
    """Returns the counts of all buckets, added up, and the hashed ids of all accounts."""
    folder, counts, ids = os.path.join(examples_uri, QUALITY_COUNTS), QualityCounts(), [b""]
    for name in sorted(fileio.listdir(folder)):
        with fileio.open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        if name.endswith(".json"):
            counts += QualityCounts(**json.loads(content))
        else:
            ids.append(content)
    return counts, np.frombuffer(b"".join(ids), "<i8")
