"""What an account's whole life amounts to at a cutoff, however far the lists of its events reach.

Sums and maxima over the rows before each row are taken once for all cutoffs of a bucket, so that a
cutoff only looks up one row an account. Nothing at or after the cutoff is looked at.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.feedback_example_gen.labels import DAY_US
from components.feedback_example_gen.reading.copy_columns import array_of
from components.feedback_example_gen.reading.feedback_reader import Feedback
from transforms import event_spec
from transforms.arrays import Booleans, Floats32, Integers
from transforms.columns import SENTIMENT, SENTIMENTS, SOURCE

_HALF_YEAR_US: Final = event_spec.HALF_YEAR_DAYS * DAY_US
_NEVER: Final = np.float32(-1)
_LOG_PARTS: Final = 2**32
"""Logarithms are summed up as whole numbers of such parts of 1. Sums of whole numbers are exact, so
that what an account amounts to does not depend on which accounts share its bucket."""
_MANY_ROWS: Final = 10_000
"""Of fewer a thread would cost more than it saves."""
_LONGEST: Final = 2**31
"""Days: a gap is shorter, so that it fits below an account's number in one int64."""


@dataclass(frozen=True)
class LifetimeRows:
    """The rows of a bucket, N in all, summed up along each account.

    Attributes:
        created_us: int64 [N], as Feedback has it.
        counts: Rows before each row, in total and by sentiment: int64 [N + 1] each, by the name of
            the feature.
        newest: By sentiment, the row of the newest one up to each row: int64 [N], -1 for none
            before it, of whatever account.
        days: Event days that begin before each row, int64 [N + 1].
        gap_logs: Sums of log(1 + days) over the gaps that end before each row, in _LOG_PARTS,
            int64 [N + 1].
        gap_squares: Sums of their squares, int64 [N + 1].
        longest_gap: Days, the longest gap of the account up to each row, int64 [N].
        sources: The same rows by account and source.
    """

    created_us: Integers
    counts: dict[str, Integers]
    newest: dict[str, Integers]
    days: Integers
    gap_logs: Integers
    gap_squares: Integers
    longest_gap: Integers
    sources: "_SourceRows"

    @classmethod
    def of(cls, feedback: Feedback) -> "LifetimeRows":
        """Sums up the rows of a bucket."""
        account = np.repeat(np.arange(len(feedback.starts) - 1), np.diff(feedback.starts))
        if len(account) < _MANY_ROWS:
            return cls._of(feedback, account, lambda: _SourceRows.of(feedback, account))
        with ThreadPoolExecutor(1) as thread:  # numpy leaves the interpreter to the other
            sources = thread.submit(_SourceRows.of, feedback, account)
            return cls._of(feedback, account, sources.result)

    @classmethod
    def _of(
        cls, feedback: Feedback, account: Integers, sources: "Callable[[], _SourceRows]"
    ) -> "LifetimeRows":
        rows = len(feedback.created_us)
        codes = feedback.strings[SENTIMENT.name].indices.to_numpy()
        values = feedback.strings[SENTIMENT.name].dictionary.to_pylist()
        counts: dict[str, Integers] = {event_spec.LIFETIME_COUNT: np.arange(rows + 1)}
        newest: dict[str, Integers] = {}
        for sentiment in SENTIMENTS:
            known = sentiment.encode()
            here = codes == (values.index(known) if known in values else -1)
            counts[f"lifetime_{sentiment}_count"] = sums_before(here)
            newest[sentiment] = _running_maximum(np.where(here, np.arange(rows), -1))
        day = feedback.created_us // DAY_US
        same = np.zeros(rows, np.bool_)
        same[1:] = account[1:] == account[:-1]
        gap = np.zeros(rows, np.int64)
        gap[1:] = np.where(same[1:], day[1:] - day[:-1], 0)
        return cls(
            created_us=feedback.created_us,
            counts=counts,
            newest=newest,
            days=sums_before(~same | (gap > 0)),
            gap_logs=sums_before(np.rint(_LOG_PARTS * np.log1p(gap)).astype(np.int64)),
            gap_squares=sums_before(np.square(gap)),
            longest_gap=_running_maximum(account * _LONGEST + gap) & (_LONGEST - 1),
            sources=sources(),
        )


