"""The score of one account over time, and what moved it since a former publication."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.contributions.secants import parts_by_group
from components.postgres.queries import queries
from components.postgres.rows import records

_QUERIES: Final = queries(__package__)
MONTH: Final = timedelta(days=30)


@dataclass(frozen=True)
class PublishedScore:
    """One published score of the account; as_of is UTC."""

    as_of: datetime
    publication_id: int
    churn_probability: float
    risk_category: str


@dataclass(frozen=True)
class KeptParts:
    """What one score of the account is made of; log_odds is None where no reasons were recorded."""

    publication_id: int
    as_of: datetime
    model_version: str
    probability: float
    groups: list[str]
    log_odds: list[float] | None


@dataclass(frozen=True)
class AccountMove:
    """What moved the score of an account since a former publication.

    Attributes:
        publication_id: The former publication.
        as_of: Of it, UTC.
        days: Days from it to the score.
        before: Probability then.
        after: Probability now.
        groups: What each feature group adds, largest first; empty where two models scored, whose
            contributions cannot be compared, or where no reasons were recorded.
        rest: What no group is known for; groups and rest add up to after - before.
        former_model: The model that scored then, where it was another one.
    """

    publication_id: int
    as_of: datetime
    days: float
    before: float
    after: float
    groups: dict[str, float]
    rest: float
    former_model: str | None

    @property
    def change(self) -> float:
        """The whole move of the probability."""
        return self.after - self.before


@dataclass(frozen=True)
class AccountCourse:
    """The account's own history.

    Attributes:
        scores: Published scores, oldest first.
        since_last: What moved it since the publication before; None where that is not kept.
        since_month: Since the kept publication that is nearest to 30 days before, where that is
            another one than since_last.
    """

    scores: list[PublishedScore]
    since_last: AccountMove | None
    since_month: AccountMove | None


def account_course(cursor: Cursor, account_id: str, as_of: datetime) -> AccountCourse:
    """Reads the history of one account up to the score of a moment.

    Args:
        cursor: Of a transaction that sees one state of the database.
        account_id: Byte for byte.
        as_of: Of its published score.
    """
    values = {"account_id": account_id, "as_of": as_of}
    cursor.execute(_QUERIES["scores_of_account"], values)
    scores = records(cursor, PublishedScore)
    cursor.execute(_QUERIES["parts_of_account"], values)
    parts = records(cursor, KeptParts)
    if not parts or parts[-1].as_of != as_of:
        return AccountCourse(scores, None, None)
    *former, now = parts
    if not former:
        return AccountCourse(scores, None, None)
    last, month = former[-1], nearest(former, as_of - MONTH)
    return AccountCourse(
        scores,
        move_between(last, now),
        move_between(month, now) if month is not last else None,
    )


def nearest(kept: Sequence[KeptParts], moment: datetime) -> KeptParts:
    """Returns the one whose as_of is nearest to a moment; of two the later."""
    return min(reversed(kept), key=lambda one: abs(one.as_of - moment))


def move_between(before: KeptParts, after: KeptParts) -> AccountMove:
    """Divides the move of a score; the parts add up to it."""
    groups: dict[str, float] = {}
    same_model = before.model_version == after.model_version
    if same_model and before.groups == after.groups and before.log_odds and after.log_odds:
        then, now = (before.probability, before.log_odds), (after.probability, after.log_odds)
        groups = parts_by_group(then, now, after.groups)
    move = after.probability - before.probability
    return AccountMove(
        publication_id=before.publication_id,
        as_of=before.as_of,
        days=(after.as_of - before.as_of) / timedelta(days=1),
        before=before.probability,
        after=after.probability,
        groups=groups,
        rest=move - sum(groups.values()),
        former_model=None if same_model else before.model_version,
    )
