"""Which values are unusual, by each series' own history, within one budget of false alarms.

Values are compared on a scale on which chance has about the same size everywhere (the arcsine of
the root of a share, the logarithm of a count), with those 7, 14, 21 ... days before, so that each
day of the week is compared with itself, however often runs are made. Four statistics ask whether a
value is unusual:

- `jump`: how far it lies beyond last week's, the week's before and the median of a quarter.
- `stays 3` and `stays 7`: by how much the last 3 or 7 weeks all lie beyond the whole quarter that
  came before them. What passes, such as an incident, or drifts slowly, such as a season, is no
  such thing.
- `month`: how far the mean of the last 4 weeks lies beyond all such means of the quarter before. It
  sees small changes of counts that are small themselves.

Each is divided by the usual change from week to week: the series' own, and while there is little
of it that of simulated worlds. The thresholds follow from the largest values of unchanged years
(reference.py), from how wild the series of the same family have been here, and from the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from components.monitor.measures import AMOUNT, COUNT, CUMULATIVE, SHARE
from components.monitor.reference import REFERENCE_RATE, Reference, reference_of
from transforms.arrays import Booleans, Floats, Integers

JUMP: Final = "jump"
STAYS: Final = (3, 7)
MONTH: Final = "month"
STATISTICS: Final = (JUMP, *(f"stays {weeks}" for weeks in STAYS), MONTH)

WEEK_DAYS: Final = 7.0
MONTH_WEEKS: Final = 4
QUARTER: Final = 13
"""Weeks with which is compared."""
LAGS: Final = QUARTER + max(STAYS)
_FEWEST_WEEKS: Final = 4
"""Of the quarter before that `stays` needs."""
_PRIOR_WEEKS: Final = 6
"""So many changes from week to week the simulated ones count for."""
_KEPT_SHARE: Final = 0.8
_OF_NORMAL: Final = 0.6617
"""Root of the mean square of the smaller 80 % of absolute values of a standard normal."""
_LEAST_OF_CHANCE: Final = 0.6
"""The usual change is no less than this part of what the number of observations makes likely."""
_WILD_QUANTILE: Final = 0.98
_WILD_WEEKS: Final = 26
"""After so many weeks the family's own tail counts for half."""
_WILD_LIMITS: Final = (0.85, 3.0)
_FREQUENT_DAYS: Final = 2.0
_SMALL: Final = 0.1
"""Added to an amount before its logarithm is taken, in its unit."""


@dataclass(frozen=True)
class Series:
    """T runs of S measures.

    Attributes:
        days: Of each run, in days since any moment, rising, [T].
        values: NaN where a run has no value, [T, S].
        observations: Behind each value; 0 where there is no such number, [T, S].
        scales: As measures.py names them, [S].
        families: Which of them share thresholds, [S].
        of_model: Whether another champion makes another series of it, [S].
        new_model: Whether a run is the first of its champion, [T].
    """

    days: Floats
    values: Floats
    observations: Floats
    scales: Sequence[str]
    families: Sequence[str]
    of_model: Booleans
    new_model: Booleans


@dataclass(frozen=True)
class Judged:
    """What is unusual, for each run and measure.

    Attributes:
        surprise: Of each statistic, in usual changes, with its sign; NaN where it cannot be told,
            [statistics, T, S].
        threshold: From which it is an alarm, [statistics, T, S].
        low: Lower end of the values that are usual, on the scale of the values, [T, S].
        high: Upper end, [T, S].
    """

    surprise: Floats
    threshold: Floats
    low: Floats
    high: Floats

    @property
    def alarm(self) -> Booleans:
        """Whether a measure is unusual by any statistic, [T, S]."""
        with np.errstate(invalid="ignore"):
            return np.asarray((np.abs(self.surprise) > self.threshold).any(axis=0))

    def strongest(self) -> Integers:
        """Returns which statistic is nearest to its threshold, or most beyond, [T, S]."""
        with np.errstate(invalid="ignore"):
            ratio = np.abs(self.surprise) / self.threshold
        return np.asarray(np.nan_to_num(ratio, nan=-1.0).argmax(axis=0))


