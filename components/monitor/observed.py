"""What is measured: events and accounts of a split as arrays, and the scores beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute

from components.contributions.secants import log_odds_of
from components.contributions.shard_rows import contribution_matrix, groups_of
from transforms.arrays import Floats, Integers
from transforms.columns import ACCOUNT_COLUMNS, EVENT_COLUMNS, NUMBERS, Column, Kind
from transforms.event_spec import EVENT_AGE_DAYS, SCALAR_FLOATS

EVERY: Final = slice(None)
"""Selects all."""
BLANK: Final = -1
"""Code of a word that is not there."""


@dataclass(frozen=True)
class Words:
    """Values of a column of categories.

    Attributes:
        codes: Place in `words` of each value, [n]; BLANK where there is none.
        words: Each value that occurs.
    """

    codes: Integers
    words: tuple[str, ...]

    def counts(self, of: Any = EVERY) -> Integers:
        """Returns how often each word occurs, [words], among those that `of` selects."""
        codes = self.codes[of]
        found = np.bincount(codes + 1, minlength=len(self.words) + 1)
        return np.asarray(found[1:], np.int64)

    def blanks(self, of: Any = EVERY) -> int:
        """Returns how many values there are not, among those that `of` selects."""
        return int(np.count_nonzero(self.codes[of] == BLANK))


@dataclass(frozen=True)
class Observed:
    """n accounts at one moment, and their e events in the lookback before it.

    Attributes:
        numbers: Facts of the accounts by the name of the feature, [n] each.
        account_words: Their categories by the label of the column, [n] each.
        event_account: Place of each event's account, [e].
        event_age: Days from each event to the moment, [e].
        event_numbers: By the label of the column, [e] each.
        event_words: By the label of the column, [e] each.
        rate: Which share of all accounts this is, 0..1: counts are divided by it.
    """

    numbers: Mapping[str, Floats]
    account_words: Mapping[str, Words]
    event_account: Integers
    event_age: Floats
    event_numbers: Mapping[str, Floats]
    event_words: Mapping[str, Words]
    rate: float = 1.0

    @property
    def accounts(self) -> int:
        """How many accounts there are."""
        return len(next(iter(self.numbers.values())))


@dataclass(frozen=True)
class Scored:
    """What was published about n accounts.

    Attributes:
        log_odds: Of churn_probability, [n].
        probability: 0..1, [n].
        words: Tier, region and account state by the label of the column, [n] each.
        contributions: Log-odds by reason group, [n] each; empty without reasons.
    """

    log_odds: Floats
    probability: Floats
    words: Mapping[str, Words]
    contributions: Mapping[str, Floats] = field(default_factory=dict)


STATE: Final = "account_state"


def observed_batch(batches: Sequence[pa.RecordBatch], rate: float = 1.0) -> Observed:
    """Returns decoded Examples as arrays.

    Args:
        batches: Of one list column a feature, as tfx_bsl decodes them.
        rate: Which share of the split they are, 0..1.
    """
    table = pa.Table.from_batches(batches).combine_chunks()
    accounts = table.num_rows
    ages = _list(table, EVENT_AGE_DAYS)
    lengths = np.diff(ages.offsets.to_numpy())
    return Observed(
        numbers={name: _scalars(table, name) for name in SCALAR_FLOATS},
        account_words={
            one.label: _words(_list(table, one.feature).flatten(), accounts)
            for one in _of_kind(ACCOUNT_COLUMNS, Kind.CATEGORY)
        },
        event_account=np.repeat(np.arange(accounts), lengths),
        event_age=_floats(ages.flatten()),
        event_numbers={
            one.label: _floats(_list(table, one.feature).flatten())
            for one in NUMBERS
            if not one.of_account
        },
        event_words={
            one.label: _words(_list(table, one.feature).flatten(), int(lengths.sum()))
            for one in _of_kind(EVENT_COLUMNS, Kind.CATEGORY)
        },
        rate=rate,
    )


def _of_kind(columns: Sequence[Column], kind: Kind) -> list[Column]:
    return [one for one in columns if one.kind is kind]


def _list(table: pa.Table, name: str) -> Any:
    column = table[name].combine_chunks()
    chunk = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    # A feature that an example lacks is no list at all; to us it is an empty one.
    if not chunk.null_count:
        return chunk
    lengths = np.nan_to_num(pyarrow.compute.list_value_length(chunk).to_numpy(False)).astype(int)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, chunk.flatten())


def _scalars(table: pa.Table, name: str) -> Floats:
    column = _list(table, name)
    lengths = np.diff(column.offsets.to_numpy())
    found = np.full(len(lengths), np.nan)
    found[lengths == 1] = _floats(column.flatten())[: int((lengths == 1).sum())]
    return found


def _floats(values: Any) -> Floats:
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _words(values: Any, count: int) -> Words:
    encoded = values.dictionary_encode()
    names = [_text(one) for one in encoded.dictionary.to_pylist()]
    codes = np.asarray(
        pyarrow.compute.fill_null(encoded.indices, BLANK).to_numpy(zero_copy_only=False), np.int64
    )
    place = np.array([BLANK if not one.strip() else at for at, one in enumerate(names)] + [BLANK])
    codes = place[codes]
    if len(codes) < count:  # an account whose example has no value at all
        codes = np.concatenate([codes, np.full(count - len(codes), BLANK)])
    return Words(codes, tuple(names))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


SCORE_COLUMNS: Final = (
    "churn_probability",
    "silence_state",
    "customer_tier",
    "region",
    "contributions",
)


def scored_table(shards: pa.Table) -> Scored:
    """Returns what was published as arrays.

    Args:
        shards: Of the scores, with SCORE_COLUMNS and metadata.

    Raises:
        StateUnusable: A shard does not hold what AccountScorer writes.
    """
    probability = _floats(shards["churn_probability"].combine_chunks())
    words = {STATE: "silence_state", "tier": "customer_tier", "region": "region"}
    return Scored(
        log_odds=log_odds_of(probability),
        probability=probability,
        words={
            label: _words(_whole(shards[name]).cast(pa.string()), len(probability))
            for label, name in words.items()
        },
        contributions=_contributions(shards),
    )


def _whole(column: pa.ChunkedArray) -> Any:
    found = column.combine_chunks()
    return found.chunk(0) if isinstance(found, pa.ChunkedArray) else found


def _contributions(shards: pa.Table) -> dict[str, Floats]:
    """Returns the contributions by group; empty where the scores have no reasons."""
    groups = groups_of(shards)
    if not groups:
        return {}
    matrix = contribution_matrix(_whole(shards["contributions"]), groups)
    return dict(zip(groups, matrix.T, strict=True))
