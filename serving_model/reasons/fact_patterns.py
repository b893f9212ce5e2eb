"""Which accounts are told the same sentence about a group: their facts make one pattern.

A sentence reads few facts, and shows days and rates rounded. `patterns` numbers what it can tell
apart, column by column, so that `fact_sentences.sentence` has to be asked once for each pattern
and not for each account. It may tell apart more than the sentence does, never less.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving_model.reasons.fact_sentences import HABIT_DAYS, HABIT_EVENTS
from serving_model.served.predict import Explanation
from transforms.arrays import Booleans, Floats, Integers
from transforms.reason_facts import FACT_DAYS
from transforms.thresholds import QUIET, SILENT, account_states

_LARGEST: Final = int(np.iinfo(np.int64).max)
_MOST_MONTHS: Final = 2**50


class FactColumns:
    """The facts of n accounts, as far as sentences can tell them apart.

    Args:
        explanation: Of the accounts.
        lookback_days: How far back the examples reach.
        max_events: How many events they list at most.
    """

    def __init__(self, explanation: Explanation, lookback_days: int, max_events: int) -> None:
        self._explanation = explanation
        self._lookback = lookback_days
        self._max_events = max_events

    def numbers(self, name: str) -> Floats:
        """Returns a fact, [n]."""
        return self._explanation.facts[:, self._explanation.fact_names.index(name)]

    def count(self, name: str) -> Integers:
        """Returns a number of events, [n]."""
        return np.rint(self.numbers(name)).astype(np.int64)

    def days(self, name: str) -> Integers:
        """Returns whole days, rounded down, [n]."""
        return np.floor(self.numbers(name)).astype(np.int64)

    def word(self, name: str) -> Integers:
        """Returns a number for each word, 0 for none, [n]."""
        place = self._explanation.fact_word_names.index(name)
        words = pa.array(self._explanation.fact_words[:, place], pa.string()).dictionary_encode()
        # A word of blanks may read as none: it keeps a number of its own.
        known = np.array([0 if word == "" else 1 for word in words.dictionary.to_pylist()])
        codes = words.indices.to_numpy()
        return np.where(known[codes] == 0, 0, codes.astype(np.int64) + 1)

    @cached_property
    def capped(self) -> Booleans:
        """Whether counts are at least what they say, [n]."""
        return self.count("listed_events") >= self._max_events

    @cached_property
    def none(self) -> Booleans:
        """Whether there is no event at all, [n]."""
        return self.count("lifetime_count") == 0

    @cached_property
    def state(self) -> Integers:
        """1 for silent, 2 for quiet, else 0, [n]."""
        states = account_states(
            self.numbers("tenure_days"),
            self.numbers("days_since_last"),
            self.numbers("lifetime_count"),
            self._lookback,
        )
        return np.select([states == SILENT, states == QUIET], [1, 2], 0)

    @cached_property
    def habit(self) -> Integers:
        """What is said of the usual gap, [n]."""
        active = self.numbers("tenure_days") - self.numbers("days_since_last")
        unknown = (self.count("lifetime_count") < HABIT_EVENTS) | (active < HABIT_DAYS)
        gap = self.numbers("usual_gap")
        said = np.select([gap < 0.75, gap < 1.5], [0, 1], np.rint(gap).astype(np.int64) + 2)
        return np.where(unknown, -1, said)

    def usual(self, name: str) -> Integers:
        """What is said of a usual rate, [n]."""
        rate = self.numbers(name)
        months = np.minimum(np.rint(1 / np.where(rate > 1e-15, rate, 1.0)), _MOST_MONTHS)
        # Odd are so many a month, even are so many months between two.
        said = np.where(rate >= 1.5, 2 * np.rint(rate) + 1, 2 * np.maximum(months, 1))
        return np.where((rate < 0) | self.capped, -1, np.where(rate == 0, 0, said)).astype(np.int64)

    def window(self, what: str) -> list[Integers]:
        """The shortest window that holds such an event, how many, and if it is all of life."""
        counts = np.stack([self.count(f"{what}_{days}d") for days in FACT_DAYS], axis=1)
        held = counts > 0
        place = np.where(held.any(axis=1), held.argmax(axis=1), len(FACT_DAYS))
        last = np.minimum(place, len(FACT_DAYS) - 1)
        count = counts[np.arange(len(counts)), last]
        return [place, count, self.so_far(np.array(FACT_DAYS)[last])]

    def so_far(self, days: Integers | int) -> Integers:
        """Whether an account is younger than a window, [n]."""
        young = self.numbers("tenure_days") < np.minimum(days, self._lookback)
        return young.astype(np.int64)


def patterns(group: str, facts: FactColumns) -> Integers:
    """Returns a number for each pattern of facts, [n]: equal where the sentence is the same.

    Args:
        group: One of `transforms.reason_groups.group_names`.
        facts: Of n accounts.
    """
    return one_number([facts.none, facts.capped, *_READ[group](facts)])


def one_number(columns: Sequence[NDArray[np.generic]]) -> Integers:
    """Returns one number for each combination of values, int64 [n].

    Args:
        columns: Whole numbers or marks, [n] each.
    """
    number = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        values = column.astype(np.int64)
        values = values - values.min(initial=0)
        width = int(values.max(initial=0)) + 1
        if size > _LARGEST // width:
            number = np.unique(number, return_inverse=True)[1].astype(np.int64)
            size = int(number.max(initial=0)) + 1
        number = number * width + values
        size *= width
    return number


Read = Callable[[FactColumns], list[Integers]]


def _counted(what: str, usual: str) -> Read:
    return lambda facts: [*facts.window(what), facts.usual(usual)]


def _shared(name: str) -> Read:
    def read(facts: FactColumns) -> list[Integers]:
        word, usual = facts.word(name), facts.usual("usual_per_30d")
        # Without a word the sentence is that of the volume.
        return [*facts.window("count"), word, facts.count(f"{name}_count"), usual]

    return read


_READ: Final[Mapping[str, Read]] = {
    "silence": lambda facts: [facts.state, facts.days("days_since_last"), facts.habit],
    "rhythm": lambda facts: [
        facts.count("lifetime_count"),
        facts.days("tenure_days"),
        facts.habit,
    ],
    "volume": _counted("count", "usual_per_30d"),
    "negative_feedback": lambda facts: [
        *facts.window("negative"),
        facts.usual("usual_negative_per_30d"),
        facts.word("top_negative_area"),
        facts.count("top_negative_area_count"),
    ],
    "positive_feedback": _counted("positive", "usual_positive_per_30d"),
    "recent_tone": lambda facts: [
        facts.count("newest"),
        facts.count("newest_negative"),
        facts.count("newest_positive"),
        facts.so_far(_LARGEST),
    ],
    "urgency": lambda facts: facts.window("critical"),
    "product_areas": _shared("top_area"),
    "channels": _shared("top_channel"),
    "topics": _shared("top_topic"),
    "tenure": lambda facts: [facts.days("tenure_days")],
    "tier": lambda facts: [facts.word("tier")],
    "region": lambda facts: [facts.word("region")],
}
"""What the sentence of each group reads."""
