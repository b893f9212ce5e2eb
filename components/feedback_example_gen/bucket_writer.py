"""Writes one bucket of accounts as Examples: what a Beam worker does."""

import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from tfx.dsl.io import fileio
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from components import ahead
from components.feedback_example_gen.category_values import count_values, write_value_counts
from components.feedback_example_gen.cutoffs import SCORE, CutoffPlan
from components.feedback_example_gen.example_counts import ExampleCount, examples_of_split
from components.feedback_example_gen.examples import (
    CutoffExamples,
    ExampleRules,
    record_batches,
    take_examples,
)
from components.feedback_example_gen.handed_over import Gathered, ReadRows
from components.feedback_example_gen.lifetime import LifetimeRows
from components.feedback_example_gen.quality_counts import (
    count_quality,
    hashed_ids,
    write_quality_counts,
)
from components.feedback_example_gen.reading.database_snapshot import join_snapshot
from components.feedback_example_gen.reading.feedback_reader import (
    Bucket,
    Churn,
    ChurnSource,
    Feedback,
    grouped_feedback,
    read_churn,
    read_divided_churn,
    read_divided_feedback,
    read_feedback_rows,
)
from components.feedback_example_gen.thinning import share_of_bucket
from components.whole_files import this_worker, whole_file, write_whole

EXAMPLE_COUNTS: Final = "example_counts"
# Level 1 halves the time of the default and costs a few per cent of size.
GZIP: Final = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
_ENCODERS: Final = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BucketTask:
    """Everything that a worker needs, wherever it runs; no address, no secret.

    Attributes:
        bucket: Which accounts.
        snapshot_id: Of the exported Postgres snapshot; a single bucket is read from it.
        rows_uri: The folder of the rows, already divided, where there are several buckets.
        as_of: The run's now, UTC.
        plan: The cutoffs.
        rules: What an example holds.
        churn_source: The ground truth; None where the label is inactivity.
        collapse_duplicates: Whether rows that are equal in all but their id count once.
        most: By split, the number of examples of all buckets beyond which accounts are left out.
        examples_uri: The artifact's folder.
        attempts: Folder for files that are not whole yet; empty for a single bucket, which nobody
            else writes.
        on_rows: Is given the rows of a single bucket, as they were read and without nulls.
    """

    bucket: Bucket
    snapshot_id: str
    rows_uri: str
    as_of: datetime
    plan: CutoffPlan
    rules: ExampleRules
    churn_source: ChurnSource | None
    collapse_duplicates: bool
    most: Mapping[str, int]
    examples_uri: str
    attempts: str = ""
    on_rows: Callable[[pa.Table], None] | None = None


class WriteBucket(beam.DoFn):
    """Reads a bucket, writes a shard of each split, yields the counts.

    A shard and the bucket's counts are replaced by the same ones when Beam tries again.
    """

    def process(self, task: BucketTask) -> Iterator[ExampleCount]:
        """Writes the shards of one task."""
        yield from write_bucket(task)
        _log.info("Bucket %s was written by %s.", task.bucket, this_worker())


def write_bucket(task: BucketTask) -> list[ExampleCount]:
    """Reads a bucket and writes its shards and counts; returns the counts."""
    feedback, churn = _read(task)
    lifetime = LifetimeRows.of(feedback)
    counts: list[ExampleCount] = []
    for split in sorted({split for split, _ in task.plan}):
        counts += _write_split(task, split, feedback, lifetime, churn)
    path = os.path.join(task.examples_uri, EXAMPLE_COUNTS, f"{task.bucket.index:05d}.json")
    write_whole(path, json.dumps([asdict(count) for count in counts]).encode(), task.attempts)
    _write_counts(task, feedback, churn)
    return counts


def read_example_counts(examples_uri: str) -> list[ExampleCount]:
    """Returns the counts of all buckets."""
    folder = os.path.join(examples_uri, EXAMPLE_COUNTS)
    counts: list[ExampleCount] = []
    for name in sorted(fileio.listdir(folder)):
        with fileio.open(os.path.join(folder, name)) as file:
            counts += [ExampleCount(**count) for count in json.loads(file.read())]
    return counts


