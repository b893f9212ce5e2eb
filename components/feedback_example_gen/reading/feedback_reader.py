"""Reads feedback in columns, grouped by account and ordered by time.

COPY streams CSV out of Postgres, Arrow parses it into dictionary-encoded columns,
and one sort groups it. Memory is bounded by a bucket of accounts: one scan divides the
rows of all buckets into files (divided_rows.py), of which each is grouped alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import psycopg2.extensions
import pyarrow as pa
import pyarrow.compute
from psycopg2 import sql

from components.errors import ContractBroken
from components.feedback_example_gen.reading.copy_columns import (
    NOWHERE,
    array_of,
    column,
    copy_columns,
    integers_of,
)
from components.feedback_example_gen.reading.divided_rows import divide_rows, read_divided
from components.postgres.moments import EARLIEST
from components.postgres.names import table_identifier
from components.postgres.queries import queries
from transforms.arrays import Integers
from transforms.columns import ACCOUNT_ID, CATEGORIES, CREATED_AT, NUMBERS

_QUERIES: Final = queries(__package__)

_CODES: Final = pa.dictionary(pa.int32(), pa.binary())
FEEDBACK_TYPES: Final = {
    ACCOUNT_ID.name: _CODES,
    CREATED_AT.name: pa.timestamp("us"),
    "id_hash": pa.int64(),
    **{column.name: pa.int64() for column in NUMBERS},
    **{column.name: _CODES for column in CATEGORIES},
}
"""Arrow types of the rows of feedback, by column."""
_MOMENT_TYPES: Final = {ACCOUNT_ID.name: _CODES, CREATED_AT.name: pa.timestamp("us")}
_PARTS: Final = 1 << 20
"""Into so many parts accounts are divided where a share of them is read."""
CHURN_TYPES: Final = {"account_id": _CODES, "churned_at": pa.timestamp("us")}
"""Likewise of churn dates."""


@dataclass(frozen=True)
class Bucket:
    """One of `count` disjoint sets of accounts, chosen by the hash of their ids."""

    index: int
    count: int


@dataclass(frozen=True)
class ChurnSource:
    """The table that holds the ground truth, and its columns."""

    table: str
    account_column: str
    date_column: str


@dataclass(frozen=True)
class Feedback:
    """The feedback of a bucket: N rows of A accounts, by account, then by time.

    Attributes:
        account_ids: Arrow binary array [A], UTF-8, sorted.
        starts: int64 [A + 1]; rows starts[a] to starts[a + 1] belong to account a.
        created_us: int64 [N], microseconds since 1970-01-01 UTC, rising in an account.
        numbers: For each of columns.NUMBERS, by name, int64 [N].
        strings: For each of columns.CATEGORIES, by name, a dictionary-encoded Arrow array
            [N] of UTF-8 bytes.
        duplicate_rows: Rows left out because they repeat another in all but their id.
    """

    account_ids: pa.Array
    starts: Integers
    created_us: Integers
    numbers: dict[str, Integers]
    strings: dict[str, pa.DictionaryArray]
    duplicate_rows: int = 0


@dataclass(frozen=True)
class Churn:
    """Churn dates of a bucket's accounts: K rows, by account, then by time.

    Attributes:
        account: int64 [K], position in Feedback.account_ids.
        churned_us: int64 [K], microseconds since 1970-01-01 UTC.
    """

    account: Integers
    churned_us: Integers


def read_feedback(
    connection: psycopg2.extensions.connection,
    as_of: datetime,
    collapse_duplicates: bool = True,
) -> Feedback:
    """Reads all rows with an account_id and a possible date before as_of.

    Args:
        connection: Open, with time zone UTC, inside the shared snapshot.
        as_of: The run's now, UTC.
        collapse_duplicates: Whether rows that are equal in all but their id count once.

    Returns:
        As grouped_feedback.

    Raises:
        ContractBroken: A column that must not be NULL is.
    """
    return grouped_feedback(read_feedback_rows(connection, as_of), collapse_duplicates)


def read_feedback_rows(
    connection: psycopg2.extensions.connection,
    as_of: datetime,
    accounts: Sequence[str] | None = None,
) -> pa.Table:
    """Reads rows for grouped_feedback, in no order.

    Args:
        connection: As for read_feedback.
        as_of: The run's now, UTC.
        accounts: Ids of some accounts, which an index on account_id finds; None for all.
    """
    query = feedback_query(accounts)
    return copy_columns(connection, query, parameters_of(as_of, accounts), FEEDBACK_TYPES)


def divide_feedback(
    connection: psycopg2.extensions.connection, as_of: datetime, paths: list[str]
) -> None:
    """Writes the rows that read_feedback reads into files by account, in one scan.

    Args:
        connection: As for read_feedback.
        as_of: The run's now, UTC.
        paths: One file for each bucket, for read_divided_feedback.
    """
    query = feedback_query(None)
    divide_rows(connection, query, parameters_of(as_of), FEEDBACK_TYPES, paths)


def read_divided_feedback(path: str, collapse_duplicates: bool) -> Feedback:
    """Reads the rows of one bucket; as read_feedback otherwise."""
    return grouped_feedback(read_divided(path, FEEDBACK_TYPES), collapse_duplicates)


def grouped_feedback(table: pa.Table, collapse_duplicates: bool) -> Feedback:
    """Groups rows by account and orders them by time.

    Args:
        table: Columns of FEEDBACK_TYPES.
        collapse_duplicates: Whether rows that are equal in all but their id count once.

    Returns:
        The rows, grouped and ordered: accounts by their id, rows of an account with the
        same created_at by a hash of theirs. So the order is always the same, whatever
        that of the table and of the workers that scan it.

    Raises:
        ContractBroken: A column that must not be NULL is.
    """
    _refuse_nulls(table)
    account_ids, codes = _sorted_accounts(column(table, ACCOUNT_ID.name))
    created_us = integers_of(column(table, CREATED_AT.name).view(pa.int64()))
    order = account_order(codes, created_us, integers_of(column(table, "id_hash")))
    numbers = {one.name: integers_of(column(table, one.name)) for one in NUMBERS}
    strings = {one.name: column(table, one.name) for one in CATEGORIES}
    if collapse_duplicates:
        content = [*numbers.values(), *(integers_of(one.indices) for one in strings.values())]
        order = np.delete(order, repeated_rows(codes, created_us, order, content))
    return Feedback(
        account_ids=account_ids,
        starts=np.searchsorted(codes[order], np.arange(len(account_ids) + 1)),
        created_us=created_us[order],
        numbers={name: one[order] for name, one in numbers.items()},
        strings={name: _rows_of(one, order) for name, one in strings.items()},
        duplicate_rows=table.num_rows - len(order),
    )


def _rows_of(texts: pa.DictionaryArray, rows: Integers) -> pa.DictionaryArray:
    codes = array_of(integers_of(texts.indices)[rows])
    return pa.DictionaryArray.from_arrays(codes, texts.dictionary, safe=False)


def read_moments(
    connection: psycopg2.extensions.connection,
    as_of: datetime,
    accounts: Sequence[str] | None = None,
    share: float = 1.0,
) -> Feedback:
    """Reads when accounts wrote, which is all that population and labels depend on.

    Args:
        connection: Open.
        as_of: The run's now, UTC.
        accounts: Ids of some accounts; None for all.
        share: Of all accounts that are read, by a hash of their ids, (0, 1].

    Returns:
        Feedback without numbers and strings; rows that repeat are not left out.
    """
    ids = None if accounts is None else list(accounts)
    part = math.ceil(share * _PARTS)
    parameters = {"as_of": as_of, "earliest": EARLIEST, "accounts": ids, "part": part}
    chosen = "TRUE" if accounts is None else "account_id = ANY(%(accounts)s)"
    if part < _PARTS:
        chosen = f"hashtextextended(account_id::text, 1) & {_PARTS - 1} < %(part)s"
    query = sql.SQL(_QUERIES["read_moments"]).format(chosen=sql.SQL(chosen))
    table = copy_columns(connection, query, parameters, _MOMENT_TYPES)
    account_ids, codes = _sorted_accounts(column(table, ACCOUNT_ID.name))
    created_us = integers_of(column(table, CREATED_AT.name).view(pa.int64()))
    order = account_order(codes, created_us, np.zeros(len(codes), np.int64))
    return Feedback(
        account_ids=account_ids,
        starts=np.searchsorted(codes[order], np.arange(len(account_ids) + 1)),
        created_us=created_us[order],
        numbers={},
        strings={},
    )


def read_churn(
    connection: psycopg2.extensions.connection,
    source: ChurnSource,
    as_of: datetime,
    account_ids: pa.Array,
) -> Churn:
    """Reads the churn dates before as_of of the accounts that gave feedback.

    Args:
        connection: As for read_feedback.
        source: Table and columns of the ground truth.
        as_of: The run's now, UTC.
        account_ids: Feedback.account_ids.
    """
    return grouped_churn(read_churn_rows(connection, source, as_of), account_ids)


def read_churn_rows(
    connection: psycopg2.extensions.connection,
    source: ChurnSource,
    as_of: datetime,
    accounts: Sequence[str] | None = None,
) -> pa.Table:
    """Reads churn dates for grouped_churn, in no order; otherwise as read_feedback_rows."""
    parameters = parameters_of(as_of, accounts)
    return copy_columns(connection, churn_query(source, accounts), parameters, CHURN_TYPES)


def divide_churn(
    connection: psycopg2.extensions.connection,
    source: ChurnSource,
    as_of: datetime,
    paths: list[str],
) -> None:
    """Writes the churn dates before as_of into files, by the same buckets as divide_feedback."""
    divide_rows(connection, churn_query(source), parameters_of(as_of), CHURN_TYPES, paths)


def read_divided_churn(path: str, account_ids: pa.Array) -> Churn:
    """Reads the churn dates of one bucket; as read_churn otherwise."""
    return grouped_churn(read_divided(path, CHURN_TYPES), account_ids)


def feedback_query(accounts: Sequence[str] | None) -> sql.Composed:
    """Returns the query of the columns of FEEDBACK_TYPES, with the values of parameters_of."""
    return _of_accounts("read_feedback", "account_id", accounts)


def churn_query(source: ChurnSource, accounts: Sequence[str] | None = None) -> sql.Composed:
    """Returns the query of the columns of CHURN_TYPES, with the values of parameters_of."""
    return _of_accounts(
        "read_churn",
        source.account_column,
        accounts,
        table=table_identifier(source.table),
        account_column=sql.Identifier(source.account_column),
        date_column=sql.Identifier(source.date_column),
    )


def _of_accounts(
    name: str, column: str, accounts: Sequence[str] | None, **parts: sql.Composable
) -> sql.Composed:
    """Returns a query about all accounts, or about those that its parameter `accounts` lists."""
    listed = sql.SQL("{}::text = ANY(%(accounts)s)").format(sql.Identifier(column))
    chosen = sql.SQL("TRUE") if accounts is None else listed
    return sql.SQL(_QUERIES[name]).format(chosen=chosen, **parts)


def grouped_churn(table: pa.Table, account_ids: pa.Array) -> Churn:
    """Groups churn dates by account, in the order of time.

    Args:
        table: As read_churn_rows returns it.
        account_ids: Feedback.account_ids; dates of other accounts are left out.
    """
    churned = column(table, "account_id")
    position = pa.compute.index_in(churned.dictionary, value_set=account_ids)
    place = integers_of(pa.compute.fill_null(position, NOWHERE)).astype(np.int64)
    account = place[integers_of(churned.indices)]
    churned_us = integers_of(column(table, "churned_at").view(pa.int64()))
    known = account >= 0
    account, churned_us = account[known], churned_us[known]
    order = np.lexsort((churned_us, account))
    return Churn(account=account[order], churned_us=churned_us[order])


def parameters_of(as_of: datetime, accounts: Sequence[str] | None = None) -> dict[str, object]:
    """Returns the values of both queries."""
    ids = None if accounts is None else list(accounts)
    return {"as_of": as_of, "earliest": EARLIEST, "accounts": ids}


def _sorted_accounts(rows: pa.DictionaryArray) -> tuple[pa.Array, Integers]:
    """Returns the account ids, sorted, and of each row its account's position among them."""
    # TensorFlow gives the last rows of a batch a last bit of their own: only where accounts
    # keep their places do two runs of one snapshot publish the very same scores.
    order = pa.compute.array_sort_indices(rows.dictionary)
    position = np.empty(len(order), np.int64)
    position[integers_of(order)] = np.arange(len(order))
    return pa.compute.take(rows.dictionary, order), position[integers_of(rows.indices)]


