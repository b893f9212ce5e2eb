"""After how many days Monitor raises an alarm where something has changed.

Usage: python -m bench.detection [--worlds 10] [--processes 2] [--evidently PYTHON]

Plants each change of bench/monitored_world.py in the middle of simulated years of other seeds than
those of bench.false_alarms, and prints how many are found within 60 days, and the median delay with
an interval of 95 %. The first row has no change: what is found there is chance. Beside it stand, on
weeks of events of the same worlds against training, TFDV's L-infinity distance with the threshold
of its guide (0.01) and its domains of words, by their formulas; and Evidently's DataDriftPreset at
its defaults, with the interpreter of an environment that has it: any column, and the data set.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.false_alarms import kind_of
from bench.monitored_world import CHANGES, Run, simulated_runs
from bench.monitored_year import judged_year, measured_year
from components.monitor.measures import WINDOW_DAYS
from components.monitor.observed import Observed, Words
from components.monitor.profile import Profile, profile_of

NO_CHANGE: Final = "nothing"
FIRST: Final = 900_000
"""Seed of the first world."""
ON_DAY: Final = 182
WITHIN_DAYS: Final = 60
"""After the change: what is found later counts as not found."""
TFDV_THRESHOLD: Final = 0.01
_REFERENCE_DAYS: Final = 56
"""Of the events that Evidently compares with, before the evaluation set of the champion."""
_RESAMPLES: Final = 2_000


@dataclass(frozen=True)
class Found:
    """Of one world: days until the first alarm after the change; None if none came in time.

    Attributes:
        change: What was planted.
        days: Of Monitor.
        by: The measure that was most unusual then.
        tfdv_days: Of TFDV.
        tfdv_weeks: Of the weeks before the change, which share TFDV called drifted.
    """

    change: str
    days: float | None
    by: str
    tfdv_days: float | None
    tfdv_weeks: float


@dataclass
class _Week:
    """Events of a week, or of the reference, by column."""

    day: float
    columns: dict[str, Any] = field(default_factory=dict)


def detected(change: str, number: int, folder: str) -> Found:
    """Plants a change in one world, and asks Monitor and TFDV when they notice."""
    seed = FIRST + number
    on_day = ON_DAY + number % 7
    kind = replace(kind_of(seed), days=on_day + WITHIN_DAYS + 1)
    planted = "" if change == NO_CHANGE else change
    year = measured_year(kind, seed, planted, on_day)
    judged = judged_year(year)
    days = year.series.days
    alarm = judged.alarm.any(axis=1) & (days > on_day)
    at = int(alarm.argmax()) if alarm.any() else None
    by = ""
    if at is not None:
        with np.errstate(invalid="ignore"):
            ratio = np.nan_to_num(np.abs(judged.surprise) / judged.threshold).max(axis=0)[at]
        one = year.measures[int(ratio.argmax())]
        by = " ".join(part for part in (one.metric, one.column, one.slice_value) if part)
    profile, reference, weeks = _weeks(kind, seed, planted, on_day)
    if folder:
        _write(Path(folder) / f"{CHANGES.index(change) if planted else 99}-{number}.npz",
               reference, [one for one in weeks if one.day > on_day - WINDOW_DAYS])  # fmt: skip
    drifted = [(one.day, _tfdv(one, profile)) for one in weeks]
    before = [found for day, found in drifted if day <= on_day]
    after = [day for day, found in drifted if found and day > on_day]
    return Found(
        change,
        None if at is None else float(days[at] - on_day),
        by,
        after[0] - on_day if after else None,
        float(np.mean(before)),
    )


def _weeks(kind: Any, seed: int, change: str, on_day: int) -> tuple[Profile, _Week, list[_Week]]:
    """Returns the profile and the events of training, and those of every week around the change."""
    runs = simulated_runs(replace(kind, every_days=WINDOW_DAYS), seed, change, on_day)
    trained = next(runs)
    reference = _events(trained, _REFERENCE_DAYS)
    weeks = [_events(run, WINDOW_DAYS) for run in runs]
    return profile_of(trained.observed), reference, weeks


def _events(run: Run, days: int) -> _Week:
    observed: Observed = run.observed
    inside = observed.event_age < days
    owner = observed.event_account[inside]
    words: dict[str, Words] = dict(observed.event_words)
    columns = {name: _named(one, inside) for name, one in words.items()}
    columns |= {name: _named(one, owner) for name, one in observed.account_words.items()}
    return _Week(run.day, columns | {"priority": observed.event_numbers["priority"][inside]})


def _named(words: Words, of: Any) -> Any:
    return np.array([*words.words, ""])[words.codes[of]]


def _tfdv(week: _Week, profile: Profile) -> bool:
    for name, shares in profile.words.items():
        values, counts = np.unique(week.columns[name], return_counts=True)
        found = dict(zip(values.tolist(), counts.tolist(), strict=True))
        unknown = any(word not in shares for word in found)
        if unknown or _word_distance(found, int(counts.sum()), shares) > TFDV_THRESHOLD:
            return True
    return False


def _word_distance(counts: Mapping[str, int], total: int, shares: Mapping[str, float]) -> float:
    """Returns the largest difference of the share of a word, 0..1 (L-infinity), as TFDV has it."""
    size = max(total, 1)
    words = counts.keys() | shares.keys()
    return max((abs(counts.get(one, 0) / size - shares.get(one, 0.0)) for one in words), default=0)


def _write(path: Path, reference: _Week, weeks: Sequence[_Week]) -> None:
    arrays = {f"reference_{name}": values for name, values in reference.columns.items()}
    for number, week in enumerate(weeks):
        arrays |= {f"week{number}_{name}": values for name, values in week.columns.items()}
    np.savez(path, **arrays)


def evidently(python: str, folder: str) -> dict[str, dict[str, list[float | None]]]:
    """Returns by change, for any column and for the data set, the days until Evidently notices.

    The first week of each file is the one before the change.
    """
    script = Path(__file__).with_name("evidently_verdicts.py")
    subprocess.run([python, str(script), folder], check=True)
    found: dict[str, dict[str, list[float | None]]] = {}
    for path in sorted(Path(folder).glob("*.json")):
        number = int(path.name.partition("-")[0])
        change = NO_CHANGE if number == 99 else CHANGES[number]
        weeks = json.loads(path.read_text())
        own = found.setdefault(change, {"column": [], "data set": [], "before": []})
        own["before"].append(float(weeks[0][0] > 0))
        for name, said in (
            ("column", [columns > 0 for columns, _ in weeks]),
            ("data set", [whole for _, whole in weeks]),
        ):
            later = [7.0 * at for at, one in enumerate(said) if at and one]
            own[name].append(later[0] if later else None)
    return found


def told(days: Sequence[float | None]) -> str:
    """Returns how many were found, and the median delay with its interval of 95 %."""
    found = [one for one in days if one is not None]
    share = f"{len(found)} of {len(days)}"
    if not found:
        return f"{share:9} {'-':>16}"
    rng = np.random.default_rng(0)
    late = [WITHIN_DAYS + 1 if one is None else one for one in days]
    medians = np.median(rng.choice(late, (_RESAMPLES, len(late))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    ends = " to ".join(
        f">{WITHIN_DAYS}" if one > WITHIN_DAYS else f"{one:.0f}" for one in (low, high)
    )
    middle = float(np.median(late))
    shown = f">{WITHIN_DAYS}" if middle > WITHIN_DAYS else f"{middle:.0f}"
    return f"{share:9} {shown:>4} [{ends}]"


def report(worlds: int, processes: int, python: str) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        asked = [(one, number) for one in (NO_CHANGE, *CHANGES) for number in range(worlds)]
        names, numbers = zip(*asked, strict=True)
        kept = [folder if python and number < _OF_EVIDENTLY else "" for number in numbers]
        with ProcessPoolExecutor(processes, initializer=_nice) as pool:
            every = list(pool.map(detected, names, numbers, kept))
        others = evidently(python, folder) if python else {}
    print(f"{'change':18} {'Monitor':28} {'TFDV 0.01':26} {'Evidently, a column':26} data set")
    for change in (NO_CHANGE, *CHANGES):
        own = [one for one in every if one.change == change]
        cells = [told([one.days for one in own]), told([one.tfdv_days for one in own])]
        if change in others:
            cells += [told(others[change]["column"]), told(others[change]["data set"])]
        print(f"{change:18} {'   '.join(f'{cell:26}' for cell in cells)}".rstrip())
        names_of = [one.by for one in own if one.by]
        if names_of:
            print(f"{'':18} by {max(set(names_of), key=names_of.count)}")
    before = float(np.mean([one.tfdv_weeks for one in every]))
    print(f"weeks before the change that TFDV calls drifted: {before:.0%}")
    if others:
        said = [one for own in others.values() for one in own["before"] if one is not None]
        print(f"weeks before the change of which Evidently calls a column so: {np.mean(said):.0%}")
    both = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"CPU {sum(one.ru_utime + one.ru_stime for one in both):.0f} s")


_OF_EVIDENTLY: Final = 3
"""Worlds of each change that are shown to Evidently, which takes a second for each week."""


def _nice() -> None:
    os.nice(5)


def main() -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--evidently", default="", help="a Python that has evidently")
    given = parser.parse_args()
    report(given.worlds, given.processes, given.evidently)
    return 0


if __name__ == "__main__":
    sys.exit(main())
