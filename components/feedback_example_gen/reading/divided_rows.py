"""Reads a query once and divides its rows by account into files, one for each bucket.

A scan for each bucket would read the table as often as there are buckets. The files are Arrow IPC
streams of the columns alone, and lie where the Examples will: workers of Beam reach both.
"""

import io
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg2.extensions
import pyarrow as pa
import pyarrow.compute
from psycopg2 import sql

from components.errors import StateUnusable
from components.feedback_example_gen.reading.copy_columns import column, integers_of
from components.feedback_example_gen.reading.row_chunks import copy_chunks
from components.postgres.failures import explained
from components.state_files import private_files
from transforms.arrays import Integers

ROWS: Final = "rows"
"""The folder of the rows within the Examples, for as long as they are written."""
_LEFT: Final = f"*/FeedbackExampleGen/examples/*/{ROWS}"
_BUCKET: Final = "bucket"
# hashtext is the same for all rows of an account, whatever process scans them.
_DIVIDED: Final = (
    "SELECT *, (hashtext(account_id) & 2147483647) %% {buckets} AS {bucket} FROM ({query}) AS rows"
)


@contextmanager
def rows_folder(uri: str) -> Iterator[str]:
    """Names the folder for divide_rows, and removes it with all that is in it, if it was made."""
    try:
        yield uri
    finally:
        if _file_systems().exists(uri):
            _file_systems().rmtree(uri)


def remove_left_rows(pipeline_root: Path) -> int:
    """Removes the folders of rows that killed runs left; no run may be at work.

    Args:
        pipeline_root: Of all pipelines, on this machine.

    Returns:
        How many there were.

    Raises:
        OSError: One cannot be removed.
    """
    left = list(pipeline_root.glob(_LEFT))
    for folder in left:
        shutil.rmtree(folder)
    return len(left)


def divide_rows(
    connection: psycopg2.extensions.connection,
    query: sql.Composable,
    parameters: Mapping[str, object],
    types: Mapping[str, pa.DataType],
    paths: list[str],
) -> None:
    """Runs COPY once and writes each row into the file of its account's bucket.

    Memory holds one chunk of what COPY sends, whatever the number of rows.

    Args:
        connection: Open.
        query: A SELECT with a column account_id of type text.
        parameters: Its values.
        types: As for copy_columns.
        paths: One file for each bucket, in one folder, which is made private.

    Raises:
        DatabaseUnreachable: The server went away, or a lock was not granted in time.
        ContractBroken: A table, a column or the right to read is missing.
        ValueError: The query returns other columns.
        OSError: A file cannot be written.
    """
    divided = sql.SQL(_DIVIDED).format(
        buckets=sql.Literal(len(paths)), bucket=sql.Identifier(_BUCKET), query=query
    )
    # A file is made when it is first written to.
    with private_files(), explained(connection), ExitStack() as stack:
        _file_systems().makedirs(os.path.dirname(paths[0]))
        files = [stack.enter_context(_file_systems().open(path, "wb")) for path in paths]
        schema = pa.schema(list(_types_of_files(types).items()))
        writers = [stack.enter_context(pa.ipc.new_stream(_Target(file), schema)) for file in files]
        sent = {**_types_of_files(types), _BUCKET: pa.int32()}
        copy_chunks(
            connection, divided, parameters, sent, lambda table: _divide(table, types, writers)
        )


def read_divided(path: str, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Returns the rows of one file, as copy_columns returns those of a query.

    Raises:
        StateUnusable: The file is not there for this worker, or no longer.
    """
    if not _file_systems().exists(path):
        raise StateUnusable(
            f"The rows of a bucket are not in {path} on {socket.gethostname()}. Either the run "
            "that divided them has ended, and this worker came too late; or this host does not see "
            "the folder of the artifacts, which every worker must (docs/cluster.md). Nothing was "
            "published. Run `tens-insight cluster doctor`, then run again."
        )
    with _file_systems().open(path, "rb") as file, pa.ipc.open_stream(file.read()) as reader:
        table = reader.read_all()
    for place, (name, kind) in enumerate(types.items()):
        if table.schema.field(name).type != kind:
            table = table.set_column(place, name, pa.compute.dictionary_encode(table[name]))
    return table.unify_dictionaries()


def _types_of_files(types: Mapping[str, pa.DataType]) -> dict[str, pa.DataType]:
    """Ids of accounts as they are: a dictionary of each piece would hold them all once more."""
    return {**types, "account_id": pa.binary()}


def _file_systems() -> Any:
    """Returns TFX's access to files, which only a run needs: db check reads without TFX."""
    from tfx.dsl.io import fileio

    return fileio


class _Target(io.RawIOBase):
    """A file of TFX, as Arrow wants one."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        """Says that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Writes all of it."""
        self._file.write(bytes(data))
        return len(data)


def _divide(
    table: pa.Table, types: Mapping[str, pa.DataType], writers: list[pa.ipc.RecordBatchStreamWriter]
) -> None:
    """Writes each row into the file of its bucket."""
    bucket = integers_of(column(table, _BUCKET))
    table = table.select(list(types)).unify_dictionaries().combine_chunks()
    order = _stable_order(bucket, len(writers))
    table = table.take(pa.array(order))
    ends = np.cumsum(np.bincount(bucket, minlength=len(writers)))
    for writer, begin, end in zip(writers, [0, *ends], ends, strict=False):
        if end > begin:
            writer.write_table(table.slice(begin, end - begin))


def _stable_order(bucket: Integers, buckets: int) -> Integers:
    """Returns the positions of the rows by bucket."""
    # numpy sorts whole numbers of 16 bits by their digits, which takes no comparison.
    narrow = bucket.astype(np.uint16) if buckets <= np.iinfo(np.uint16).max else bucket
    return np.argsort(narrow, kind="stable")
