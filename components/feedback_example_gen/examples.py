"""From columns of feedback to examples: who is in the population, with what label.

Everything is done column-wise for all accounts of a bucket at one cutoff; no loop
runs over accounts or events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.feedback_example_gen.labels import DAY_US, Labels, as_labels, first_loss
from components.feedback_example_gen.lifetime import LifetimeAt, LifetimeRows, sums_before
from components.feedback_example_gen.reading.copy_columns import (
    array_of,
    integers_of,
    microseconds,
)
from components.feedback_example_gen.reading.feedback_reader import Churn, Feedback
from transforms import event_spec
from transforms.arrays import Booleans, Integers
from transforms.columns import ACCOUNT_COLUMNS, EVENT_COLUMNS, Column

_BATCH: Final = 4_096


@dataclass(frozen=True)
class ExampleRules:
    """How far examples look back and ahead, in days, and whose they are.

    Attributes:
        lookback_days: Events of so many days are listed.
        horizon_days: The label looks so far ahead.
        max_events: So many events are listed at most.
        active_within_days: Accounts without an event for longer are silent; None: nobody is too
            silent to count, and by inactivity accounts without an event in the lookback have left.
        scores_silent: Whether silent accounts are scored all the same.
        churn_is_final: Whether an account that writes after its churn date stays gone.
    """

    lookback_days: int
    horizon_days: int
    max_events: int
    active_within_days: int | None = None
    scores_silent: bool = False
    churn_is_final: bool = False

    @property
    def silent_days(self) -> int:
        """Days without an event beyond which an account is counted as silent, left out or not."""
        return self.active_within_days or self.lookback_days

    def leaves_out_silent(self, *, scored: bool) -> bool:
        """Tells whether silent accounts give no examples: to be scored, or with a label."""
        return self.active_within_days is not None and not (scored and self.scores_silent)


@dataclass(frozen=True)
class Beside:
    """Accounts of a bucket at one cutoff that a churn date alone does not decide about.

    Attributes:
        silent: Accounts without a churn date, and without an event for longer than
            ExampleRules.silent_days; None where silence itself is churn.
        silent_churned: Of them, how many churned within the horizon; 0 without labels.
        returned: Accounts with feedback after their churn date; None likewise.
    """

    silent: int | None = None
    silent_churned: int | None = None
    returned: int | None = None


@dataclass(frozen=True)
class CutoffExamples:
    """The population of one bucket at one cutoff: S accounts.

    Attributes:
        cutoff_us: Microseconds since 1970-01-01 UTC.
        account: int64 [S], position in Feedback.account_ids.
        first: int64 [S], row of the account's first feedback ever.
        begin: int64 [S], row of the oldest event in the lists.
        end: int64 [S], one past the row of the newest event before the cutoff.
        cut: bool [S], whether the lists leave out older events of the lookback.
        labels: What became of the accounts; None where that is not asked for.
        beside: Who is silent or came back, among the examples or not.
    """

    cutoff_us: int
    account: Integers
    first: Integers
    begin: Integers
    end: Integers
    cut: npt.NDArray[np.bool_]
    labels: Labels | None
    beside: Beside

    def of(self, kept: npt.NDArray[np.bool_]) -> "CutoffExamples":
        """Returns the examples of some accounts.

        Args:
            kept: bool [A], by position in Feedback.account_ids.
        """
        rows = kept[self.account]
        return replace(
            self,
            account=self.account[rows],
            first=self.first[rows],
            begin=self.begin[rows],
            end=self.end[rows],
            cut=self.cut[rows],
            labels=None if self.labels is None else self.labels.of(rows),
        )


def take_examples(
    feedback: Feedback,
    churn: Churn | None,
    cutoff: datetime,
    rules: ExampleRules,
    known_until: datetime | None,
) -> CutoffExamples:
    """Decides the population at a cutoff, what it shows and, if asked, its labels.

    With a churn table an account belongs to the population from its first feedback
    until it churns, and again once it writes after that, unless a churn is final. However
    silent it is in between, unless there is a limit: a contract may have ended without a
    date. Without a table the label is silence through the horizon, so an account
    that has been silent through the whole lookback, or up to the limit, has already left.

    Args:
        feedback: The rows of the bucket, before as_of.
        churn: Its churn dates; None where the label is inactivity.
        cutoff: Divides features (created_at < cutoff) from label.
        rules: Lookback, horizon, most events, and whose examples they are.
        known_until: Labels know nothing of what happened at this moment or later; not before
            the horizon is over. None for the examples to be scored, which have no label.
    """
    cutoff_us = microseconds(cutoff)
    first = feedback.starts[:-1]
    end = first + _rows_before(feedback, cutoff_us)
    recent = first + _rows_before(feedback, cutoff_us - rules.lookback_days * DAY_US)
    active = end > first + _rows_before(feedback, cutoff_us - rules.silent_days * DAY_US)
    labels = None
    if known_until is not None:
        lost_us = first_loss(feedback, churn, cutoff_us, rules.horizon_days, end)
        labels = as_labels(lost_us, cutoff_us, microseconds(known_until), rules.horizon_days)
    there, beside = active, Beside()
    if churn is not None:
        there, returned = _customers(feedback, churn, cutoff_us, end, rules)
        silent = there & ~active
        churned = 0 if labels is None else int(labels.churned[silent].sum())
        beside = Beside(int(silent.sum()), churned, int(returned.sum()))
        if rules.leaves_out_silent(scored=known_until is None):
            there = there & active
    account = np.flatnonzero(there)
    begin = np.maximum(recent, end - rules.max_events)
    return CutoffExamples(
        cutoff_us=cutoff_us,
        account=account,
        first=first[account],
        begin=begin[account],
        end=end[account],
        cut=begin[account] > recent[account],
        labels=None if labels is None else labels.of(there),
        beside=beside,
    )


def _rows_before(feedback: Feedback, moment_us: int) -> Integers:
    """Rows of each account before a moment, int64 [A]."""
    before = sums_before(feedback.created_us < moment_us)[feedback.starts]
    return before[1:] - before[:-1]


def _customers(
    feedback: Feedback, churn: Churn, cutoff_us: int, end: Integers, rules: ExampleRules
) -> tuple[Booleans, Booleans]:
    """Accounts that wrote and that no churn date says have left, and those that wrote after one.

    Returns:
        bool [A] each. The second are among the first unless a churn is final.
    """
    last_churn = np.full(len(end), np.iinfo(np.int64).min)
    past = churn.churned_us < cutoff_us
    np.maximum.at(last_churn, churn.account[past], churn.churned_us[past])
    newest = np.full(len(end), np.iinfo(np.int64).max)
    wrote = end > feedback.starts[:-1]
    newest[wrote] = feedback.created_us[end[wrote] - 1]
    churned = last_churn > np.iinfo(np.int64).min
    returned = wrote & churned & (newest > last_churn)
    return wrote & (~churned | (returned & (not rules.churn_is_final))), returned


def record_batches(
    feedback: Feedback, examples: CutoffExamples, lifetime: LifetimeRows | None = None
) -> Iterator[pa.RecordBatch]:
    """Yields the examples in the shape of event_spec, one list column a feature.

    Args:
        feedback: The rows of the bucket.
        examples: At one cutoff.
        lifetime: Of the same rows, if it is known already: it serves all cutoffs.
    """
    lives = LifetimeAt(lifetime or LifetimeRows.of(feedback), examples.cutoff_us)
    for start in range(0, len(examples.account), _BATCH):
        yield _record_batch(feedback, lives, examples, slice(start, start + _BATCH))


def _record_batch(
    feedback: Feedback,
    lives: LifetimeAt,
    examples: CutoffExamples,
    part: slice,
) -> pa.RecordBatch:
    first, begin, end = examples.first[part], examples.begin[part], examples.end[part]
    columns = {
        event_spec.ACCOUNT_ID: feedback.account_ids.take(array_of(examples.account[part])),
        **{one.feature: _values(feedback, one, end - 1) for one in ACCOUNT_COLUMNS},
        event_spec.CUTOFF: np.full(len(end), examples.cutoff_us // 1_000_000),
        event_spec.TENURE_DAYS: _age_days(feedback, examples, first),
        event_spec.DAYS_SINCE_LAST_EVENT: _age_days(feedback, examples, end - 1),
        **lives.scalars(first, end),
    }
    if examples.labels is not None:
        columns[event_spec.LABEL] = examples.labels.churned[part]
        columns[event_spec.DAYS_TO_CHURN] = examples.labels.days_to_churn[part]
        columns[event_spec.DAYS_OBSERVED] = examples.labels.days_observed[part]
    one_each = _offsets(np.arange(len(end) + 1))
    lists = {name: _lists(one_each, values) for name, values in columns.items()}
    begins, by_source = lives.source_lists(examples.account[part])
    offsets = _offsets(begins)
    lists |= {name: _lists(offsets, values) for name, values in by_source.items()}
    return pa.RecordBatch.from_pydict(lists | _event_lists(feedback, examples, begin, end))


def _event_lists(
    feedback: Feedback, examples: CutoffExamples, begin: Integers, end: Integers
) -> dict[str, pa.ListArray]:
    begins = sums_before(end - begin)
    rows = np.arange(begins[-1]) + np.repeat(begin - begins[:-1], end - begin)
    offsets = _offsets(begins)
    lists = {
        event_spec.EVENT_AGE_DAYS: _lists(offsets, _age_days(feedback, examples, rows)),
    }
    for column in EVENT_COLUMNS:
        lists[column.feature] = _lists(offsets, _values(feedback, column, rows))
    return lists


def _values(feedback: Feedback, column: Column, rows: Integers) -> pa.Array:
    """Returns what a column holds in some rows, texts as such."""
    if column.name in feedback.numbers:
        return array_of(feedback.numbers[column.name][rows])
    texts = feedback.strings[column.name]
    return texts.dictionary.take(array_of(integers_of(texts.indices)[rows]))


def _age_days(
    feedback: Feedback, examples: CutoffExamples, rows: Integers
) -> npt.NDArray[np.float32]:
    return ((examples.cutoff_us - feedback.created_us[rows]) / DAY_US).astype(np.float32)


def _offsets(begins: Integers) -> pa.Array:
    """Returns where lists begin, as Arrow wants it: once for all columns, of which there are 30."""
    return pa.array(begins, pa.int32())


def _lists(offsets: pa.Array, values: pa.Array | npt.NDArray[np.generic]) -> pa.ListArray:
    array = array_of(values) if isinstance(values, np.ndarray) else values
    return pa.ListArray.from_arrays(offsets, array)
