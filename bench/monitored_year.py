"""A simulated year measured and judged by the functions of the component."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

import numpy as np

from bench.monitored_world import Kind, Run, simulated_runs
from components.monitor.alarms import moments
from components.monitor.measures import (
    FACT,
    Measure,
    measure_accounts,
    measure_events,
    measure_scores,
    watched_words,
)
from components.monitor.profile import Profile, profile_of
from components.monitor.run_measures import RunFacts, measure_input, measure_run
from components.monitor.thresholds import Judged, Series, judge
from components.registry.input_properties import CHURN, ChurnFacts, ExamplesProperties, Split

BEGIN: Final = datetime(2025, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Year:
    """What was measured in a year.

    Attributes:
        series: As Monitor judges them.
        measures: The first of each series.
    """

    series: Series
    measures: list[Measure]


def measured_year(kind: Kind, seed: int, change: str = "", on_day: int = 0) -> Year:
    """Simulates a year and measures each of its runs."""
    runs = simulated_runs(kind, seed, change, on_day)
    trained = next(runs)
    profile = profile_of(trained.observed, trained.scored.log_odds)
    place: dict[tuple[str, str, str, str], int] = {}
    firsts: list[Measure] = []
    rows: list[list[tuple[int, float, float]]] = []
    days: list[float] = []
    for run in runs:
        days.append(run.day)
        row = []
        for one in run_measures(run, profile, kind):
            if one.scale == FACT:
                continue
            at = place.setdefault(one.key, len(place))
            if at == len(firsts):
                firsts.append(one)
            row.append((at, one.value, one.observations))
        rows.append(row)
    values = np.full((len(rows), len(firsts)), np.nan)
    observations = np.zeros_like(values)
    for number, row in enumerate(rows):
        places, found, behind = zip(*row, strict=True)
        values[number, places], observations[number, places] = found, behind
    series = Series(
        days=np.array(days),
        values=values,
        observations=observations,
        scales=[one.scale for one in firsts],
        families=[one.family for one in firsts],
        of_model=np.array([one.of_model for one in firsts]),
        new_model=np.zeros(len(days), bool),
    )
    return Year(series, firsts)


def run_measures(run: Run, profile: Profile, kind: Kind) -> Iterator[Measure]:
    """Yields all measures of a run, as components/monitor/watch.py does."""
    watched = watched_words(run.observed, profile)
    yield from measure_events(run.observed, watched)
    yield from measure_accounts(run.observed, watched)
    yield from measure_scores(run.scored, run.categories, profile)
    as_of = BEGIN + timedelta(days=run.day)
    yield from measure_input(properties_of(run, as_of))
    facts = RunFacts(
        trained_as_of=BEGIN,
        published_before=as_of - timedelta(days=kind.every_days),
        costs=run.costs,
    )
    yield from measure_run(as_of, facts)


def properties_of(run: Run, as_of: datetime) -> ExamplesProperties:
    """Returns what FeedbackExampleGen would say of a run."""
    moment = as_of.isoformat()
    churn = ChurnFacts(run.churned, 0, 0, 0, 0, 0, 0, moment)
    return ExamplesProperties(
        as_of=moment,
        label_source="account_churn",
        duplicate_events="collapse",
        lookback_days=180,
        horizon_days=60,
        max_events=500,
        feedback_rows=run.rows,
        rows_without_account=run.unnamed,
        rows_in_future=0,
        rows_without_date=0,
        newest_feedback=(as_of - timedelta(days=run.age_days)).isoformat(),
        late_rows=0,
        rows_last_week=run.rows_week,
        accounts=run.with_feedback,
        duplicate_rows=0,
        accounts_with_one_row=0,
        accounts_changed_tier=0,
        accounts_changed_region=0,
        accounts_cut=0,
        accounts_with_slash=0,
        accounts_alike=0,
        splits={"score": Split(moment, run.observed.accounts, 0)},
        truth={CHURN: churn},
    )


def alarms_of(year: Year, judged: Judged) -> list[tuple[float, str]]:
    """Returns when alarms were opened, in days, and the measure that was most unusual."""
    found = judged.alarm.any(axis=1)
    with np.errstate(invalid="ignore"):
        ratio = np.nan_to_num(np.abs(judged.surprise) / judged.threshold).max(axis=0)
    days = year.series.days
    told = []
    for at in moments(found.tolist(), days.tolist()):
        one = year.measures[int(ratio[at].argmax())]
        told.append((float(days[at]), "/".join((one.family, *one.key))))
    return told


def judged_year(year: Year, false_alarms_per_year: float = 1.0) -> Judged:
    """Judges each run of a year by those before it."""
    return judge(year.series, false_alarms_per_year)
