"""Reads the rows of some accounts with one SELECT, where they are few.

COPY parsed by Arrow is for many rows: it starts a thread for each read, and on Python 3.10 Arrow
looks through all objects of the process, from which two readers at once cannot keep it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import psycopg2.extensions
import pyarrow as pa

from components.feedback_example_gen.reading.feedback_reader import (
    CHURN_TYPES,
    FEEDBACK_TYPES,
    ChurnSource,
    churn_query,
    feedback_query,
    parameters_of,
)

MOST_ROWS: Final = 5_000
"""Rows that are read in this way: more of them would keep other threads waiting."""
_FEEDBACK: Final = 0
_CHURN: Final = 1
_FEEDBACK_SCHEMA: Final = pa.schema(FEEDBACK_TYPES)
_CHURN_SCHEMA: Final = pa.schema(CHURN_TYPES)


def read_few_rows(
    connection: psycopg2.extensions.connection,
    as_of: datetime,
    accounts: Sequence[str],
    churn: ChurnSource | None,
    most: int = MOST_ROWS,
) -> tuple[pa.Table, pa.Table | None] | None:
    """Reads the feedback and the churn dates of some accounts by one statement.

    Args:
        connection: Open, with time zone UTC.
        as_of: The moment, UTC.
        accounts: Their ids.
        churn: The ground truth; None for no churn dates.
        most: Rows of both.

    Returns:
        What read_feedback_rows and read_churn_rows return; None where there are more rows, or text
        that is not UTF-8.
    """
    with connection.cursor() as cursor:
        values = parameters_of(as_of, accounts) | {"most": most + 1}
        cursor.execute(_query(connection, churn), values)
        try:
            rows = cursor.fetchall()
        except UnicodeDecodeError:
            return None
    if len(rows) > most:
        return None
    feedback = _table([row[1:] for row in rows if row[0] == _FEEDBACK], _FEEDBACK_SCHEMA)
    if churn is None:
        return feedback, None
    width = len(CHURN_TYPES) + 1
    return feedback, _table([row[1:width] for row in rows if row[0] != _FEEDBACK], _CHURN_SCHEMA)


def _query(connection: psycopg2.extensions.connection, churn: ChurnSource | None) -> str:
    """Returns the statement, composed once: that takes as long as to run it."""
    if churn not in _COMPOSED:
        feedback = feedback_query(()).as_string(connection)
        parts = [_selected(_FEEDBACK, feedback, list(FEEDBACK_TYPES), FEEDBACK_TYPES)]
        if churn is not None:
            dates = churn_query(churn, ()).as_string(connection)
            parts.append(_selected(_CHURN, dates, [*CHURN_TYPES, *_PADDING], CHURN_TYPES))
        _COMPOSED[churn] = " UNION ALL ".join(parts) + " LIMIT %(most)s"
    return _COMPOSED[churn]


_COMPOSED: Final[dict[ChurnSource | None, str]] = {}
_PADDING: Final = (None,) * (len(FEEDBACK_TYPES) - len(CHURN_TYPES))


def _selected(
    kind: int, query: str, names: Sequence[str | None], types: Mapping[str, pa.DataType]
) -> str:
    """Selects columns after a number that tells whose they are, moments in microseconds."""
    columns = [
        "NULL"
        if name is None
        else f"(extract(epoch FROM {name}) * 1000000)::bigint"
        if pa.types.is_timestamp(types[name])
        else name
        for name in names
    ]
    selected = ", ".join([str(kind), *columns])
    return " ".join(("SELECT", selected, "FROM (", query, f") AS rows_{kind}"))


def _table(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.table([_array(*one) for one in zip(columns, schema.types, strict=True)], schema)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind) or None in values:
        return pa.array(values, kind)
    numbers = np.array(values, np.int64)
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])
