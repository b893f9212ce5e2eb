"""The examples of some accounts at any moment: the very ones that a scoring run would make then.

What scores accounts between runs asks this module: it reads their rows alone, and all that is made
of them is made by the code of the runs, so that a score cannot depend on who asked for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import psycopg2.extensions
import pyarrow as pa
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from components.feedback_example_gen.active_limit import published_limit
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.examples import ExampleRules, record_batches, take_examples
from components.feedback_example_gen.read_plan import label_source_of
from components.feedback_example_gen.reading.feedback_reader import (
    ChurnSource,
    Feedback,
    grouped_churn,
    grouped_feedback,
    read_churn_rows,
    read_feedback_rows,
)
from components.feedback_example_gen.reading.few_rows import read_few_rows
from components.feedback_example_gen.request import ACCOUNT_CHURN, AUTO, COLLAPSE, ReadRequest
from components.postgres.contract import require_contract
from transforms.arrays import Booleans

_FEW_ACCOUNTS: Final = 64
"""Whose rows are mostly few enough for one SELECT."""
_NO_CHURN: Final = pa.schema(
    {"account_id": pa.dictionary(pa.int32(), pa.binary()), "churned_at": pa.timestamp("us")}
)


@dataclass(frozen=True)
class ExampleSource:
    """How examples of some accounts are made.

    Attributes:
        rules: What an example holds, and whose it is.
        label_source: account_churn or inactivity.
        churn_source: The ground truth; None where the label is inactivity.
        collapse_duplicates: Whether rows that are equal in all but their id count once.
    """

    rules: ExampleRules
    label_source: str
    churn_source: ChurnSource | None
    collapse_duplicates: bool


@dataclass(frozen=True)
class AccountRows:
    """Rows of some accounts before as_of, in no order.

    Attributes:
        as_of: The moment of the examples, UTC.
        feedback: Columns of FEEDBACK_TYPES.
        churn: Churn dates; None where the label is inactivity.
    """

    as_of: datetime
    feedback: pa.Table
    churn: pa.Table | None


@dataclass(frozen=True)
class AccountExamples:
    """Examples of S accounts, sorted by their ids.

    Attributes:
        accounts: Their ids, [S].
        serialized: tf.Examples of `raw_feature_spec(with_label=False)`, [S].
        newest_us: When each of them wrote last, microseconds since 1970-01-01 UTC, [S].
        left: Accounts with feedback that are not scored, since a churn date or their silence says
            that they have left.
    """

    accounts: list[str]
    serialized: list[bytes]
    newest_us: list[int]
    left: frozenset[str]


def find_example_source(
    connection: psycopg2.extensions.connection, config: FeedbackExampleGenConfig, as_of: datetime
) -> ExampleSource:
    """Looks up what the settings leave to the database: the ground truth, the limit of silence.

    Args:
        connection: Open, with time zone UTC.
        config: The settings.
        as_of: The now, UTC.

    Raises:
        ContractBroken: An input table, column, type or privilege is missing.
        DatabaseUnreachable: The server went away.
    """
    report = require_contract(connection, **config.contract, need_outputs=False)
    request = ReadRequest(as_of=None, splits=(SCORE,), config=config)
    label_source = label_source_of(request, report.churn_table_present)
    rules = request.rules
    if config.active_within_days == AUTO:
        limit = published_limit(connection, request, as_of)
        rules = replace(rules, active_within_days=limit.days if limit else None)
    return ExampleSource(
        rules=rules,
        label_source=label_source,
        churn_source=request.churn_source if label_source == ACCOUNT_CHURN else None,
        collapse_duplicates=config.duplicate_events == COLLAPSE,
    )


def read_account_examples(
    connection: psycopg2.extensions.connection,
    source: ExampleSource,
    accounts: Sequence[str],
    as_of: datetime,
) -> AccountExamples:
    """Reads what accounts wrote before a moment, and makes the examples of a scoring run of it.

    Args:
        connection: Open, with time zone UTC, in a transaction that sees one state of the database.
        source: As find_example_source returns it.
        accounts: Their ids; one without feedback is in neither list of the result.
        as_of: The moment, UTC.

    Raises:
        ContractBroken: A column that must not be NULL is, or a privilege is missing.
        DatabaseUnreachable: The server went away.
    """
    return account_examples(read_account_rows(connection, source, accounts, as_of), source)


def read_account_rows(
    connection: psycopg2.extensions.connection,
    source: ExampleSource,
    accounts: Sequence[str],
    as_of: datetime,
) -> AccountRows:
    """Reads the rows of some accounts; otherwise as read_account_examples."""
    few = read_few_account_rows(connection, source, accounts, as_of)
    if few is not None:
        return few
    feedback = read_feedback_rows(connection, as_of, accounts)
    if source.churn_source is None:
        return AccountRows(as_of, feedback, None)
    return AccountRows(
        as_of, feedback, read_churn_rows(connection, source.churn_source, as_of, accounts)
    )


def read_few_account_rows(
    connection: psycopg2.extensions.connection,
    source: ExampleSource,
    accounts: Sequence[str],
    as_of: datetime,
) -> AccountRows | None:
    """Reads them with one statement, which needs no transaction around it.

    Returns:
        The rows; None where they may be too many for that, or hold text that is not UTF-8.
    """
    if len(accounts) > _FEW_ACCOUNTS:
        return None
    few = read_few_rows(connection, as_of, accounts, source.churn_source)
    return None if few is None else AccountRows(as_of, *few)


def account_examples(rows: AccountRows, source: ExampleSource) -> AccountExamples:
    """Makes examples of rows, wherever they come from.

    Args:
        rows: Without labels, whatever comes after as_of must not be among them.
        source: How.

    Raises:
        ContractBroken: A column that must not be NULL is.
    """
    feedback = grouped_feedback(rows.feedback, source.collapse_duplicates)
    churn = None
    if source.churn_source is not None:
        dates = _NO_CHURN.empty_table() if rows.churn is None else rows.churn
        churn = grouped_churn(dates, feedback.account_ids)
    examples = take_examples(feedback, churn, rows.as_of, source.rules, known_until=None)
    encoder = RecordBatchToExamplesEncoder()
    ids = _ids(feedback)
    is_scored: Booleans = np.zeros(len(ids), np.bool_)
    is_scored[examples.account] = True
    return AccountExamples(
        accounts=[ids[place] for place in examples.account.tolist()],
        serialized=[
            one for batch in record_batches(feedback, examples) for one in encoder.encode(batch)
        ],
        newest_us=feedback.created_us[examples.end - 1].tolist(),
        left=frozenset(ids[place] for place in np.flatnonzero(~is_scored).tolist()),
    )


def _ids(feedback: Feedback) -> list[str]:
    return [one.decode("utf-8") for one in feedback.account_ids.to_pylist()]
