"""The published accounts as a list to work from: filtered, sorted, beside their former scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.errors import UnknownAccount, did_you_mean
from components.postgres.queries import queries
from components.postgres.rows import records
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.history import rebuilt_rows
from components.publishing.publication_log import LogEntry, read_log
from components.publishing.staging import count_rows

_QUERIES: Final = queries(__package__)

SORTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "risk": "score.churn_probability DESC",
        "moved": "abs(score.churn_probability - former.churn_probability) DESC NULLS LAST, "
        "score.churn_probability DESC",
        "account": 'score.account_id COLLATE "C"',
        "silence": "detail.days_since_last_event DESC NULLS LAST, score.churn_probability DESC",
        "tenure": "detail.tenure_days DESC NULLS LAST, score.churn_probability DESC",
    }
)
"""Orders of the list by name; accounts that are equal in one are in the order of their ids."""


@dataclass(frozen=True)
class Criteria:
    """Which accounts are asked for; an empty tuple or None asks for nothing in particular.

    Attributes:
        bands: Risk categories.
        tiers: Customer tiers.
        regions: Regions.
        new: Only accounts that were not in this list in the former state: those without a score
            there and, where bands are asked for, those that were in another band.
        moved_by: Least change of the probability since the former state, 0..1.
        sort: One of SORTS.
    """

    bands: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    new: bool = False
    moved_by: float | None = None
    sort: str = "risk"

    @property
    def compares(self) -> bool:
        """Whether the former state decides what is in the list, or in which order."""
        return self.new or self.moved_by is not None or self.sort == "moved"


@dataclass(frozen=True)
class Wanted(Criteria):
    """What is asked for, as one list; the former state is the previous publication.

    Of tiers and regions capitals and blanks at the ends do not matter.

    Attributes:
        limit: How many accounts at most; None for all.
    """

    limit: int | None = None


@dataclass(frozen=True)
class ListedAccount:
    """One account with its published score; what was published without is None.

    Attributes:
        account_id: As the database holds it.
        churn_probability: 0..1.
        health_score: 0..100.
        risk_category: low, medium, high or critical.
        as_of: The moment that the score speaks of, UTC.
        model_version: The model that scored it.
        former_probability: Of the previous publication; None where it had no score.
        former_category: Likewise.
        customer_tier: As the model saw it.
        region: Likewise.
        silence_state: new, active, quiet or silent.
        tenure_days: Days.
        days_since_last_event: Days.
        lift: Times the base rate.
        reasons: As in account_risk_details.
        holdout: Whether it is to be left alone.
        matching: How many accounts are asked for, whatever the limit.
    """

    account_id: str
    churn_probability: float
    health_score: float
    risk_category: str
    as_of: datetime
    model_version: str
    former_probability: float | None
    former_category: str | None
    customer_tier: str | None
    region: str | None
    silence_state: str | None
    tenure_days: float | None
    days_since_last_event: float | None
    lift: float | None
    reasons: list[dict[str, Any]] | None
    holdout: bool | None
    matching: int

    @property
    def moved(self) -> float | None:
        """Change of the probability since the previous publication."""
        if self.former_probability is None:
            return None
        return self.churn_probability - self.former_probability

    @property
    def first_reason(self) -> dict[str, Any] | None:
        """The reason that raises the risk most; None where none does."""
        raising = [one for one in self.reasons or () if one["log_odds"] > 0]
        return max(raising, key=lambda one: float(one["log_odds"])) if raising else None


@dataclass(frozen=True)
class AccountList:
    """The accounts that were asked for.

    Attributes:
        accounts: In the order asked for.
        matching: How many there are, whatever the limit.
        published: How many accounts have a score.
        newest: The publication that the table shows; None before the first.
        previous: The one that former scores are of; None where there is none.
        former_known: Whether the rows of that one are still in the history.
    """

    accounts: Sequence[ListedAccount]
    matching: int
    published: int
    newest: LogEntry | None
    previous: LogEntry | None
    former_known: bool


def list_accounts(cursor: Cursor, wanted: Wanted) -> AccountList:
    """Reads the list, inside the caller's transaction.

    Args:
        cursor: Of a transaction that sees one snapshot.
        wanted: What is asked for.

    Raises:
        UnknownAccount: No account is of a tier or region that was asked for, or the previous
            publication decides and its rows are gone.
    """
    log = read_log(cursor, ACCOUNT_RISK_SCORES)
    # The day before, not the minute before: an incremental publication begins no new state.
    former_state = log.before_full
    layers = log.layers(former_state) if former_state else []
    if layers is None and wanted.compares:
        raise UnknownAccount(
            "What changed since the previous publication is not known: its rows were dropped from "
            "the history (TENS_INSIGHT_HISTORY_DAYS says when)."
        )
    published = count_rows(cursor, ACCOUNT_RISK_SCORES.identifier)
    for column, asked in (("customer_tier", wanted.tiers), ("region", wanted.regions)):
        if published:
            _require_known(cursor, column, asked)
    former = rebuilt_rows(ACCOUNT_RISK_SCORES, layers or [])
    statement = sql.SQL(_QUERIES["account_list"]).format(
        scores=ACCOUNT_RISK_SCORES.rows, former=former, order=sql.SQL(SORTS[wanted.sort])
    )
    values = {
        "bands": list(wanted.bands) or None,
        "tiers": _folded(wanted.tiers),
        "regions": _folded(wanted.regions),
        "new": wanted.new,
        "moved_by": wanted.moved_by,
        "limit": wanted.limit,
    }
    cursor.execute(statement, values)
    accounts = records(cursor, ListedAccount)
    return AccountList(
        accounts=accounts,
        matching=accounts[0].matching if accounts else 0,
        published=published,
        newest=log.newest,
        previous=former_state,
        former_known=layers is not None,
    )


def _require_known(cursor: Cursor, column: str, asked: Sequence[str]) -> None:
    """Refuses a tier or region that no account has: an empty list would look like good news."""
    if not asked:
        return
    statement = sql.SQL(_QUERIES["account_values"]).format(column=sql.Identifier(column))
    cursor.execute(statement)
    known = [value for (value,) in cursor.fetchall()]
    what = column.replace("_", " ")
    if not known:
        raise UnknownAccount(
            f"No {what} is recorded with the published scores: they were published before it was, "
            "or without details. `tens-insight run score` records it."
        )
    folded = {value.strip().lower(): value for value in known}
    for value in asked:
        if value.strip().lower() not in folded:
            hint = did_you_mean(value.strip().lower(), folded)
            named = ", ".join(repr(one) for one in known[:20])
            raise UnknownAccount(f"No account has the {what} {value!r}.{hint} There are {named}.")


def _folded(values: Sequence[str]) -> list[str] | None:
    return [value.strip().lower() for value in values] or None