def _read(task: BucketTask) -> tuple[Feedback, Churn | None]:
    if task.bucket.count > 1:
        return _read_divided(task)
    with join_snapshot(task.snapshot_id, "tens-insight reader") as connection:
        rows = read_feedback_rows(connection, task.as_of)
        ahead.begin(ReadRows())
        feedback = grouped_feedback(rows, task.collapse_duplicates)
        if task.on_rows is not None:
            task.on_rows(rows)
        if task.churn_source is None:
            return feedback, None
        return feedback, read_churn(connection, task.churn_source, task.as_of, feedback.account_ids)


def _read_divided(task: BucketTask) -> tuple[Feedback, Churn | None]:
    index = task.bucket.index
    feedback = read_divided_feedback(feedback_path(task.rows_uri, index), task.collapse_duplicates)
    if task.churn_source is None:
        return feedback, None
    return feedback, read_divided_churn(churn_path(task.rows_uri, index), feedback.account_ids)


def feedback_path(rows_uri: str, bucket: int) -> str:
    """Returns the file of a bucket's feedback."""
    return os.path.join(rows_uri, f"feedback-{bucket:05d}.arrows")


def churn_path(rows_uri: str, bucket: int) -> str:
    """Returns the file of a bucket's churn dates."""
    return os.path.join(rows_uri, f"churn-{bucket:05d}.arrows")


def _write_counts(task: BucketTask, feedback: Feedback, churn: Churn | None) -> None:
    scored: CutoffExamples | None = None
    for cutoff in task.plan.score:
        scored = take_examples(feedback, churn, cutoff, task.rules, known_until=None)
    uri, index = task.examples_uri, task.bucket.index
    ids, attempts = hashed_ids(feedback), task.attempts
    write_quality_counts(uri, index, count_quality(feedback, scored), ids, attempts)
    write_value_counts(uri, index, count_values(feedback, scored), attempts)


def _write_split(
    task: BucketTask, split: str, feedback: Feedback, lifetime: LifetimeRows, churn: Churn | None
) -> list[ExampleCount]:
    name = f"data_tfrecord-{task.bucket.index:05d}-of-{task.bucket.count:05d}.gz"
    path = os.path.join(task.examples_uri, f"Split-{split}", name)
    most = share_of_bucket(task.most.get(split), task.bucket.index, task.bucket.count)
    counts = []
    # The one file of the split that nodes of the same process ask for at once.
    gathered = Gathered() if split == SCORE and task.bucket.count == 1 else None
    # A batch is compressed and written while the next is built.
    with (
        whole_file(path, task.attempts) as attempt,
        tf.io.TFRecordWriter(attempt, GZIP) as writer,
        ThreadPoolExecutor(1) as thread,
    ):
        written: Future[None] | None = None
        of_split = examples_of_split(split, feedback, churn, task.plan, task.rules, most)
        for examples, count in of_split:
            for serialized in _encoded(record_batches(feedback, examples, lifetime)):
                if gathered is not None:
                    gathered.add(serialized)
                if written is not None:
                    written.result()
                written = thread.submit(_write_all, writer, serialized)
            counts.append(count)
        if written is not None:
            written.result()
    if gathered is not None:
        gathered.hand_over(path)
    return counts


def _encoded(batches: Iterator[pa.RecordBatch]) -> Iterator[list[bytes]]:
    """Yields the serialized examples of each batch, in order, with the next ones in the making."""
    with ThreadPoolExecutor(_ENCODERS) as pool:
        # The encoder gives the interpreter's lock away, so that two of them keep two cores busy.
        begun: deque[Future[list[bytes]]] = deque()
        for batch in batches:
            begun.append(pool.submit(RecordBatchToExamplesEncoder().encode, batch))
            if len(begun) > _ENCODERS:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def _write_all(writer: tf.io.TFRecordWriter, examples: list[bytes]) -> None:
    for one in examples:
        writer.write(one)
