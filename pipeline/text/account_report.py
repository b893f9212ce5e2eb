"""What is shown of one account, put together."""

import math
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from components.errors import UnknownAccount
from components.publishing import account as accounts
from components.publishing.account import AccountDetails, AccountScore, EarlierScore, Period
from components.publishing.publication_log import recorded_bands

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

PERIODS: Final = 12
EARLIER: Final = 8
NO_DETAILS: Final = (
    "The score of {!r} was published without details, or restored by an "
    "undo that went further back than details are kept. `tens-insight run score` "
    "publishes them."
)


@dataclass(frozen=True)
class AccountReport:
    """All that is shown of one account.

    Attributes:
        account_id: As the database holds it.
        score: As published.
        details: None where the score was published without.
        bands: The rule of the category, a sentence.
        period_days: Length of a period of the timeline.
        critical_priority: Lowest priority that the timeline counts as critical, 1..5.
        timeline: Counts of feedback, newest period first; the last holds all before.
        earlier: Former scores, newest first.
    """

    account_id: str
    score: AccountScore
    details: AccountDetails | None
    bands: str | None
    period_days: int
    critical_priority: int
    timeline: list[Period]
    earlier: list[EarlierScore]

    @property
    def horizon_days(self) -> str | None:
        """Days of the horizon that the score itself speaks of, if known."""
        found = self.details.churn_by_horizon.items() if self.details else ()
        probability = self.score.churn_probability
        return next((days for days, value in found if math.isclose(value, probability)), None)

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return {**asdict(self), "horizon_days": self.horizon_days}


def account_report(
    cursor: "Cursor", account_id: str, *, period_days: int, collapse: bool, critical_priority: int
) -> AccountReport:
    """Reads everything about one account, inside the caller's transaction.

    Args:
        cursor: Of a transaction that sees one snapshot.
        account_id: Letter by letter.
        period_days: Length of a period of the timeline.
        collapse: Whether feedback equal in all but its id counts once, as for the model.
        critical_priority: Lowest priority that is critical, 1..5.

    Raises:
        UnknownAccount: It has no score; says whether it has feedback, and similar ids.
    """
    score = accounts.account_score(cursor, account_id)
    if score is None:
        raise UnknownAccount(_unknown(cursor, account_id))
    details = accounts.account_details(cursor, account_id)
    timeline = accounts.account_timeline(
        cursor,
        account_id,
        score.as_of,
        days=period_days,
        periods=PERIODS,
        collapse=collapse,
        critical_priority=critical_priority,
    )
    return AccountReport(
        account_id=account_id,
        score=score,
        details=details,
        bands=recorded_bands(details.risk_bands).describe() if details else None,
        period_days=period_days,
        critical_priority=critical_priority,
        timeline=timeline,
        earlier=accounts.earlier_scores(cursor, account_id, score.as_of, EARLIER),
    )


def _unknown(cursor: "Cursor", account_id: str) -> str:
    feedback = accounts.account_feedback(cursor, account_id)
    if feedback.rows:
        said = (
            f"There is no score of account {account_id!r}, though it has feedback "
            f"({feedback.rows} rows) from {_day(feedback.first)} to {_day(feedback.last)}: it came "
            "after the last run, or had churned by then. `tens-insight run score` scores all that "
            "are alive."
        )
    else:
        said = f"There is no account {account_id!r}: it has neither a score nor feedback."
    similar = accounts.similar_accounts(cursor, account_id)
    return f"{said} Did you mean {' or '.join(map(repr, similar))}?" if similar else said


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"