def judge(series: Series, false_alarms_per_year: float, only_last: bool = False) -> Judged:
    """Judges each run by those before it.

    Args:
        series: The history, with the run that is asked about at its end.
        false_alarms_per_year: The budget, over all measures and runs.
        only_last: Whether the last run alone is asked about; T is 1 in what is returned.
    """
    y, chance = comparable(series)
    y = _one_level(y, series)
    lags = lag_places(series.days, LAGS)
    reference = [reference_of(family) for family in series.families]
    surprise, spread, hull = _statistics(y, chance, lags, reference)
    wild = _wildness(surprise[0], lags, series.families, reference, only_last=only_last)
    if only_last:
        surprise, spread = surprise[:, -1:], spread[-1:]
        hull = (hull[0][-1:], hull[1][-1:])
    base = np.array([[one.threshold(name) for one in reference] for name in STATISTICS])
    shape = np.array([[one.shape(name) for one in reference] for name in STATISTICS])
    budget = (REFERENCE_RATE / false_alarms_per_year) ** shape
    threshold = (base * budget)[:, None, :] * wild[None]
    low = hull[0] - threshold[0] * spread
    high = hull[1] + threshold[0] * spread
    return Judged(
        surprise, np.broadcast_to(threshold, surprise.shape), *_back(low, high, series.scales)
    )


def last_values(series: Series) -> list[float]:
    """Returns the values of the last run as they are compared: of a record, its growth, [S]."""
    grown = _weekly_growth(series.values, series.days)[-1]
    return [
        float(growth if scale == CUMULATIVE else value)
        for growth, value, scale in zip(grown, series.values[-1], series.scales, strict=True)
    ]


def comparable(series: Series) -> tuple[Floats, Floats]:
    """Returns values on scales on which chance is about even, and its variance, [T, S] each."""
    x, n = series.values, series.observations
    y, chance = x.copy(), np.zeros_like(x)
    for scale in set(series.scales):
        of = np.array([one == scale for one in series.scales])
        if scale == SHARE:
            y[:, of] = np.arcsin(
                np.sqrt((x[:, of] * n[:, of] + 0.375) / (n[:, of] + 0.75)).clip(0, 1)
            )
            chance[:, of] = 1 / (4 * n[:, of] + 2)
        elif scale == COUNT:
            seen = np.where(n[:, of] > 0, n[:, of], x[:, of])
            y[:, of], chance[:, of] = np.log(x[:, of] + 0.5), 1 / (seen + 0.5)
        elif scale == AMOUNT:
            y[:, of] = np.log(np.maximum(x[:, of], 0) + _SMALL)
        elif scale == CUMULATIVE:
            grown = _weekly_growth(x[:, of], series.days)
            y[:, of], chance[:, of] = np.log(grown + 0.5), 1 / (grown + 0.5)
    return y, chance


