"""From when to when the churn dates tell who left: the table's rhythm, its end and its holes.

An export that stopped says the same of an account that left as of one that stayed: nothing. What
tells the two apart is the rhythm of the dates themselves. The gaps between days with churn are
compared with the longest of n others, M. Of exchangeable gaps the next one is the longest with
probability 1 / (n + 1), whatever their distribution. Where churn comes at a constant rate (gaps
are exponential), it is longer than k M with probability E[exp(-k M)] = n B(n, k + 1), with Euler's
beta function; the factor k for a given probability follows from it. It grows as n shrinks, so that
few dates raise no alarm, and regular dates, such as the last of each month, need no rate. The
question is Solow's, who asks whether a species is extinct given the dates of its sightings
(Inferring extinction from sighting data, Ecology 74, 1993); his answer needs the constant rate.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from typing import Final

ALARM: Final = 0.005
"""Probability that a gap of an export that goes on is taken for its end, at a constant rate; and
that any of its gaps is taken for a hole."""
FEWEST_GAPS: Final = 3
"""Fewer tell nothing of a rhythm."""
_REGULAR: Final = 0.9
"""Share of the gaps that are never holes."""
FIRST_MOMENT: Final = datetime.min.replace(tzinfo=timezone.utc)
"""Begin of what is not known before the oldest churn."""

Interval = tuple[datetime, datetime]


@dataclass(frozen=True)
class KnownChurn:
    """When churn was recorded: all moments but some intervals [begin, end), oldest first."""

    unknown: tuple[Interval, ...] = ()

    def hidden_in(self, begin: datetime, end: datetime) -> Interval | None:
        """Returns the first unknown interval that [begin, end) has a part of; None if known."""
        return next((one for one in self.unknown if one[0] < end and begin < one[1]), None)

    def end(self, as_of: datetime) -> datetime:
        """Returns the moment from which on nothing is known up to as_of; as_of itself if none."""
        hidden = self.hidden_in(as_of - timedelta(microseconds=1), as_of)
        return hidden[0] if hidden else as_of

    def known_from(self, moment: datetime, latest: datetime) -> datetime:
        """Returns until when churn is known without a break from a moment on, at most `latest`."""
        return min([latest, *(begin for begin, _ in self.unknown if begin >= moment)])


ALL_KNOWN: Final = KnownChurn()


@dataclass(frozen=True)
class ChurnRhythm:
    """How regularly a table records churn.

    Attributes:
        gaps: Gaps between days with churn that were looked at.
        longest_gap_days: The longest of them, holes left out; None with fewer than FEWEST_GAPS.
        age_days: Days from the newest day with churn to as_of; None without churn.
        limit_days: Days without churn beyond which the export counts as stopped; None where
            the rhythm is not known.
        holes: Intervals before the newest churn that are too long for gaps of the rhythm.
        known: What follows for labels.
    """

    gaps: int = 0
    longest_gap_days: int | None = None
    age_days: int | None = None
    limit_days: int | None = None
    holes: tuple[Interval, ...] = ()
    known: KnownChurn = ALL_KNOWN


def rhythm_of(
    moments: Sequence[datetime], since: datetime, as_of: datetime, allowed_days: int
) -> ChurnRhythm:
    """Judges when the churn dates of a table speak for all accounts.

    Labels are stricter than the alarm: as soon as the time since the newest churn is longer than
    every gap before, they count as known until that churn alone.

    Args:
        moments: The last churn of each day (UTC) that has one, rising, before as_of.
        since: The oldest moment that a label may be asked for, UTC.
        as_of: The run's now, UTC.
        allowed_days: A gap of so many days is never an alarm.
    """
    if not moments:
        return ChurnRhythm()
    age = _days(moments[-1], as_of)
    before = max((one for one in moments if one <= since), default=moments[0])
    recent = [one for one in moments if one >= before]
    if len(recent) <= FEWEST_GAPS:
        recent = list(moments)  # an export that stopped long ago shows its rhythm before that
    gaps = [_days(*pair) for pair in pairwise(recent)]
    if len(gaps) < FEWEST_GAPS:
        return ChurnRhythm(gaps=len(gaps), age_days=age)
    longest, shortest_hole = _longest_regular(gaps, allowed_days)
    limit = max(allowed_days, math.floor(alarm_factor(len(gaps)) * longest))
    holes = [pair for pair, gap in zip(pairwise(recent), gaps, strict=True) if gap >= shortest_hole]
    return ChurnRhythm(
        gaps=len(gaps),
        longest_gap_days=longest,
        age_days=age,
        limit_days=limit,
        holes=tuple(holes),
        known=KnownChurn(tuple(_unknown(moments, since, as_of, holes, longest))),
    )


@cache
def alarm_factor(gaps: int, probability: float = ALARM) -> float:
    """Returns how many times the longest of n gaps the next one is with that probability.

    Args:
        gaps: n, at least 1.
        probability: (0, 1), of exponential gaps.
    """
    low, high = 0.0, 1.0
    while _longer(gaps, high) > probability:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _longer(gaps, middle) > probability else (low, middle)
    return high


def _longer(gaps: int, factor: float) -> float:
    """Returns n B(n, k + 1)."""
    return math.exp(
        math.lgamma(gaps + 1) + math.lgamma(factor + 1) - math.lgamma(gaps + factor + 1)
    )


def _longest_regular(gaps: Iterable[int], allowed_days: int) -> tuple[int, float]:
    """Returns the longest gap that is no hole, and the shortest that is one; inf without."""
    ordered = sorted(gaps)
    for number in range(math.ceil(len(ordered) * _REGULAR), len(ordered)):
        longest, next_one = ordered[number - 1], ordered[number]
        # The longest of all is looked at, whichever it is: any of them may be wrong.
        factor = alarm_factor(number, ALARM / len(ordered))
        if next_one > max(allowed_days, factor * longest):
            return longest, next_one
    return ordered[-1], math.inf


def _unknown(
    moments: Sequence[datetime],
    since: datetime,
    as_of: datetime,
    holes: Iterable[Interval],
    longest: int,
) -> Iterable[Interval]:
    if _days(since, moments[0]) > longest:
        yield FIRST_MOMENT, moments[0]
    yield from holes
    if _days(moments[-1], as_of) > longest:
        yield moments[-1], as_of


def _days(begin: datetime, end: datetime) -> int:
    """Days of the calendar: the hours at which an export writes say nothing."""
    return (end.date() - begin.date()).days