@dataclass(frozen=True)
class _SourceRows:
    """The rows by account, source and time: G pairs of an account and a source.

    Attributes:
        created_us: int64 [N].
        starts: int64 [G + 1], where the rows of each pair begin.
        word: Place of each pair's source in `words`, int64 [G].
        pairs: int64 [A + 1], where the pairs of each account begin.
        words: Arrow binary array, the sources as they are spelled, sorted.
    """

    created_us: Integers
    starts: Integers
    word: Integers
    pairs: Integers
    words: pa.Array

    @classmethod
    def of(cls, feedback: Feedback, account: Integers) -> "_SourceRows":
        sources = feedback.strings[SOURCE.name]
        # By their spelling: the codes are as the workers of the scan happened to meet the words.
        words = sorted(set(sources.dictionary.to_pylist()))
        place = {word: number for number, word in enumerate(words)}
        rank = np.array([place[word] for word in sources.dictionary.to_pylist()], np.int64)
        key = account * max(len(words), 1) + rank[sources.indices.to_numpy()]
        order = np.argsort(key, kind="stable")
        key = key[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        pairs = key[starts]
        accounts = np.arange(len(feedback.starts))
        return cls(
            created_us=feedback.created_us[order],
            starts=np.append(starts, len(key)),
            word=pairs % max(len(words), 1),
            pairs=np.searchsorted(pairs, accounts * max(len(words), 1)),
            words=pa.array(words, pa.binary()),
        )


class LifetimeAt:
    """What all accounts of a bucket amount to before a cutoff.

    Args:
        rows: Of the bucket.
        cutoff_us: Microseconds since 1970-01-01 UTC.
    """

    def __init__(self, rows: LifetimeRows, cutoff_us: int) -> None:
        self._rows, self._cutoff_us = rows, cutoff_us
        # All rows are looked at: once, not for each batch of examples.
        self._older = sums_before(rows.created_us < cutoff_us - _HALF_YEAR_US)
        before = sums_before(rows.sources.created_us < cutoff_us)[rows.sources.starts]
        self._count = before[1:] - before[:-1]

    def scalars(self, first: Integers, end: Integers) -> dict[str, Floats32]:
        """Returns the features of S accounts, float32 [S] each.

        Args:
            first: int64 [S], the row of each account's first feedback.
            end: int64 [S], one past the row of its newest feedback before the cutoff.
        """
        rows = self._rows
        counts = {name: before[end] - before[first] for name, before in rows.counts.items()}
        found = {**counts, **_gaps(rows, first, end), **self._half_year(first, end)}
        for sentiment, name in zip(event_spec.TONES, event_spec.DAYS_SINCE_TONE, strict=True):
            row = rows.newest[sentiment][end - 1]
            since = (self._cutoff_us - rows.created_us[row]) / DAY_US
            found[name] = np.where(row >= first, since, _NEVER)
        return {name: values.astype(np.float32) for name, values in found.items()}

    def _half_year(self, first: Integers, end: Integers) -> dict[str, npt.NDArray[np.generic]]:
        begin = first + self._older[end] - self._older[first]
        counted = ("lifetime_count", "lifetime_negative_count", "lifetime_positive_count")
        return {
            name: self._rows.counts[of][end] - self._rows.counts[of][begin]
            for name, of in zip(event_spec.HALF_YEAR_COUNTS, counted, strict=True)
        }

    def source_lists(self, account: Integers) -> tuple[Integers, dict[str, pa.Array]]:
        """Returns the lists of the sources of S accounts.

        Args:
            account: int64 [S], position in Feedback.account_ids.

        Returns:
            Where the list of each account begins, int64 [S + 1], and what stands in them by the
            name of the feature, by the spelling of the source within an account.
        """
        rows = self._rows.sources
        begin, end = rows.pairs[account], rows.pairs[account + 1]
        offsets = np.concatenate([[0], np.cumsum(end - begin)])
        pair = np.arange(offsets[-1]) + np.repeat(begin - offsets[:-1], end - begin)
        seen = self._count[pair] > 0
        pair, offsets = pair[seen], np.concatenate([[0], np.cumsum(seen)])[offsets]
        newest = rows.created_us[rows.starts[pair] + self._count[pair] - 1]
        values = (
            rows.words.take(array_of(rows.word[pair])),
            array_of(self._count[pair].astype(np.float32)),
            array_of(((self._cutoff_us - newest) / DAY_US).astype(np.float32)),
        )
        return offsets, dict(zip(event_spec.SOURCE_LISTS, values, strict=True))


def _gaps(rows: LifetimeRows, first: Integers, end: Integers) -> dict[str, npt.NDArray[np.generic]]:
    days = rows.days[end] - rows.days[first]
    gaps = np.maximum(days - 1, 1)
    length = rows.created_us[end - 1] // DAY_US - rows.created_us[first] // DAY_US
    # From after the first row: the gap before it is none of the account's.
    logs = (rows.gap_logs[end] - rows.gap_logs[first]) / _LOG_PARTS
    squares = rows.gap_squares[end] - rows.gap_squares[first]
    variance = np.maximum(squares / gaps - np.square(length / gaps), 0)
    measures = (np.expm1(logs / gaps), rows.longest_gap[end - 1], np.sqrt(variance))
    return {
        event_spec.EVENT_DAYS: days,
        **dict(zip(event_spec.DAY_GAPS, measures, strict=True)),
    }


def sums_before(numbers: Booleans | Integers) -> Integers:
    """Sums of the numbers, or of how many marks there are, before each place, int64 [N + 1]."""
    sums = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum(numbers, out=sums[1:])
    return sums


def _running_maximum(values: Integers) -> Integers:
    return np.maximum.accumulate(values) if len(values) else values
