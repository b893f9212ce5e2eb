"""A model that shows every difference of two examples, and a full rescoring to compare with."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import tensorflow as tf
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from components.account_scorer.scored_shard import COLUMNS
from components.feedback_example_gen.account_examples import (
    find_example_source,
    read_account_examples,
)
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.postgres.connection import connect

MODEL: Final = "model-1"


def said(examples: Sequence[bytes]) -> pa.Table:
    """Answers with a number that each byte of an example changes, and no other example does."""
    parsed = [tf.train.Example.FromString(one).features.feature for one in examples]
    values = [_number(one) for one in parsed]
    columns: dict[str, Any] = {
        "account_id": [one["account_id"].bytes_list.value[0].decode() for one in parsed],
        "churn_probability": values,
        "churn_by_horizon": [f'{{"10": {p!r}}}' for p in values],
        "tenure_days": [one["tenure_days"].float_list.value[0] for one in parsed],
        "days_since_last_event": [
            one["days_since_last_event"].float_list.value[0] for one in parsed
        ],
        "silence_state": ["active"] * len(examples),
        "model_version": [MODEL] * len(examples),
    }
    nothing = [None] * len(examples)
    return pa.table({name: columns.get(name, nothing) for name in COLUMNS.names}, schema=COLUMNS)


def _number(features: Any) -> float:
    """Returns a number in [0, 1[ of all that an example holds; its features have no order."""
    whole = hashlib.sha256()
    for name in sorted(features):
        whole.update(name.encode() + features[name].SerializeToString(deterministic=True))
    return int.from_bytes(whole.digest()[:6], "big") / 2**48


def scored_at(
    accounts: Sequence[str], as_of: datetime, reading: FeedbackExampleGenConfig
) -> dict[str, float]:
    """Scores accounts as of a moment, all at once, from what is in the table now."""
    with closing(connect("tens-insight rescoring")) as connection:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        source = find_example_source(connection, reading, as_of)
        found = read_account_examples(connection, source, accounts, as_of)
    if not found.serialized:
        return {}
    table = said(found.serialized)
    return dict(
        zip(table["account_id"].to_pylist(), table["churn_probability"].to_pylist(), strict=True)
    )


def wrong(
    shown: Mapping[str, tuple[float, datetime]], reading: FeedbackExampleGenConfig
) -> list[str]:
    """Says which scores are not, to the last bit, those of a full rescoring at their moments.

    Args:
        shown: Score and moment of each account.
        reading: How examples are made.
    """
    by_moment: dict[datetime, list[str]] = {}
    for name, (_, moment) in shown.items():
        by_moment.setdefault(moment, []).append(name)
    problems = []
    for moment, names in by_moment.items():
        expected = scored_at(names, moment, reading)
        problems += [
            f"{name} of {moment}: {shown[name][0]!r}, expected {expected.get(name)!r}"
            for name in names
            if shown[name][0] != expected.get(name)
        ]
    return problems