def _weekly_growth(counts: Floats, days: Floats) -> Floats:
    place = lag_places(days, 1)[:, 1]
    gap = np.where(place >= 0, days - days[place], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        grown = (counts - counts[place]) * (WEEK_DAYS / gap)[:, None]
    return np.asarray(np.maximum(grown, 0))


def _back(low: Floats, high: Floats, scales: Sequence[str]) -> tuple[Floats, Floats]:
    """Returns ends of ranges on the scale of the values; of a cumulative count, of its growth."""
    ends = []
    for y in (low, high):
        x = y.copy()
        for at, scale in enumerate(scales):
            if scale == SHARE:
                x[:, at] = np.sin(np.clip(y[:, at], 0, np.pi / 2)) ** 2
            elif scale in (COUNT, CUMULATIVE):
                x[:, at] = np.maximum(np.exp(np.minimum(y[:, at], 60)) - 0.5, 0)
            elif scale == AMOUNT:
                x[:, at] = np.maximum(np.exp(np.minimum(y[:, at], 60)) - _SMALL, 0)
        ends.append(x)
    return ends[0], ends[1]


def _one_level(y: Floats, series: Series) -> Floats:
    """Takes the jumps out that another champion makes: that the model changed is no surprise."""
    places = np.flatnonzero(series.new_model[1:]) + 1
    if not len(places) or not series.of_model.any():
        return y
    y = y.copy()
    for place in places.tolist():
        jump = y[place] - y[place - 1]
        jump = np.where(series.of_model & ~np.isnan(jump), jump, 0.0)
        y[:place] += jump
    return y


def lag_places(days: Floats, lags: int) -> Integers:
    """Returns the run nearest to 0, 7, 14 ... days before each run, if it is near enough.

    Args:
        days: Of the runs, rising, [T].
        lags: How many weeks back.

    Returns:
        Places, [T, lags + 1]; -1 where there is none.
    """
    wanted = days[:, None] - WEEK_DAYS * np.arange(lags + 1)
    right = np.searchsorted(days, wanted).clip(0, len(days) - 1)
    left = (right - 1).clip(0)
    nearer = np.abs(days[left] - wanted) <= np.abs(days[right] - wanted)
    place = np.where(nearer, left, right)
    place[:, 0] = np.arange(len(days))
    near = np.abs(days[place] - wanted) <= tolerance_of(days)
    # A run is no week of its own history twice.
    repeated = np.zeros_like(near)
    repeated[:, 1:] = (place[:, 1:] == place[:, :-1]) & near[:, :-1]
    return np.where(near & ~repeated, place, -1)


def tolerance_of(days: Floats) -> float:
    """Returns by how many days a run may lie off: half a week, or half a day of daily runs."""
    gaps = np.diff(days)
    return WEEK_DAYS / 2 if not len(gaps) or float(np.median(gaps)) >= _FREQUENT_DAYS else 0.5


def _taken(values: Floats, places: Integers) -> Floats:
    """Returns values of runs by their places, NaN for -1: [..., S]."""
    padded = np.concatenate([values, np.full((1, values.shape[1]), np.nan)])
    return np.asarray(padded[places])


def _statistics(
    y: Floats, chance: Floats, lags: Integers, reference: Sequence[Reference]
) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """Returns the statistics, the usual change, and the hull that a jump leaves."""
    weeks = _taken(y, lags)
    spread = _usual_change(y, chance, lags, reference)
    quarter = weeks[:, 1 : QUARTER + 1]
    count = (~np.isnan(quarter)).sum(axis=1)
    widened = np.sqrt(1 + 4 / np.maximum(count, 1))
    wide = spread * widened
    last = np.stack([weeks[:, 1], weeks[:, 2], _median(quarter)])
    with np.errstate(all="ignore"):
        low, high = np.fmin.reduce(last), np.fmax.reduce(last)
        found = [_beyond(weeks[:, 0], low, high) / wide]
        for number in STAYS:
            recent, before = weeks[:, :number], weeks[:, number : number + QUARTER]
            known = (~np.isnan(before)).sum(axis=1) >= _FEWEST_WEEKS
            beyond = _all_beyond(recent, np.fmin.reduce(before, 1), np.fmax.reduce(before, 1))
            found.append(np.where(known, beyond, np.nan) / wide)
        found.append(_month_beyond(weeks) / wide)
    return np.stack(found), wide, (low, high)


def _median(quarter: Floats) -> Floats:
    """Returns the median over axis 1, NaN left out; NaN where there is nothing."""
    ordered = np.sort(quarter, axis=1)  # NaN comes last
    count = (~np.isnan(quarter)).sum(axis=1)
    lower = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[:, None], 1)[:, 0]
    upper = np.take_along_axis(ordered, (count // 2).clip(max=quarter.shape[1] - 1)[:, None], 1)
    return np.asarray((lower + np.where(count % 2 == 1, lower, upper[:, 0])) / 2)


def _beyond(values: Floats, low: Floats, high: Floats) -> Floats:
    """Returns how far values lie above or, negative, below a range; 0 inside."""
    return np.asarray(np.maximum(values - high, 0) - np.maximum(low - values, 0))


def _all_beyond(recent: Floats, low: Floats, high: Floats) -> Floats:
    """Returns by how much all of several values, axis 1, lie on one side of a range."""
    above = np.min(recent, axis=1) - high
    below = low - np.max(recent, axis=1)
    return np.asarray(np.maximum(above, 0) - np.maximum(below, 0))


def _month_beyond(weeks: Floats) -> Floats:
    """Returns how far the mean of the last 4 weeks lies beyond those of the quarter before."""
    count = QUARTER + 1
    parts = [weeks[:, one : count + one] for one in range(MONTH_WEEKS)]
    means = np.stack(parts).sum(axis=0) / MONTH_WEEKS  # NaN where a week has no value
    before = means[:, MONTH_WEEKS:]
    known = (~np.isnan(before)).sum(axis=1) >= _FEWEST_WEEKS
    low, high = np.fmin.reduce(before, 1), np.fmax.reduce(before, 1)
    beyond = _beyond(means[:, 0], low, high)
    # What is over is no change any more: the last week itself must lie on that side.
    lasts = np.sign(_beyond(weeks[:, 0], low, high)) == np.sign(beyond)
    return np.asarray(np.where(known, np.where(lasts, beyond, 0.0), np.nan))


def _usual_change(
    y: Floats, chance: Floats, lags: Integers, reference: Sequence[Reference]
) -> Floats:
    """Returns the usual change from week to week, by history and by simulated worlds, [T, S]."""
    before = _taken(y, lags[:, 1])
    change = np.abs(y - before)
    weeks = np.sort(_taken(change, lags[:, 1:]), axis=1)
    count = (~np.isnan(weeks)).sum(axis=1)
    kept = np.ceil(_KEPT_SHARE * count)
    inside = np.arange(weeks.shape[1])[None, :, None] < kept[:, None, :]
    squares = np.where(inside, np.nan_to_num(weeks) ** 2, 0.0).sum(axis=1)
    own = squares / np.maximum(kept, 1) / _OF_NORMAL**2
    both = chance + np.where(np.isnan(before), chance, _taken(chance, lags[:, 1]))
    both = np.nan_to_num(both)
    extra = np.array([one.change for one in reference])
    simulated = both + extra**2
    weight = count / (count + _PRIOR_WEEKS)
    mixed = weight * own + (1 - weight) * simulated
    floor = np.maximum(_LEAST_OF_CHANCE**2 * both, (0.1 * extra) ** 2)
    return np.asarray(np.sqrt(np.maximum(mixed, floor)))


def _wildness(
    jumps: Floats,
    lags: Integers,
    families: Sequence[str],
    reference: Sequence[Reference],
    *,
    only_last: bool,
) -> Floats:
    """Returns by what factor the series of each family jump more than simulated ones, [T, S]."""
    places = lags[-1:, 1:] if only_last else lags[:, 1:]
    found = np.ones((len(places), len(families)))
    for family in dict.fromkeys(families):
        of = np.array([one == family for one in families])
        past = _taken(np.abs(jumps[:, of]), places).reshape(len(places), -1)
        weeks = (places >= 0).sum(axis=1)
        usual = reference[list(families).index(family)].wild
        ordered = np.sort(past, axis=1)
        count = (~np.isnan(past)).sum(axis=1)
        at = np.maximum(np.ceil(_WILD_QUANTILE * count).astype(int) - 1, 0)
        here = np.take_along_axis(ordered, at[:, None], 1)[:, 0]
        ratio = np.where(count > 0, here / usual, 1.0)
        ratio = np.clip(np.nan_to_num(ratio, nan=1.0), *_WILD_LIMITS)
        found[:, of] = (ratio ** (weeks / (weeks + _WILD_WEEKS)))[:, None]
    return found