def _refuse_nulls(table: pa.Table) -> None:
    found = {name: table[name].null_count for name in table.column_names if table[name].null_count}
    if found:
        raise ContractBroken(null_problem(found, table.num_rows))


def null_problem(found: Mapping[str, int], rows: int) -> str:
    """Says that columns are NULL which must not be.

    Args:
        found: Rows by column.
        rows: All rows that were looked at.
    """
    return (
        "Columns of feedback_enriched that must not be NULL are: "
        f"{', '.join(f'{name} in {count}' for name, count in found.items())} of "
        f"{rows} rows with an account_id. Correct the ETL that fills them, and add "
        "NOT NULL to the table."
    )


KEY_BITS: Final = 63
_LARGEST: Final = int(np.iinfo(np.int64).max)


def account_order(
    codes: Integers, created_us: Integers, id_hash: Integers, key_bits: int = KEY_BITS
) -> Integers:
    """Sorts by account, time and hash of the id.

    One sort of 64-bit keys does nearly all of it. Where account and time do not fit
    together into one key, it holds the time in coarser steps; rows of equal keys are
    then ordered by their exact time and their id.

    Args:
        codes: int64 [N], >= 0, one number for each account.
        created_us: int64 [N], microseconds.
        id_hash: int64 [N], breaks ties.
        key_bits: Of a key, at least those that the largest code needs.

    Returns:
        int64 [N], positions of the rows in their order.
    """
    span = created_us - created_us.min(initial=0)
    code_bits = int(codes.max(initial=0)).bit_length()
    excess = max(0, code_bits + int(span.max(initial=0)).bit_length() - key_bits)
    keys = codes << (key_bits - code_bits) | span >> excess
    order = np.argsort(keys)
    keys = keys[order]
    equal = keys[1:] == keys[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    rows = order[tied]
    order[tied] = rows[np.lexsort((id_hash[rows], created_us[rows], keys[tied]))]
    return order


def repeated_rows(
    codes: Integers, created_us: Integers, order: Integers, others: Sequence[Integers]
) -> Integers:
    """Returns which rows repeat a later one of the same account, moment and content.

    Rows of one moment may lie between the repetitions. The last of equal rows is not
    among the result, so that what an account's newest row says stays the same.

    Args:
        codes: int64 [N], one number for each account.
        created_us: int64 [N], microseconds.
        order: int64 [N], positions of the rows by account, then by time.
        others: int64 [N] each, all else that must be equal; a number for each value.

    Returns:
        int64 [K], places in `order`, rising.
    """
    codes, created_us = codes[order], created_us[order]
    same_moment = (codes[1:] == codes[:-1]) & (created_us[1:] == created_us[:-1])
    tied = np.flatnonzero(np.append(same_moment, False) | np.append(False, same_moment))
    if not tied.size:
        return tied
    moment = np.cumsum(~np.append(False, same_moment))[tied]
    content = _numbered([one[order[tied]] for one in others], len(tied))
    # Stable, so that equal rows keep their order.
    grouped = np.lexsort((content, moment))
    moment, content = moment[grouped], content[grouped]
    repeats = (moment[1:] == moment[:-1]) & (content[1:] == content[:-1])
    return np.sort(tied[grouped[:-1][repeats]])


def _numbered(columns: Sequence[Integers], rows: int) -> Integers:
    """Returns one number for each combination of values, int64 [rows]."""
    number = np.zeros(rows, dtype=np.int64)
    for values_of in columns:
        values = values_of - values_of.min(initial=0)
        size = int(values.max(initial=0)) + 1
        if int(number.max(initial=0)) >= _LARGEST // size:
            number = np.unique(number, return_inverse=True)[1]
        number = number * size + values
    return number
