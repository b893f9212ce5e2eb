"""How many false alarms a year Monitor raises where nothing has changed.

Usage: python -m bench.false_alarms [--years 200] [--processes 2]
       python -m bench.false_alarms --fit [--years 120]

Simulates years of daily and of weekly runs without a change, with seasons, growth, a weekly rhythm
and incidents, measures and judges each run by the functions of the component, at the defaults, and
prints how many alarms were opened a year, with an upper bound of 95 %. --fit measures the table of
components/monitor/reference.py on worlds of other seeds and other kinds of business, and prints it.
"""

import argparse
import os
import pickle
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

from bench.monitored_world import Kind
from bench.monitored_year import Year, alarms_of, judged_year, measured_year
from components.monitor import reference, thresholds
from components.monitor.alarms import moments
from components.monitor.reference import REFERENCE_RATE, Reference
from components.monitor.thresholds import STATISTICS, comparable, judge, lag_places
from transforms.arrays import Floats

FIRST_REPORTED: Final = 500_000
DAILY: Final = 50
"""Reported years with a run on each day; the others have one a week."""
FIRST_FITTED: Final = 100_000
"""Seeds: no world is both fitted and reported."""
_WANTED: Final = 0.5
"""False alarms a year that the fit allows itself, of the one that is promised."""
PARTS: Final = {"area": 4.0, "churn": 4.0, "scores": 2.0, "sentiment": 6.0, "volume": 2.0}
_OTHER_PART: Final = 0.5
"""Parts of the budget: more for what moves by itself and yet has to be found soon."""
_TAIL: Final = 0.25
LEAST: Final = {"jump": 3.5, "stays 3": 0.8, "stays 7": 0.4, "month": 0.8}
UNMOVED: Final = {"jump": 5.0, "stays 3": 2.5, "stays 7": 2.0, "month": 2.0}
NOT_SIMULATED: Final = ("accounts", "age", "blank", "breaker", "rows", "unseen")
"""Thresholds are no lower than LEAST, nor is the usual change below _LEAST_CHANGE. What hardly
moves in simulated worlds, such as the share of blanks, moves a little in others: of these families
no threshold is below UNMOVED."""
_LEAST_CHANGE: Final = 0.005
_HARDLY: Final = 0.1
_WILD_QUANTILE: Final = 0.98


def kind_of(seed: int) -> Kind:
    """Returns the kind of business of a seed, of which each differs from the others."""
    rng = np.random.default_rng([seed, 5])
    fitted = seed < FIRST_REPORTED
    return Kind(
        accounts=4_000,
        weekend=float(rng.uniform(0.2, 0.9) if fitted else rng.uniform(0.15, 1.0)),
        season=float(rng.uniform(0.0, 0.2) if fitted else rng.uniform(0.0, 0.25)),
        incidents=float(rng.choice([0.01, 0.02, 0.03]) if fitted else rng.uniform(0.01, 0.03)),
        every_days=1 if fitted or seed < FIRST_REPORTED + DAILY else 7,
    )


def reported(seed: int, folder: Path) -> list[tuple[float, str]]:
    """Returns the alarms of one unchanged year."""
    year = _read(_saved(seed, folder))
    return alarms_of(year, judged_year(year))


def upper_bound(count: int, years: int) -> float:
    """Returns the upper end of the one-sided 95 % interval of a Poisson rate, a year."""
    return float(stats.chi2.ppf(0.95, 2 * (count + 1)) / 2 / years)


def report(years: int, processes: int, folder: Path) -> int:
    """Prints the rate; returns 1 where its upper bound is above what was promised."""
    seeds = range(FIRST_REPORTED, FIRST_REPORTED + years)
    with ProcessPoolExecutor(processes, initializer=_nice) as pool:
        found = list(pool.map(reported, seeds, [folder] * years, chunksize=2))
    alarms = [one for year in found for one in year]
    bound = upper_bound(len(alarms), years)
    early = sum(day < 91 for day, _ in alarms)
    daily = sum(map(len, found[:DAILY]))
    parts = ((daily, "daily", min(DAILY, years)), (len(alarms) - daily, "weekly", years - DAILY))
    print(f"{years} unchanged years of about 2,000 accounts")
    print(f"false alarms: {len(alarms)}, {len(alarms) / years:.3f} a year, upper 95 % {bound:.3f}")
    for count, name, of in parts:
        if of > 0:
            rate, most = count / of, upper_bound(count, of)
            print(f"  {name} runs: {count} in {of} years, {rate:.3f} a year, upper 95 % {most:.3f}")
    print(f"of them in the first quarter: {early}; years without any: {found.count([])}")
    for family, count in Counter(name.partition("/")[0] for _, name in alarms).most_common():
        print(f"  {count:4} {family}")
    print(f"CPU {_cpu():.0f} s")
    return int(bound > 1)


