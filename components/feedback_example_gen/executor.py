"""The work of FeedbackExampleGen: one snapshot, read in buckets, written as Examples."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import apache_beam as beam
import psycopg2.extensions
import pyarrow as pa
from absl import logging
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import ahead
from components.beam_errors import original_error
from components.feedback_example_gen.bucket_writer import (
    EXAMPLE_COUNTS,
    BucketTask,
    WriteBucket,
    churn_path,
    feedback_path,
    read_example_counts,
    write_bucket,
)
from components.feedback_example_gen.category_values import VALUE_COUNTS
from components.feedback_example_gen.counted_areas import write_counted_areas
from components.feedback_example_gen.counted_days import count_days, keep_counted
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.early_plan import planned_reading
from components.feedback_example_gen.ground_truth import published_facts
from components.feedback_example_gen.handed_over import ReadRows
from components.feedback_example_gen.properties import describe_examples
from components.feedback_example_gen.quality_counts import QUALITY_COUNTS
from components.feedback_example_gen.read_plan import ReadPlan
from components.feedback_example_gen.reading.area_counts import (
    CountedPair,
    count_pairs,
    read_pairs,
)
from components.feedback_example_gen.reading.area_counts import (
    area_counts as added_up,
)
from components.feedback_example_gen.reading.database_snapshot import DatabaseSnapshot
from components.feedback_example_gen.reading.divided_rows import ROWS, rows_folder
from components.feedback_example_gen.reading.feedback_reader import (
    Bucket,
    ChurnSource,
    divide_churn,
    divide_feedback,
)
from components.feedback_example_gen.request import ACCOUNT_CHURN, COLLAPSE, ReadRequest
from components.postgres.moments import EARLIEST
from components.postgres.retry import retried
from components.registry.input_properties import IdFacts
from components.whole_files import attempts_folder


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads feedback_enriched and writes the Examples of a run."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
            input_dict: None.
            output_dict:
                - examples: Examples; Split-<name>/ of gzipped TFRecords of tf.Example.
                - area_counts: AreaCounts; area_counts.json.
            exec_properties: As component.py declares.

        Raises:
            DatabaseUnreachable: No connection, or lost on the way.
            ContractBroken: An input table, column, type or privilege is missing.
            DataGateStopped: No feedback, or too short a history.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        request = ReadRequest.from_properties(exec_properties)
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        area_counts = artifact_utils.get_single_instance(output_dict["area_counts"])
        plan = retried(
            lambda: self._read(examples, area_counts, request),
            patience_s=request.config.database_patience_seconds,
        )
        examples.split_names = artifact_utils.encode_split_names(list(request.splits))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        example_counts = read_example_counts(examples.uri)
        describe_examples(examples.uri, plan, request, example_counts).write(examples)
        for count in example_counts:
            logging.info("Examples: %s", json.dumps(vars(count)))

    def _read(
        self, examples: types.Artifact, area_counts: types.Artifact, request: ReadRequest
    ) -> ReadPlan:
        """Reads and writes all of it, in a snapshot of its own; a former attempt leaves nothing."""
        for artifact in (examples, area_counts):
            _empty(artifact.uri)
        with planned_reading(request) as (snapshot, plan):
            with (
                rows_folder(os.path.join(examples.uri, ROWS)) as rows_uri,
                ThreadPoolExecutor(1) as beside,
            ):
                _divide(snapshot.connection, plan, request, rows_uri)
                # The server counts while Examples are written, which needs this process alone.
                counting = beside.submit(_count_beside, snapshot.connection, plan, request)
                counted: list[CountedPair] = []

                def look(rows: pa.Table) -> None:
                    counted.extend(_count_rows(rows, examples.uri, plan, request))

                try:
                    self._write(examples.uri, rows_uri, snapshot, plan, request, look)
                except Exception:
                    counting.result()  # the snapshot ends with the first statement that fails
                    raise
                pairs, accounts = counting.result()
            areas = added_up(plan.as_of, request.area_window, [*pairs, *counted])
            write_counted_areas(area_counts, areas)
        return replace(plan, truth=replace(plan.truth, accounts=accounts))

    def _write(
        self,
        uri: str,
        rows_uri: str,
        snapshot: DatabaseSnapshot,
        plan: ReadPlan,
        request: ReadRequest,
        on_rows: Callable[[pa.Table], None],
    ) -> None:
        for folder in (
            EXAMPLE_COUNTS,
            QUALITY_COUNTS,
            VALUE_COUNTS,
            *(f"Split-{split}" for split in request.splits),
        ):
            fileio.makedirs(os.path.join(uri, folder))
        tasks = [
            BucketTask(
                bucket=Bucket(index, plan.buckets),
                snapshot_id=snapshot.snapshot_id,
                rows_uri=rows_uri,
                as_of=plan.as_of,
                plan=plan.cutoffs,
                rules=plan.rules,
                churn_source=_churn_source(plan, request),
                collapse_duplicates=request.config.duplicate_events == COLLAPSE,
                most=request.most_examples,
                examples_uri=uri,
            )
            for index in range(plan.buckets)
        ]
        if len(tasks) == 1:  # Beam takes longer to start than it could save
            write_bucket(replace(tasks[0], on_rows=on_rows))
            return
        with (
            attempts_folder(uri) as attempts,
            original_error(),
            self._make_beam_pipeline() as pipeline,
        ):
            _ = (
                pipeline
                | "ListBuckets" >> beam.Create(replace(one, attempts=attempts) for one in tasks)
                | "SpreadBuckets" >> beam.Reshuffle()
                | "WriteBuckets" >> beam.ParDo(WriteBucket())
            )


def _divide(
    connection: psycopg2.extensions.connection, plan: ReadPlan, request: ReadRequest, rows_uri: str
) -> None:
    """Reads what several buckets need, in one scan of each table; one bucket reads by itself."""
    if plan.buckets == 1:
        return
    buckets = range(plan.buckets)
    feedback = [feedback_path(rows_uri, index) for index in buckets]
    divide_feedback(connection, plan.as_of, feedback)
    source = _churn_source(plan, request)
    if source is not None:
        churn = [churn_path(rows_uri, index) for index in buckets]
        divide_churn(connection, source, plan.as_of, churn)
    ahead.begin(ReadRows())


def _count_beside(
    connection: psycopg2.extensions.connection, plan: ReadPlan, request: ReadRequest
) -> tuple[list[CountedPair], IdFacts]:
    """Counts what needs no row in this process, which counts the areas of rows that it reads."""
    nameless = _counts_areas(plan, request)
    pairs = read_pairs(connection, plan.as_of, request.area_window, nameless=nameless)
    return pairs, published_facts(connection, plan.as_of, names_accounts=False)


def _counts_areas(plan: ReadPlan, request: ReadRequest) -> bool:
    """Tells whether one table in memory holds all rows of the areas that name an account."""
    return plan.buckets == 1 and plan.as_of - timedelta(days=request.area_window.days) > EARLIEST


def _count_rows(
    rows: pa.Table, uri: str, plan: ReadPlan, request: ReadRequest
) -> list[CountedPair]:
    """Counts the rows of a single bucket, by day for later nodes and by area."""
    if SCORE in request.splits:
        split = os.path.join(uri, f"Split-{SCORE}")
        keep_counted(split, plan.as_of, count_days(rows, plan.as_of))
    if _counts_areas(plan, request):
        return count_pairs(rows, plan.as_of, request.area_window)
    return []


def _churn_source(plan: ReadPlan, request: ReadRequest) -> ChurnSource | None:
    return request.churn_source if plan.label_source == ACCOUNT_CHURN else None


def _empty(folder: str) -> None:
    """Removes what is in a folder; the folder itself was made by the launcher, and stays."""
    for name in fileio.listdir(folder) if fileio.exists(folder) else ():
        path = os.path.join(folder, name)
        (fileio.rmtree if fileio.isdir(path) else fileio.remove)(path)
