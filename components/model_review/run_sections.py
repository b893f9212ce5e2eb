"""The sections of the report about the run: data, changes, lineage, costs."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fact:
    """A name and a value, both text for people."""

    name: str
    value: str


@dataclass(frozen=True)
class Change:
    """A number or a setting before and now; text for people."""

    name: str
    before: str
    now: str


@dataclass(frozen=True)
class Drift:
    """A feature compared between two splits.

    Attributes:
        feature: Its name.
        now: The split that was looked at.
        base: The split that it was compared with.
        distance: Jensen-Shannon divergence or L-infinity distance, [0, 1].
        limit: At which the check does not pass.
        verdict: Of the check.
    """

    feature: str
    now: str
    base: str
    distance: float
    limit: float
    verdict: str


@dataclass(frozen=True)
class Changes:
    """What is not as it was.

    Attributes:
        volume: Rows and accounts, against the last publication.
        drift: By feature, the furthest beyond its limit first.
        settings: Against those that the champion was trained with, where they differ.
        champion_version: Whose settings; None where there is no champion to compare with.
        since: as_of of the last publication, ISO 8601 UTC; empty where there is none.
    """

    volume: tuple[Change, ...]
    drift: tuple[Drift, ...]
    settings: tuple[Change, ...]
    champion_version: str | None
    since: str


@dataclass(frozen=True)
class DataCheck:
    """One check of the data gate, as components.data_checker.checks describes it."""

    name: str
    group: str
    splits: tuple[str, ...]
    found: Any
    bar: str
    verdict: str
    message: str


@dataclass(frozen=True)
class LabelledSplit:
    """Dates and size of a split.

    Attributes:
        name: train, eval or score.
        first: Its oldest cutoff, ISO 8601 UTC.
        last: Its newest cutoff.
        cutoffs: How many.
        snapshots: One for each account and cutoff.
        churned: Of them; None where labels are not known.
    """

    name: str
    first: str
    last: str
    cutoffs: int
    snapshots: int
    churned: int | None


@dataclass(frozen=True)
class Component:
    """What a component took.

    Attributes:
        name: Of the node.
        seconds: Wall clock.
        peak_mib: Highest resident memory of the process meanwhile, MiB; None if not known.
        outcome: done, failed or not run.
    """

    name: str
    seconds: float | None
    peak_mib: float | None
    outcome: str
