"""How many false alarms a year Monitor raises where nothing has changed.

Usage: python -m bench.false_alarms [--years 200] [--processes 2]
       python -m bench.false_alarms --fit [--years 120]

Simulates years of daily runs without a change, with seasons, growth, a weekly rhythm and
incidents, measures and judges each run by the functions of the component, at the defaults, and
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
from components.monitor.reference import Reference
from components.monitor.thresholds import STATISTICS, comparable, judge, lag_places

FIRST_REPORTED: Final = 500_000
FIRST_FITTED: Final = 100_000
"""Seeds: no world is both fitted and reported."""
_WANTED: Final = 0.35
"""False alarms a year that the fit allows itself, of the one that is promised."""
_TAIL: Final = 0.25
LEAST: Final = {"jump": 3.5, "stays 3": 1.2, "stays 7": 0.8}
UNMOVED: Final = {"jump": 5.0, "stays 3": 2.5, "stays 7": 2.0}
"""Thresholds are no lower, nor is the usual change below _LEAST_CHANGE; what never moves in a
simulated world, such as the share of blanks, moves a little in others, and gets UNMOVED."""
_LEAST_CHANGE: Final = 0.005
_HARDLY: Final = 0.1


def kind_of(seed: int) -> Kind:
    """Returns the kind of business of a seed, of which each differs from the others."""
    rng = np.random.default_rng([seed, 5])
    fitted = seed < FIRST_REPORTED
    return Kind(
        accounts=4_000,
        weekend=float(rng.uniform(0.2, 0.9) if fitted else rng.uniform(0.15, 1.0)),
        season=float(rng.uniform(0.0, 0.2) if fitted else rng.uniform(0.0, 0.25)),
        incidents=float(rng.choice([0.01, 0.02, 0.03]) if fitted else rng.uniform(0.01, 0.03)),
        every_days=1,
    )


def reported(seed: int) -> list[tuple[float, str]]:
    """Returns the alarms of one unchanged year."""
    year = measured_year(kind_of(seed), seed)
    return alarms_of(year, judged_year(year))


def upper_bound(count: int, years: int) -> float:
    """Returns the upper end of the one-sided 95 % interval of a Poisson rate, a year."""
    return float(stats.chi2.ppf(0.95, 2 * (count + 1)) / 2 / years)


def report(years: int, processes: int) -> int:
    """Prints the rate; returns 1 where its upper bound is above what was promised."""
    seeds = range(FIRST_REPORTED, FIRST_REPORTED + years)
    with ProcessPoolExecutor(processes, initializer=_nice) as pool:
        found = list(pool.map(reported, seeds, chunksize=2))
    alarms = [one for year in found for one in year]
    bound = upper_bound(len(alarms), years)
    early = sum(day < 91 for day, _ in alarms)
    print(f"{years} unchanged years of daily runs of about 2,000 accounts")
    print(f"false alarms: {len(alarms)}, {len(alarms) / years:.3f} a year, upper 95 % {bound:.3f}")
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
    largest, wild = _largest(paths, table)
    low, high = 1e-4, 0.2
    for _ in range(12):
        alpha = float(np.sqrt(low * high))
        table = {
            name: Reference(changes[name], wild[name], _tails(largest[name], alpha))
            for name in changes
        }
        rate = _rate(paths, table)
        low, high = (alpha, high) if rate < _WANTED else (low, alpha)
        print(f"# {alpha:.5f} a year and threshold: {rate:.3f} false alarms a year", flush=True)
        if high / low < 1.15:
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


def _largest(
    paths: Sequence[Path], table: dict[str, Reference]
) -> tuple[dict[str, dict[str, list[float]]], dict[str, float]]:
    """Returns the largest surprise of each year by family and statistic, and how wild jumps are."""
    _use(table)
    largest: dict[str, dict[str, list[float]]] = {}
    jumps: dict[str, list[float]] = {}
    for path in paths:
        series = _read(path).series
        judged = judge(series, 1.0)
        families = np.array(series.families)
        for family in table:
            of = families == family
            if not of.any():
                continue
            own = np.abs(judged.surprise[:, :, of])
            factor = judged.threshold[:, :, of] / 3.0  # what the family's own tail made of it
            with np.errstate(all="ignore"):
                top = np.nanmax(own / factor, axis=(1, 2))
                jumps.setdefault(family, []).append(float(np.nanquantile(own[0], 0.98)))
            for name, value in zip(STATISTICS, np.nan_to_num(top).tolist(), strict=True):
                largest.setdefault(family, {}).setdefault(name, []).append(value)
    return largest, {name: max(float(np.median(own)), 0.5) for name, own in jumps.items()}


def _tails(largest: dict[str, list[float]], alpha: float) -> dict[str, tuple[float, float]]:
    """Returns for each statistic what a year exceeds with probability alpha, and the shape."""
    found = {}
    for name, values in largest.items():
        ordered = np.sort(values)[::-1]
        count = max(8, int(_TAIL * len(ordered)))
        foot = float(ordered[min(count, len(ordered) - 1)])
        if foot < _HARDLY:
            found[name] = (max(UNMOVED[name], 1.5 * float(ordered[0])), 0.2)
            continue
        over = np.maximum(ordered[:count], foot)
        shape = max(float(np.log(over / foot).mean()), 0.05)
        reached = foot * (count / len(ordered) / alpha) ** shape
        found[name] = (max(reached, LEAST[name]), shape)
    return found


def _rate(paths: Sequence[Path], table: dict[str, Reference]) -> float:
    _use(table)
    years = [_read(path) for path in paths]
    return sum(len(alarms_of(one, judge(one.series, 1.0))) for one in years) / len(years)


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
    parser.add_argument("--folder", type=Path, help="where --fit keeps its years")
    given = parser.parse_args(arguments)
    if not given.fit:
        return report(given.years, given.processes)
    with tempfile.TemporaryDirectory() as folder:
        fit(given.years, given.processes, given.folder or Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
