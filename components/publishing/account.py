"""Everything that the database can tell of one account, without the text of its feedback."""

import difflib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.moments import EARLIEST, LATEST
from components.postgres.queries import queries
from components.postgres.rows import one_record, record, records

_QUERIES: Final = queries(__package__)

_COMPARED: Final = 200_000
_NAMED: Final = 3


@dataclass(frozen=True)
class AccountScore:
    """The published score: probability in 0..1, health in 0..100, as_of in UTC."""

    churn_probability: float
    health_score: float
    risk_category: str
    as_of: datetime
    model_version: str


@dataclass(frozen=True)
class AccountDetails:
    """A row of account_risk_details, see the comments on its columns.

    Attributes:
        publication_id: That wrote it.
        percentile: 0..100.
        lift: Over base_rate; None where the model tells no base rate.
        base_rate: In (0, 1).
        churn_by_horizon: Probability by days.
        tenure_days: Days.
        days_since_last_event: Days.
        silence_state: new, active, quiet or silent.
        base_log_odds: None where the model gives no reasons.
        other_log_odds: Of the reasons that are not listed.
        reasons: group, direction, log_odds and text of each.
        other_reasons: group and log_odds of those that are not listed; None where they were not
            recorded.
        customer_tier: As the model saw it; None where it was not recorded.
        region: Likewise.
        risk_bands: As the publication recorded them.
        horizons_judged: Of churn_by_horizon, the days that the model gate could judge, rising; None
            where that was not recorded.
    """

    publication_id: int
    percentile: float
    lift: float | None
    base_rate: float | None
    churn_by_horizon: dict[str, float]
    tenure_days: float
    days_since_last_event: float
    silence_state: str
    base_log_odds: float | None
    other_log_odds: float | None
    reasons: list[dict[str, Any]] | None
    other_reasons: list[dict[str, Any]] | None
    customer_tier: str | None
    region: str | None
    risk_bands: dict[str, Any] | None
    horizons_judged: list[int] | None


@dataclass(frozen=True)
class EarlierScore:
    """A former publication of the account's score; as_of is UTC."""

    as_of: datetime
    churn_probability: float
    risk_category: str
    model_version: str
    publication_id: int


@dataclass(frozen=True)
class Period:
    """Feedback in one period of the timeline.

    Attributes:
        period: Periods back from as_of, 0 for the newest; the last holds all before it.
        events: Rows, of which by sentiment and of critical priority:
        negative: Rows.
        neutral: Rows.
        positive: Rows.
        critical: Rows.
    """

    period: int
    events: int
    negative: int
    neutral: int
    positive: int
    critical: int


@dataclass(frozen=True)
class Feedback:
    """How much feedback of an account there is, and from when to when, UTC.

    Attributes:
        rows: All rows.
        dated: Those with a possible date.
        first: The oldest of these; None without any.
        last: The newest of these; likewise.
    """

    rows: int
    dated: int
    first: datetime | None
    last: datetime | None


def account_score(cursor: Cursor, account_id: str) -> AccountScore | None:
    """Returns the published score, if there is one."""
    cursor.execute(_QUERIES["account_score"], {"account_id": account_id})
    return record(cursor, AccountScore)


def account_details(cursor: Cursor, account_id: str) -> AccountDetails | None:
    """Returns the details of the published score, if it was published with any."""
    cursor.execute(_QUERIES["account_details"], {"account_id": account_id})
    return record(cursor, AccountDetails)


def earlier_scores(
    cursor: Cursor, account_id: str, as_of: datetime, limit: int
) -> list[EarlierScore]:
    """Returns what was published of the account before as_of, newest first."""
    values = {"account_id": account_id, "as_of": as_of, "limit": limit}
    cursor.execute(_QUERIES["account_history"], values)
    return records(cursor, EarlierScore)


def account_timeline(
    cursor: Cursor,
    account_id: str,
    as_of: datetime,
    *,
    days: int,
    periods: int,
    collapse: bool,
    critical_priority: int,
) -> list[Period]:
    """Counts the account's feedback before as_of, period by period.

    Args:
        cursor: Of a transaction.
        account_id: The account.
        as_of: Feedback of this moment or later does not count.
        days: Length of a period.
        periods: How many to tell apart; what lies before them is one more.
        collapse: Whether rows equal in all but their id count once.
        critical_priority: Lowest priority that is critical, 1..5.

    Returns:
        periods + 1 of them, newest first, those without feedback too.
    """
    values = {
        "account_id": account_id,
        "as_of": as_of,
        "earliest": EARLIEST,
        "days": days,
        "periods": periods,
        "collapse": collapse,
        "critical_priority": critical_priority,
    }
    cursor.execute(_QUERIES["account_timeline"], values)
    by_number = {period.period: period for period in records(cursor, Period)}
    return [by_number.get(n, Period(n, 0, 0, 0, 0, 0)) for n in range(periods + 1)]


def account_feedback(cursor: Cursor, account_id: str) -> Feedback:
    """Counts all feedback of an account, whatever its date."""
    values = {"account_id": account_id, "earliest": EARLIEST, "latest": LATEST}
    cursor.execute(_QUERIES["account_feedback"], values)
    return one_record(cursor, Feedback)


def similar_accounts(cursor: Cursor, account_id: str) -> list[str]:
    """Returns scored accounts of similar ids, the most similar first."""
    cursor.execute(_QUERIES["similar_accounts"], {"account_id": account_id, "limit": _COMPARED})
    ids: dict[str, str] = {}
    for (scored,) in cursor.fetchall():
        ids.setdefault(scored.strip().lower(), scored)
    near = difflib.get_close_matches(account_id.strip().lower(), ids, n=_NAMED, cutoff=0.75)
    inside = [key for key in ids if account_id.strip() and account_id.strip().lower() in key]
    return [ids[key] for key in dict.fromkeys([*near, *inside])][:_NAMED]
