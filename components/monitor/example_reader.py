"""Reads a split of Examples as the arrays that are measured."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from components.feedback_example_gen.example_batches import example_batches, example_files
from components.monitor.observed import Observed, observed_batch
from components.statistics_gen.looked_at import looked_at, sample_rate
from transforms.schema import load_schema


def read_observed(split_uri: str, examples: int) -> Observed | None:
    """Returns accounts and events of a split; of a large one those that StatisticsGen looks at.

    Args:
        split_uri: Folder of the split.
        examples: How many examples it has.

    Returns:
        None where the split holds no example.
    """
    rate, files = sample_rate(examples), example_files([split_uri])
    decoded = _declared(list(looked_at(files, rate)))
    if decoded is None:
        decoded = decode(list_batches(split_uri, rate))
    return observed_batch(decoded, rate) if decoded else None


def _declared(batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch] | None:
    """Gives record batches the columns of the schema, as a decoder that is given it does.

    Returns:
        None where a column is of another type than the schema says.
    """
    decoder: Any = ExamplesToRecordBatchDecoder(load_schema().SerializeToString())
    kinds = {one.name: one.type for one in decoder.ArrowSchema()}
    found = []
    for batch in batches:
        known = {name: batch.column(at) for at, name in enumerate(batch.schema.names)}
        columns = []
        for name, kind in kinds.items():
            column = known.get(name)
            if column is None or pa.types.is_null(column.type):
                column = pa.nulls(batch.num_rows, kind)
            elif column.type != kind:
                return None
            columns.append(column)
        found.append(pa.RecordBatch.from_arrays(columns, list(kinds)))
    return found


def list_batches(split_uri: str, rate: float) -> list[list[bytes]]:
    """Returns the serialized examples of a split, or the share of them that is looked at."""
    return list(example_batches(example_files([split_uri]), rate))


def decode(batches: Sequence[list[bytes]]) -> list[pa.RecordBatch]:
    """Returns serialized examples as record batches of the same columns."""
    decoder: Any = ExamplesToRecordBatchDecoder(load_schema().SerializeToString())
    return [decoder.DecodeBatch(batch) for batch in batches]
