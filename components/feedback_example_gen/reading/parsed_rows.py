"""Parses rows of COPY's CSV into Arrow columns.

Arrow parses whole chunks. Parsing from a pipe would take less memory, but Arrow's reader of Python
files can abort the process when the interpreter exits.
"""

import gc
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.csv

_BLOCK_BYTES = 4 * 2**20
_kept_frozen = threading.Event()
"""Set once objects were found frozen before we froze any."""


def parsed_rows(
    text: memoryview, types: Mapping[str, pa.DataType], names: Sequence[str] | None = None
) -> pa.Table:
    """Parses rows of COPY's CSV.

    Args:
        text: Whole rows.
        types: Arrow type of each column, by name.
        names: The columns in their order; None where the first line holds them.

    Returns:
        The columns as they were sent; NULL is null, and an empty string is an empty string.
    """
    with _objects_hidden():
        return pyarrow.csv.read_csv(
            pa.py_buffer(text),
            read_options=pyarrow.csv.ReadOptions(block_size=_block_bytes(text), column_names=names),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            # COPY quotes an empty string, and writes nothing at all for NULL.
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict(types),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )


def refuse_other_columns(found: Set[str], types: Mapping[str, pa.DataType]) -> None:
    """Compares the columns that a query returns with those that are read.

    Raises:
        ValueError: They are others.
    """
    if found != set(types):
        raise ValueError(
            f"The query returns the columns {', '.join(sorted(found))}, but those that are "
            f"read are {', '.join(types)}: give it the columns of transforms/columns.py."
        )


@contextmanager
def _objects_hidden() -> Iterator[None]:
    """Keeps all objects of the process out of gc.get_referrers.

    Arrow calls it before it parses CSV on Python 3.10, to find frames that hold themselves; with
    TensorFlow imported it looks through 800,000 objects, which takes 0.1 s for each bucket that
    is read. Frozen objects are not looked through, and to freeze and unfreeze takes microseconds.
    What a process froze for good, such as all that loading TFX made, stays so, and nothing more is
    frozen: a server that reads for months would keep its garbage too.
    """
    # Counting them passes over each, which takes as long as what is saved: one count is enough.
    if not _kept_frozen.is_set() and gc.get_freeze_count():
        _kept_frozen.set()
    if _kept_frozen.is_set():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _block_bytes(text: memoryview) -> int:
    """Returns a size of blocks of which none begins between a CR and its LF.

    There Arrow takes the newline for the end of the last block's line, and drops it
    even where it belongs to a quoted value.
    """
    size = _BLOCK_BYTES
    while any(text[at - 1 : at + 1] == b"\r\n" for at in range(size, len(text), size)):
        size += 1
    return size
