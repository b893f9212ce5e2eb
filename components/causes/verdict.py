"""The cause of a change of scores, from counts of feedback by day: a pure function of them.

Each cause leaves another trace. A pipeline takes values away, renames them, or brings nothing at
all. An enrichment that reads sentiment or priority otherwise changes them at one moment, alike in
all tiers, sources, regions and areas, while as much is written as before. Customers change over
weeks, or in one part, or write more or less as well. A season does what it did a year ago. What
fits none of that clearly is not known.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from components.causes.feedback_counts import DIMENSIONS, Dimension, FeedbackCounts
from components.causes.steps import (
    RECENT_DAYS,
    Change,
    find_change,
    overdispersion,
    size_beside_trend,
)
from components.feedback_example_gen.counted_days import DAYS
from transforms.arrays import Floats, Integers

Cause = Literal[
    "enrichment changed",
    "customers changed",
    "source or pipeline changed",
    "season",
    "not known",
]
ENRICHMENT: Final = "enrichment changed"
CUSTOMERS: Final = "customers changed"
PIPELINE: Final = "source or pipeline changed"
SEASON: Final = "season"
NOT_KNOWN: Final = "not known"

BEFORE: Final = DAYS - RECENT_DAYS
"""Days that say how things were."""
SURPRISING: Final = 20.0
"""Squared standard errors: what changed less is not told from chance."""
SHARP: Final = -4.0
GRADUAL: Final = -12.0
"""Squared standard errors by which a step fits better than a ramp. From the one on a change is
taken for one at one moment: by chance a ramp of ten days may fit a little better. Up to the other
it took weeks; between them neither is clear."""
LOSS_SURPRISE: Final = 10.0
"""Log-likelihood: a value that is written less by chance does not come near it."""
_GONE: Final = 0.15
_LATE: Final = 0.25
_LATE_DAYS: Final = 7
_FEWEST: Final = 30
_NEW_SHARE: Final = 0.01
_SMALLEST: Final = {
    "share of negative feedback": 0.035,
    "share of positive feedback": 0.035,
    "mean priority": 0.1,
}
"""Changes that are too small to look for a cause: moods of customers drift by as much."""
_SMALLEST_AREA: Final = 0.05
_SMALLEST_VOLUME: Final = 0.15
_FEWEST_DAYS: Final = 3
_STEADY: Final = 0.12
"""Of the volume, as a change of its logarithm: what stays."""
_UNEQUAL: Final = 5.0
"""Standard errors from the common change: a part that is so far off changed otherwise."""


@dataclass(frozen=True)
class Finding:
    """One thing that the counts show.

    Attributes:
        cause: What it speaks for.
        days_ago: When it began.
        surprise: How unlikely it is without a change, in multiples of what counts; from 1 on.
        evidence: A sentence with numbers.
    """

    cause: Cause
    days_ago: int
    surprise: float
    evidence: str


@dataclass(frozen=True)
class Verdict:
    """The cause, if one is clear.

    Attributes:
        cause: One of the five.
        days_ago: When it began; None where it is not known.
        evidence: Sentences, those for the cause first.
    """

    cause: Cause
    days_ago: int | None
    evidence: tuple[str, ...]


def verdict(counts: FeedbackCounts) -> Verdict:
    """Returns the cause that the counts speak for, with the evidence.

    Args:
        counts: Of the feedback before a moment.
    """
    totals = counts.dimensions[DIMENSIONS[0]].rows.sum(axis=(1, 2, 3))
    if totals[:BEFORE].sum() < _FEWEST:
        return Verdict(NOT_KNOWN, None, ("There is too little feedback to compare with.",))
    late = list(_late(totals))
    if late:
        return _said(late)
    lost = [one for name in DIMENSIONS for one in _lost(name, counts.dimensions[name])]
    if lost:
        return _said(lost)
    composition = [*_readings(counts, totals)]
    volume = [*_volume(counts, totals), *_areas(counts.dimensions["area"])]
    if composition:
        # Who loses rows loses them whatever they say: where that changed too, customers did.
        volume = [replace(one, cause=CUSTOMERS) if one.cause == PIPELINE else one for one in volume]
    found = [*composition, *volume]
    if not found:
        return Verdict(NOT_KNOWN, None, ("Nothing in the counts of feedback changed clearly.",))
    return _said(sorted(found, key=lambda one: -one.surprise))


def _said(found: Sequence[Finding]) -> Verdict:
    first = found[0]
    ordered = sorted(found, key=lambda one: one.cause != first.cause)
    known = None if first.cause == NOT_KNOWN else first.days_ago
    return Verdict(first.cause, known, tuple(one.evidence for one in ordered))


def _late(totals: Integers) -> Iterator[Finding]:
    """The newest rows are not there yet, whatever their source."""
    weeks = totals[-RECENT_DAYS - _LATE_DAYS : -_LATE_DAYS].reshape(-1, 7)
    usual = weeks.mean(axis=0)  # by day of the week, the last one being that of the last day
    days = 0
    while days < _LATE_DAYS and totals[-1 - days] <= _LATE * usual[-1 - days]:
        days += 1
    expected = float(usual[len(usual) - days :].sum())
    found = float(totals[len(totals) - days :].sum())
    if days and expected >= _FEWEST and _loss(found, expected) >= LOSS_SURPRISE:
        yield Finding(
            PIPELINE,
            days,
            _loss(found, expected) / LOSS_SURPRISE,
            f"In the last {days} days there are {found:.0f} rows, {expected:.0f} are usual: "
            "feedback is late or does not arrive.",
        )


def _lost(name: str, dimension: Dimension) -> Iterator[Finding]:
    """Values that are gone, renamed or new."""
    rows = dimension.rows.sum(axis=(2, 3)).astype(float)
    totals = rows.sum(axis=1)
    before = rows[:BEFORE].sum(axis=0)
    # A new name takes the place of an old one, and would be counted as growth.
    known = rows[:, before > 0].sum(axis=1)
    gone = {}
    for place, value in enumerate(dimension.values):
        if before[place] >= _FEWEST and (found := _vanished(rows[:, place], known)) is not None:
            gone[value] = found
    new = {}
    for place, value in enumerate(dimension.values):
        seen = np.flatnonzero(rows[:, place])
        if before[place] == 0 and len(seen):
            days = len(totals) - int(seen[0])
            count = float(rows[:, place].sum())
            if count >= 10 and count >= _NEW_SHARE * totals[-days:].sum():
                new[value] = (days, count)
    for value, (days, missing, surprise) in gone.items():
        renamed = [other for other, (since, _) in new.items() if abs(since - days) <= 2]
        others = f"; since then there is {name} {', '.join(map(repr, renamed))}" if renamed else ""
        yield Finding(
            PIPELINE,
            days,
            surprise / LOSS_SURPRISE,
            f"{name} {value!r} is missing for {days} days, where {missing:.0f} rows are usual"
            f"{others}.",
        )
    if not gone and name != "area":
        for value, (days, count) in new.items():
            yield Finding(
                PIPELINE,
                days,
                count / 10,
                f"{name} {value!r} is new for {days} days, with {count:.0f} rows.",
            )


def _vanished(rows: Floats, totals: Floats) -> tuple[int, float, float] | None:
    """Returns days, usual rows and surprise of the best run of last days without a value."""
    share = rows[:BEFORE].sum() / totals[:BEFORE].sum()
    rest = totals - rows
    by_rest = (
        rest * share / (1 - share) if share < 0.9 else np.full_like(rows, rows[:BEFORE].mean())
    )
    expected = np.cumsum(by_rest[::-1])[:RECENT_DAYS]
    found = np.cumsum(rows[::-1])[:RECENT_DAYS]
    surprise = np.array([_loss(c, e) for c, e in zip(found, expected, strict=True)])
    surprise[found > _GONE * expected] = 0
    best = int(np.argmax(surprise))
    if surprise[best] < LOSS_SURPRISE:
        return None
    return best + 1, float(expected[best]), float(surprise[best])


def _loss(found: float, expected: float) -> float:
    """Returns the log-likelihood ratio of a count below an expected one, after Poisson."""
    if found >= expected:
        return 0.0
    return float(expected - found + (found * np.log(found / expected) if found else 0.0))


@dataclass(frozen=True)
class _Reading:
    """What the enrichment says of rows: the sum of a statistic by day and value."""

    name: str
    sums: Floats
    variance: float


def _statistics(rows: Integers) -> Iterator[tuple[str, Floats, float]]:
    """Yields name, sums [days, values] and variance of one row of each statistic."""
    steps = np.arange(rows.shape[3])
    counts = rows[:BEFORE].sum(axis=(0, 1)).astype(float)
    total = counts.sum()
    for name, weights in (
        ("share of negative feedback", np.array([1.0, 0, 0])[:, None] * np.ones(rows.shape[3])),
        ("share of positive feedback", np.array([0, 0, 1.0])[:, None] * np.ones(rows.shape[3])),
        ("mean priority", np.ones(3)[:, None] * steps),
    ):
        mean = (counts * weights).sum() / total
        variance = (counts * (weights - mean) ** 2).sum() / total
        yield (
            name,
            np.tensordot(rows.astype(float), weights, axes=([2, 3], [0, 1])),
            float(variance),
        )


def _readings(counts: FeedbackCounts, totals: Integers) -> Iterator[Finding]:
    """Sentiment and priority: changed at one moment and alike everywhere, or otherwise."""
    areas = counts.dimensions["area"].rows
    rows_by_area = areas.sum(axis=(2, 3)).astype(float)
    changes = {
        name: _adjusted_change(rows_by_area, sums, variance)
        for name, sums, variance in _statistics(areas)
        if variance > 0
    }
    clear = {
        name: one
        for name, one in changes.items()
        if one.surprise >= SURPRISING and abs(one.size) >= _SMALLEST[name]
    }
    if not clear:
        return
    name = max(clear, key=lambda one: clear[one].surprise)
    change = clear[name]
    sharpness = sum(one.sharpness for one in clear.values())
    unequal = _unequal(counts, name, change.days_ago)
    volume = _volume_ratio(totals, change.days_ago)
    moved = abs(volume) > _STEADY
    sharp, gradual = sharpness >= SHARP, sharpness <= GRADUAL
    said = (
        f"{name}: {change.size:+.3f} since {change.days_ago} days, "
        f"{'at one moment' if sharp else 'over weeks' if gradual else 'not clearly at one moment'}"
        f"; {'otherwise in ' + unequal if unequal else 'alike in all parts'}; volume "
        f"{100 * np.expm1(volume):+.0f} %."
    )
    cause: Cause = NOT_KNOWN
    if unequal or gradual or (moved and not sharp):
        cause = CUSTOMERS
    elif sharp and not moved:
        cause = ENRICHMENT
    elif sharp and moved:
        cause = CUSTOMERS
    yield Finding(cause, change.days_ago, change.surprise / SURPRISING, said)


def _adjusted_change(rows: Floats, sums: Floats, variance: float) -> Change:
    """Finds the change of a mean, with the mix of areas as it was before."""
    before = rows[:BEFORE].sum(axis=0)
    overall = sums[:BEFORE].sum() / max(before.sum(), 1)
    means = np.where(before > 0, sums[:BEFORE].sum(axis=0) / np.maximum(before, 1), overall)
    totals = rows.sum(axis=1)
    residuals = sums.sum(axis=1) - rows @ means
    spread = overdispersion(residuals[:BEFORE], totals[:BEFORE] * variance)
    values = residuals / np.maximum(totals, 1)
    return find_change(values, totals / (variance * spread))


def _unequal(counts: FeedbackCounts, statistic: str, days_ago: int) -> str:
    """Names a part whose change is far from that of all others; empty where there is none."""
    for name in DIMENSIONS:
        dimension = counts.dimensions[name]
        rows = dimension.rows.sum(axis=(2, 3)).astype(float)
        sums, variance = next(
            (one, spread)
            for other, one, spread in _statistics(dimension.rows)
            if other == statistic
        )
        split = len(rows) - days_ago
        sides = (slice(max(split - RECENT_DAYS, 0), split), slice(split, len(rows)))
        (n_a, n_b), (s_a, s_b) = (
            [array[side].sum(axis=0) for side in sides] for array in (rows, sums)
        )
        known = np.minimum(n_a, n_b) >= _FEWEST
        if known.sum() < 2:
            continue
        n_a, n_b, s_a, s_b = (one[known] for one in (n_a, n_b, s_a, s_b))
        if statistic == "mean priority":
            change, error = s_b / n_b - s_a / n_a, np.sqrt(variance / n_a + variance / n_b)
        else:
            # As log-odds: where a share is small, the same cause changes it by less.
            odds = [np.log((s + 0.5) / (n - s + 0.5)) for s, n in ((s_a, n_a), (s_b, n_b))]
            change = odds[1] - odds[0]
            error = np.sqrt(
                sum(1 / (s + 0.5) + 1 / (n - s + 0.5) for s, n in ((s_a, n_a), (s_b, n_b)))
            )
        weight = 1 / error**2
        for place in range(len(change)):
            others = np.arange(len(change)) != place
            common = (weight[others] * change[others]).sum() / weight[others].sum()
            distance = change[place] - common
            if abs(distance) > _UNEQUAL * np.sqrt(error[place] ** 2 + 1 / weight[others].sum()):
                value = [
                    one for one, is_known in zip(dimension.values, known, strict=True) if is_known
                ]
                return f"{name} {value[place]!r}"
    return ""


def _by_weekday(totals: Floats) -> Floats:
    """Returns the volume by day as a multiple of what is usual for its day of the week."""
    usual = totals[:BEFORE].reshape(-1, 7).mean(axis=0)
    return np.asarray(totals / np.tile(np.maximum(usual, 1e-9), len(totals) // 7))


def _volume_ratio(totals: Integers, days_ago: int) -> float:
    """Returns the change of the logarithm of the volume at a moment."""
    volume = _by_weekday(totals.astype(float))
    split = len(volume) - days_ago
    after, before = volume[split:].mean(), volume[max(split - 14, 0) : split].mean()
    return float(np.log(max(after, 1e-9) / max(before, 1e-9)))


def _volume(counts: FeedbackCounts, totals: Integers) -> Iterator[Finding]:
    """How much is written: as a year ago, at one moment, or over weeks."""
    volume = _by_weekday(totals.astype(float))
    usual = totals[:BEFORE].mean()
    expected = totals / np.maximum(volume, 1e-9)
    spread = overdispersion((totals - expected)[:BEFORE], expected[:BEFORE])
    change = find_change(volume, np.full(len(volume), usual / spread))
    too_new = change.days_ago < _FEWEST_DAYS
    if change.surprise < SURPRISING or abs(change.size) < _SMALLEST_VOLUME or too_new:
        return
    said = (
        f"volume: {100 * change.size:+.0f} % since {change.days_ago} days, "
        f"{'at one moment' if change.sharpness >= SHARP else 'over weeks'}"
    )
    this_year, last_year = (_beside_trend(one, change) for one in (totals, counts.last_year))
    surprise = change.surprise / SURPRISING
    if last_year is not None and this_year:
        alike = 0.4 <= last_year / this_year <= 2.5
        said += f"; a year ago {100 * last_year:+.0f} %"
        if alike:
            yield Finding(SEASON, change.days_ago, surprise, f"{said}.")
            return
    cause: Cause = PIPELINE if change.sharpness >= SHARP else CUSTOMERS
    yield Finding(cause, change.days_ago, surprise, f"{said}.")


def _beside_trend(totals: Integers | None, change: Change) -> float | None:
    """Returns how far the volume changed like this, beside a steady growth; None if not known."""
    if totals is None or totals[:BEFORE].sum() < _FEWEST:
        return None
    return size_beside_trend(_by_weekday(totals.astype(float)), change.shape)


def _areas(dimension: Dimension) -> Iterator[Finding]:
    """An area that is written about more, or less, than before."""
    rows = dimension.rows.sum(axis=(2, 3)).astype(float)
    totals = rows.sum(axis=1)
    for place, value in enumerate(dimension.values):
        share = rows[:BEFORE, place].sum() / max(totals[:BEFORE].sum(), 1)
        if not 0 < share < 1:
            continue
        residuals = rows[:, place] - share * totals
        variance = share * (1 - share)
        spread = overdispersion(residuals[:BEFORE], totals[:BEFORE] * variance)
        change = find_change(residuals / np.maximum(totals, 1), totals / (variance * spread))
        if change.surprise >= SURPRISING and abs(change.size) >= _SMALLEST_AREA:
            yield Finding(
                CUSTOMERS,
                change.days_ago,
                change.surprise / SURPRISING,
                f"share of area {value!r}: {change.size:+.3f} since {change.days_ago} days.",
            )