def fit(years: int, processes: int, folder: Path) -> None:
    """Prints the table of reference.py."""
    seeds = range(FIRST_FITTED, FIRST_FITTED + years)
    with ProcessPoolExecutor(processes, initializer=_nice) as pool:
        paths = list(pool.map(_saved, seeds, [folder] * years, chunksize=2))
    changes = _changes(paths)
    table = {name: Reference(change, 2.0, _flat(3.0)) for name, change in changes.items()}
    wild = _wild(paths[::3], table)
    table = {name: Reference(changes[name], wild[name], _flat(3.0)) for name in changes}
    ratios, days = _ratios(paths, table)
    largest = {
        family: {
            name: [float(own[row, :, at].max()) for own in ratios]
            for row, name in enumerate(STATISTICS)
        }
        for at, family in enumerate(table)
    }
    low, high = 1e-4, 0.2
    for _ in range(12):
        alpha = float(np.sqrt(low * high))
        table = {
            name: Reference(
                changes[name],
                wild[name],
                _tails(name, largest[name], alpha * PARTS.get(name, _OTHER_PART)),
            )
            for name in changes
        }
        rate = _rate(ratios, days, table)
        low, high = (alpha, high) if rate < _WANTED else (low, alpha)
        print(f"# {alpha:.5f} a year and threshold: {rate:.3f} false alarms a year", flush=True)
        if high / low < 1.05:
            break
    for name, one in sorted(table.items()):
        shown = {key: (round(a, 2), round(b, 3)) for key, (a, b) in one.thresholds.items()}
        print(f'    "{name}": Reference({one.change:.4g}, {one.wild:.3g}, {shown}),')
    print(f"# CPU {_cpu():.0f} s")


def _saved(seed: int, folder: Path) -> Path:
    path = folder / f"{seed}.pickle"
    if not path.exists():
        path.write_bytes(pickle.dumps(measured_year(kind_of(seed), seed)))
    return path


def _read(path: Path) -> Year:
    found: Year = pickle.loads(path.read_bytes())  # noqa: S301 - written above
    return found


def _flat(value: float) -> dict[str, tuple[float, float]]:
    return dict.fromkeys(STATISTICS, (value, 0.0))


def _changes(paths: Sequence[Path]) -> dict[str, float]:
    """Returns the usual change of each family beyond chance: the median over series and years."""
    found: dict[str, list[float]] = {}
    for path in paths:
        series = _read(path).series
        y, chance = comparable(series)
        place = lag_places(series.days, 1)[:, 1]
        rows = np.flatnonzero(place >= 0)
        change = y[rows] - y[place[rows]]
        with np.errstate(all="ignore"):
            variance = np.nanvar(change, axis=0) - 2 * np.nanmean(chance, axis=0)
        for family, one in zip(series.families, variance.tolist(), strict=True):
            if np.isfinite(one):
                found.setdefault(family, []).append(one)
    return {
        family: max(float(np.sqrt(max(float(np.median(own)), 0.0))), _LEAST_CHANGE)
        for family, own in found.items()
    }


def _use(table: dict[str, Reference]) -> None:
    reference.REFERENCES = table  # type: ignore[misc]
    thresholds.reference_of = lambda family: table[family]  # type: ignore[attr-defined]


def _ratios(
    paths: Sequence[Path], table: dict[str, Reference]
) -> tuple[list[Floats], list[Floats]]:
    """Returns of each year the largest surprise of each family, and its days.

    Returns:
        [statistics, runs, families] in multiples of what the family's own tail made of the
        threshold, and [runs].
    """
    _use(table)
    ratios, days = [], []
    for path in paths:
        series = _read(path).series
        judged = judge(series, REFERENCE_RATE)
        families = np.array(series.families)
        base = np.array([table[one].threshold(STATISTICS[0]) for one in series.families])
        with np.errstate(all="ignore"):
            own = np.nan_to_num(np.abs(judged.surprise) / (judged.threshold[:1] / base))
        ratios.append(np.stack([own[:, :, families == one].max(axis=2) for one in table], axis=2))
        days.append(series.days)
    return ratios, days


def _wild(paths: Sequence[Path], table: dict[str, Reference]) -> dict[str, float]:
    """Returns how far the largest 2 % of the jumps of each family go: the median over years."""
    _use(table)
    found: dict[str, list[float]] = {}
    for path in paths:
        series = _read(path).series
        jumps, families = np.abs(judge(series, 1.0).surprise[0]), np.array(series.families)
        for family in table:
            with np.errstate(all="ignore"):
                quantile = np.nanquantile(jumps[:, families == family], _WILD_QUANTILE)
            found.setdefault(family, []).append(float(quantile))
    return {name: max(float(np.median(own)), 0.5) for name, own in found.items()}


def _tails(
    family: str, largest: dict[str, list[float]], alpha: float
) -> dict[str, tuple[float, float]]:
    """Returns for each statistic what a year exceeds with probability alpha, and the shape."""
    found, least = {}, UNMOVED if family in NOT_SIMULATED else LEAST
    for name, values in largest.items():
        ordered = np.sort(values)[::-1]
        count = max(8, int(_TAIL * len(ordered)))
        foot = float(ordered[min(count, len(ordered) - 1)])
        if foot < _HARDLY:
            found[name] = (max(least[name], 1.5 * float(ordered[0])), 0.2)
            continue
        over = np.maximum(ordered[:count], foot)
        shape = max(float(np.log(over / foot).mean()), 0.05)
        reached = foot * (count / len(ordered) / alpha) ** shape
        found[name] = (max(reached, least[name]), shape)
    return found


def _rate(ratios: list[Floats], days: list[Floats], table: dict[str, Reference]) -> float:
    """Returns how many alarms the years open by a table of thresholds, a year."""
    base = np.array([[one.threshold(name) for one in table.values()] for name in STATISTICS])
    alarms = 0
    for own, when in zip(ratios, days, strict=True):
        unusual = (own > base[:, None, :]).any(axis=(0, 2))
        alarms += len(list(moments(unusual.tolist(), when.tolist())))
    return alarms / len(ratios)


def _nice() -> None:
    os.nice(5)


def _cpu() -> float:
    both = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    parser: Any = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--years", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--fit", action="store_true", help="measure the table of reference.py")
    parser.add_argument("--folder", type=Path, help="where the years are kept")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        if not given.fit:
            return report(given.years, given.processes, folder)
        fit(given.years, given.processes, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
