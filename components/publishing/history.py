"""The rows that publications wrote: kept for comparing them and for undoing the newest."""

import json
import uuid
from typing import Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.tables import OutputTable
from components.publishing.publication_log import EXISTING
from components.publishing.staging import summary

_QUERIES: Final = queries(__package__)

_APPEND = (
    "INSERT INTO {history} (publication_id, {columns}) "
    "SELECT {publication_id}, {columns} FROM {rows} ORDER BY {key}"
)


def append_history(
    cursor: Cursor, target: OutputTable, rows: sql.Composable, publication_id: int
) -> None:
    """Adds rows, all of one publication; sorted, so that the index grows leaf by leaf."""
    statement = sql.SQL(_APPEND).format(
        history=target.history_table,
        columns=target.column_list,
        publication_id=sql.Literal(publication_id),
        rows=rows,
        key=target.key_list,
    )
    cursor.execute(statement)


def record_existing(cursor: Cursor, target: OutputTable, published_by: str) -> None:
    """Keeps the rows of somebody else that the first publication replaces."""
    cursor.execute(_QUERIES["has_publications"], {"table": target.name})
    if cursor.fetchone() == (True,):
        return
    rows = sql.SQL("{} AS existing").format(table_rows(target))
    cursor.execute(sql.SQL(_QUERIES["existing_facts"]).format(rows=rows))
    count, as_of, model_version = cursor.fetchone() or (0, None, None)
    if count == 0:
        return
    said = summary(cursor, target, rows, count)
    mean = said.mean_probability
    record = {
        "attempt": str(uuid.uuid4()),
        "table": target.name,
        "kind": EXISTING,
        "as_of": as_of,
        "model_version": model_version,
        "label_source": "unknown",
        "written": count,
        "removed": 0,
        # Whoever wrote these rows did not promise a probability.
        "mean_probability": mean if mean is not None and 0 <= mean <= 1 else None,
        "shares": json.dumps(said.shares),
        "feedback_rows": None,
        "run_id": "",
        "removes_others": True,
        "published_by": published_by,
        "accepted_shift": None,
        "broken_limits": [],
        "risk_bands": None,
    }
    cursor.execute(_QUERIES["record_publication"], record)
    (publication_id, _) = cursor.fetchone() or (0, None)
    append_history(cursor, target, rows, publication_id)


def table_rows(target: OutputTable) -> sql.Composed:
    """Returns the output table as a subquery, its columns in the types of the history."""
    casts = [
        sql.SQL("{0}::" + column.type + " AS {0}").format(sql.Identifier(column.name))
        for column in target.columns
    ]
    return sql.SQL("(SELECT {} FROM {})").format(sql.SQL(", ").join(casts), target.table)


def rebuilt_rows(target: OutputTable, layers: list[int]) -> sql.Composed:
    """Returns a state of the table as a subquery.

    Args:
        target: The table.
        layers: As PublicationLog.layers gives them; without any the state is empty.
    """
    query = sql.SQL(_QUERIES["rebuilt_rows"]).format(
        key=target.key_list,
        columns=target.column_list,
        history=target.history_table,
        layers=sql.Literal(layers),
    )
    return sql.SQL("({})").format(query)
