"""Histories for bench.cold_start, as events in memory: no database, no Transform, no training.

An account's events before a cutoff become what an example lists of them; what the label says comes
from the world itself, or from labels.csv.gz of a recorded history.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bench import estimation_worlds
from bench.history_folder import read_folder
from pipeline.demo import world_model as model
from pipeline.demo.world import WEEK_SECONDS, World, draw_blocks
from transforms.columns import PRIORITY
from transforms.history import History
from transforms.thresholds import CRITICAL_PRIORITY

ACCOUNTS = 8_000
WEEKS = 80
CUTOFF_WEEKS = (62, 71)
"""Of a simulated world; both windows are closed at its end."""
LOOKBACK_DAYS = 180
HORIZON_DAYS = 60
MAX_EVENTS = 500
CHURN_DATES = "churn dates"
INACTIVITY = "inactivity"


Array = npt.NDArray[Any]


class Events(NamedTuple):
    """Rows that name an account, by account and then time, [rows] each."""

    account: Array
    day: Array
    """Days on the clock of the history."""
    negative: Array
    positive: Array
    priority: Array

    def of(self, rows: Array) -> "Events":
        """Returns some of the rows."""
        return Events(*(column[rows] for column in self))


class Labelled(NamedTuple):
    """The n accounts of a history at one cutoff."""

    history: History
    labels: Array
    """0 or 1, float64 [n]."""


def simulated(scenario: str, shift: float, label: str, seed: int) -> Iterator[Labelled]:
    """Yields a world of pipeline/demo at its cutoffs.

    Args:
        scenario: A name in SCENARIOS.
        shift: Added to its churn logit, for another base rate.
        label: CHURN_DATES, or INACTIVITY: silence through the horizon.
        seed: Of the world.
    """
    own = model.SCENARIOS[scenario]
    free, pro, enterprise = (one + shift for one in own.intercepts)
    own = replace(own, intercepts=(free, pro, enterprise))
    events, left = _drawn(World(own, ACCOUNTS, WEEKS, seed))
    for week in CUTOFF_WEEKS:
        cutoff = 7.0 * week
        if label == INACTIVITY:
            yield _inactive(events, len(left), cutoff)
        else:
            yield _labelled(events, left > cutoff, left < cutoff + HORIZON_DAYS, cutoff)


def estimated(rate: str, kind: str, seed: int) -> Iterator[Labelled]:
    """Yields a world of bench/estimation_worlds.py at its evaluation cutoff.

    Its rows are counted by week; within a week they lie at random.
    """
    record = estimation_worlds.recorded(seed, rate, kind)
    left = _left(record.last_week, len(record.present))
    cutoff = 7.0 * estimation_worlds.EVALUATION
    events = _spread(record.counts, np.random.default_rng([seed, 99]))
    yield _labelled(events, left > cutoff, left < cutoff + HORIZON_DAYS, cutoff)


def recorded(path: Path, *, training: bool = False) -> Iterator[Labelled]:
    """Yields a recorded history at its test cutoff, or at all cutoffs before.

    Args:
        path: As bench/history_folder.py says.
        training: Whether those before the test are wanted.
    """
    folder = read_folder(path)
    events, accounts = _read(path)
    labels = _read_labels(path)
    for cutoff in folder.training_cutoffs if training else (folder.eval_cutoff,):
        own = labels[f"{cutoff:%Y-%m-%d}"]
        there = np.array([one in own for one in accounts])
        churned = np.array([own.get(one, 0) for one in accounts], dtype=bool)
        day = cutoff.timestamp() / 86_400
        yield _labelled(events, there, churned, day, folder.lookback_days)


def _drawn(world: World) -> tuple[Events, Array]:
    """Draws all rows that name their account, and the day on which each account leaves."""
    parts, last = [], []
    for block in draw_blocks(world):
        rows = block.feedback
        order = np.lexsort((rows.second, rows.account))
        order = order[rows.identified[order]]
        parts.append(
            Events(
                block.accounts.first + rows.account[order],
                rows.second[order] / 86_400,
                rows.sentiment[order] == model.SENTIMENT_NAMES.index("negative"),
                rows.sentiment[order] == model.SENTIMENT_NAMES.index("positive"),
                rows.priority[order],
            )
        )
        last.append(block.course.last_week)
    events = Events(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return events, _left(np.concatenate(last), world.weeks)


def _left(last_week: Array, weeks: int) -> Array:
    days = WEEK_SECONDS / 86_400
    return np.where(last_week < weeks, (last_week + 1) * days, np.inf)


def _spread(counts: Array, rng: np.random.Generator) -> Events:
    """Makes rows of counts [rows, negative, positive, critical; weeks; accounts]."""
    rows, negative, positive, critical = counts
    week, account = np.nonzero(rows)
    times = rows[week, account].astype(int)
    group = np.repeat(np.arange(len(times)), times)
    place = np.arange(len(group)) - np.repeat(np.cumsum(times) - times, times)
    shuffled = np.empty_like(place)
    shuffled[np.lexsort((rng.random(len(group)), group))] = place

    def each(of: Array) -> Array:
        return np.repeat(of[week, account], times)

    is_negative = place < each(negative)
    events = Events(
        np.repeat(account, times),
        7 * (np.repeat(week, times) + rng.random(len(group)) * 0.999),
        is_negative,
        ~is_negative & (place < each(negative) + each(positive)),
        np.where(shuffled < each(critical), CRITICAL_PRIORITY, 1),
    )
    return events.of(np.lexsort((events.day, events.account)))


def _inactive(events: Events, accounts: int, cutoff: float) -> Labelled:
    """Who wrote within the lookback is there; who writes nothing through the horizon has left."""
    recent = (events.day < cutoff) & (cutoff - events.day <= LOOKBACK_DAYS)
    later = (events.day >= cutoff) & (events.day < cutoff + HORIZON_DAYS)
    there = np.bincount(events.account[recent], minlength=accounts) > 0
    silent = np.bincount(events.account[later], minlength=accounts) == 0
    return _labelled(events, there, silent, cutoff)


def _labelled(
    events: Events,
    there: Array,
    churned: Array,
    cutoff: float,
    lookback_days: float = LOOKBACK_DAYS,
) -> Labelled:
    """Returns the accounts that are there and have written, as examples show them."""
    before = events.of(events.day < cutoff)
    size = len(there)
    count = np.bincount(before.account, minlength=size)
    kept = there & (count > 0)
    first, last = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(first, before.account, before.day)
    np.maximum.at(last, before.account, before.day)
    tones = [np.bincount(before.account, one, size) for one in (before.negative, before.positive)]
    listed = before.of(kept[before.account] & (cutoff - before.day <= lookback_days))
    ends = np.cumsum(np.bincount(listed.account, minlength=size))
    newer = ends[listed.account] - 1 - np.arange(len(listed.account))
    listed, newer = listed.of(newer < MAX_EVENTS), newer[newer < MAX_EVENTS]
    history = History(
        tenure=_numbers(cutoff - first[kept]),
        silence=_numbers(cutoff - last[kept]),
        lifetime=_numbers(np.stack([count, *tones], axis=1)[kept]),
        rows=tf.constant((np.cumsum(kept) - 1)[listed.account], tf.int64),
        newer=tf.constant(newer, tf.int64),
        age=_numbers(cutoff - listed.day),
        negative=_numbers(listed.negative),
        positive=_numbers(listed.positive),
        critical=_numbers(listed.priority >= CRITICAL_PRIORITY),
        columns={PRIORITY.name: _numbers(listed.priority)},
    )
    return Labelled(history, churned[kept].astype(np.float64))


def _numbers(values: Array) -> tf.Tensor:
    return tf.constant(np.asarray(values, np.float64))


def _read(path: Path) -> tuple[Events, list[str]]:
    """Reads the rows that name an account, and the accounts."""
    with gzip.open(path / "feedback_enriched.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["account_id"]]
    names, account = np.unique([row["account_id"] for row in rows], return_inverse=True)
    tone = np.array([row["sentiment"] for row in rows])
    events = Events(
        account,
        np.array([_moment(row["created_at"]).timestamp() / 86_400 for row in rows]),
        tone == "negative",
        tone == "positive",
        np.array([int(row["priority"]) for row in rows]),
    )
    return events.of(np.lexsort((events.day, events.account))), names.tolist()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc)


def _read_labels(path: Path) -> dict[str, dict[str, int]]:
    """Reads the recorded labels, by cutoff and account."""
    found: dict[str, dict[str, int]] = {}
    with gzip.open(path / "labels.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["cutoff"], {})[row["account_id"]] = int(row["churned"])
    return found
