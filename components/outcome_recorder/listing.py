"""Reads back what is known of outcomes: progress, performance by month, missed churn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import one_record, records, value

_QUERIES: Final = queries(__package__)


@dataclass(frozen=True)
class Asked:
    """What is asked for; None asks for nothing in particular.

    Attributes:
        horizon_days: Days; None for the horizon of churn_probability.
        model_version: Begin of a version.
        slice: overall, customer_tier, region or silence_state; None for all.
        since: Only accounts that left since then, UTC.
        limit: Accounts at most; None for all.
        missed: Whether accounts that left with a low score are listed, or only counted.
    """

    horizon_days: int | None = None
    model_version: str | None = None
    slice: str | None = "overall"
    since: datetime | None = None
    limit: int | None = None
    missed: bool = False


@dataclass(frozen=True)
class Progress:
    """How far outcomes are known.

    Attributes:
        windows: Of all publications and horizons.
        over: Of them, those that were over as of the newest publication.
        measured: Of these, those that a run measured.
        not_known: Of these, those of which nothing is known but who left.
        rows_corrected: Outcomes that changed after they were measured.
        next_closes_at: When the next window is over, UTC; None without any.
        next_horizon_days: Its horizon.
        as_of: Of the newest publication, UTC; None without any.
    """

    windows: int
    over: int
    measured: int
    not_known: int
    rows_corrected: int
    next_closes_at: datetime | None
    next_horizon_days: int | None
    as_of: datetime | None


@dataclass(frozen=True)
class MonthlyMetric:
    """One metric of a model in a month; the names are those of the query."""

    model_version: str
    month: str
    horizon_days: int
    kind: str
    slice: str
    slice_value: str
    band: str
    metric: str
    publications: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PublishedMetric:
    """One metric of a publication at its main horizon; the names are those of the query."""

    publication_id: int
    as_of: datetime
    model_version: str
    horizon_days: int
    kind: str
    band: str
    metric: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class MissedAccount:
    """An account that left with a low score; the names are those of the table.

    Attributes:
        matching: How many accounts are asked for, whatever the limit.
    """

    account_id: str
    left_at: datetime
    publication_id: int
    horizon_days: int
    as_of: datetime
    model_version: str
    churn_probability: float
    customer_tier: str | None
    region: str | None
    silence_state: str | None
    reasons: dict[str, float] | None
    events_after: int
    negative_after: int
    neutral_after: int
    positive_after: int
    critical_after: int
    matching: int


@dataclass(frozen=True)
class Outcomes:
    """What `tens-insight outcomes` shows.

    Attributes:
        progress: How far outcomes are known.
        metrics: Performance by month.
        missed_accounts: How many accounts left with a low score.
        missed: Those that are listed.
    """

    progress: Progress
    metrics: Sequence[MonthlyMetric]
    missed_accounts: int
    missed: Sequence[MissedAccount]


def read_outcomes(cursor: Cursor, asked: Asked) -> Outcomes:
    """Reads it, inside the caller's transaction.

    Raises:
        ContractBroken: A table or the right to read it is missing.
    """
    values: dict[str, Any] = vars(asked)
    progress = read_progress(cursor)
    cursor.execute(_QUERIES["performance_by_month"], values)
    metrics = records(cursor, MonthlyMetric)
    if not asked.missed:
        cursor.execute(_QUERIES["count_missed"], values)
        return Outcomes(progress, metrics, int(value(cursor)), ())
    cursor.execute(_QUERIES["missed_churn"], values)
    missed = records(cursor, MissedAccount)
    return Outcomes(progress, metrics, missed[0].matching if missed else 0, missed)


def read_progress(cursor: Cursor) -> Progress:
    """Reads how far outcomes are known."""
    cursor.execute(_QUERIES["progress"])
    return one_record(cursor, Progress)


def read_course(cursor: Cursor) -> list[PublishedMetric]:
    """Reads the performance of each publication on all its accounts, oldest first."""
    cursor.execute(_QUERIES["performance_course"])
    return records(cursor, PublishedMetric)
