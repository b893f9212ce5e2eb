"""Examples of accounts that are asked for together; one with unsound rows costs only itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from components.errors import ContractBroken
from components.feedback_example_gen.account_examples import (
    AccountExamples,
    AccountRows,
    ExampleSource,
    account_examples,
    read_account_rows,
    read_few_account_rows,
)
from components.feedback_example_gen.reading.copy_columns import column, integers_of
from components.postgres.local_settings import SettledConnection
from pipeline.serving.cache import Stamp
from pipeline.serving.problems import Problem


@dataclass(frozen=True)
class Asked:
    """One account that is asked for.

    Attributes:
        account_id: Its id.
        as_of: The moment, UTC; None for now.
        more: Makes events beside those of the database, as of a moment, columns of FEEDBACK_TYPES;
            None for none.
        known_as: Names the answer that may be known, of a database, a stamp and a moment; None
            where none is asked for.
    """

    account_id: str
    as_of: datetime | None = None
    more: Callable[[datetime], pa.Table] | None = None
    known_as: Callable[[str, Stamp, datetime], str] | None = None


@dataclass(frozen=True)
class Example:
    """An account's example.

    Attributes:
        example: Serialized; None where the account is not scored.
        has_left: Whether it has feedback nevertheless.
        rows: How many rows of feedback were read of it.
    """

    example: bytes | None
    has_left: bool = False
    rows: int = 0


NOTHING: Final = Example(None)


def examples_of_each(
    connection: SettledConnection,
    source: ExampleSource,
    asked: Mapping[int, Asked],
    as_of: datetime,
) -> dict[int, Example | Exception]:
    """Makes examples of what accounts wrote before a moment; by place."""
    accounts = sorted({one.account_id for one in asked.values()})
    found = _of_accounts(connection, source, accounts, as_of)
    return {place: found[one.account_id] for place, one in asked.items()}


def _of_accounts(
    connection: SettledConnection, source: ExampleSource, accounts: Sequence[str], as_of: datetime
) -> dict[str, Example | Exception]:
    """Reads some accounts together; where one has unsound rows, each is read alone."""
    try:
        rows = _rows(connection, source, accounts, as_of)
        found = account_examples(rows, source)
    except ContractBroken as error:
        if len(accounts) == 1:
            return {accounts[0]: _unsound(error)}
        return {
            name: one
            for account in accounts
            for name, one in _of_accounts(connection, source, [account], as_of).items()
        }
    return {
        **dict.fromkeys(accounts, NOTHING),
        **{account: Example(None, has_left=True) for account in found.left},
        **_examples(rows, found),
    }


def _examples(rows: AccountRows, found: AccountExamples) -> dict[str, Example]:
    ids = column(rows.feedback, "account_id")
    names = [one.decode() for one in ids.dictionary.to_pylist()]
    counts = np.bincount(integers_of(ids.indices), minlength=len(names)).tolist()
    of_account = dict(zip(names, counts, strict=True))
    return {
        account: Example(serialized, rows=of_account[account])
        for account, serialized in zip(found.accounts, found.serialized, strict=True)
    }


def _rows(
    connection: SettledConnection, source: ExampleSource, accounts: Sequence[str], as_of: datetime
) -> AccountRows:
    """Reads the rows of accounts, each table as it was at the same moment."""
    few = read_few_account_rows(connection, source, accounts, as_of)
    if few is not None:
        return few
    with connection.one_snapshot():
        return read_account_rows(connection, source, accounts, as_of)


def examples_with_more(
    connection: SettledConnection,
    source: ExampleSource,
    asked: Mapping[int, Asked],
    as_of: datetime,
) -> dict[int, Example | Exception]:
    """Makes examples of accounts as if they had written more than the database has; by place."""
    accounts = sorted({one.account_id for one in asked.values()})
    rows = _rows(connection, source, accounts, as_of)
    found: dict[int, Example | Exception] = {}
    waiting = dict(asked)
    while waiting:  # an account may be asked for twice, with other events
        first = {one.account_id: place for place, one in reversed(waiting.items())}
        together = {place: waiting.pop(place) for place in sorted(first.values())}
        try:
            found |= _of_rows(rows, source, together)
        except ContractBroken as error:
            if len(asked) == 1:
                return dict.fromkeys(asked, _unsound(error))
            for place, one in together.items():
                found |= examples_with_more(connection, source, {place: one}, as_of)
    return found


def _of_rows(
    rows: AccountRows, source: ExampleSource, asked: Mapping[int, Asked]
) -> dict[int, Example | Exception]:
    """Makes the examples of different accounts, of their rows and of what is added to them."""
    found: dict[int, Example | Exception] = {}
    known = {one.decode() for one in rows.feedback["account_id"].unique().to_pylist()}
    tables = [rows.feedback]
    for place, one in asked.items():
        assert one.more is not None
        if one.account_id not in known:
            found[place] = NOTHING
            continue
        try:
            tables.append(one.more(rows.as_of))
        except Problem as problem:
            found[place] = problem
    together = pa.concat_tables(tables).unify_dictionaries()
    made = account_examples(replace(rows, feedback=together), source)
    examples = dict(zip(made.accounts, map(Example, made.serialized), strict=True))
    left = Example(None, has_left=True)
    return {
        place: found.get(place) or examples.get(one.account_id, left)
        for place, one in asked.items()
    }


def _unsound(error: ContractBroken) -> Problem:
    return Problem(503, "unsound_feedback", str(error))
