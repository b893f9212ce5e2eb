"""The published accounts page by page: as quick at the end of a long list as at its beginning.

A page begins after the last account of the one before it, not after so many accounts: no row is
read to be passed over (https://use-the-index-luke.com/no-offset).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 -- it is a class

from components.postgres.queries import queries
from components.postgres.rows import records, value
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.account_list import Criteria, ListedAccount
from components.publishing.publication_log import LogEntry, PublicationLog

_QUERIES: Final = queries(__package__)
SIZE: Final = 50
"""Accounts of a page."""
COUNTED: Final = 10_000
"""Beyond so many accounts they are not counted."""
_CHUNK: Final = 5_000
_ALL: Final = sql.SQL("true")
_FORMER: Final = "coalesce(-abs(score.churn_probability - former.churn_probability), 1)"
SORTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "risk": "score.health_score",
        "moved": _FORMER,
        "account": "",
        "silence": "coalesce(-detail.days_since_last_event, 1)",
        "tenure": "coalesce(-detail.tenure_days, 1)",
    }
)
"""By name, a key that rises along the list; empty where the ids alone are the order."""


@dataclass(frozen=True)
class AskedPage(Criteria):
    """What is asked for, page by page.

    Tiers and regions are compared letter by letter: see `spellings`.

    Attributes:
        find: A part of the id; capitals do not matter; empty for all.
        starts: Whether the id begins with it.
    """

    find: str = ""
    starts: bool = False


@dataclass(frozen=True)
class Place:
    """Where a page begins or ends: the sort's key of an account, and its id."""

    key: float
    account_id: str


@dataclass(frozen=True)
class AccountPage:
    """A page.

    Attributes:
        accounts: In the order asked for.
        first: Where the page before ends; None where there is none.
        last: Where the next one begins; likewise.
    """

    accounts: Sequence[ListedAccount]
    first: Place | None
    last: Place | None


@dataclass(frozen=True)
class States:
    """Of what the list speaks.

    Attributes:
        layers: Publications that make up what is published, newest first.
        former: Those that make up the state that scores are compared with; empty without one.
        since: Of that state; None without one.
    """

    layers: Sequence[int]
    former: Sequence[int]
    since: LogEntry | None

    @classmethod
    def of(cls, log: PublicationLog, since: datetime | None = None) -> "States":
        """Returns the newest state, and the one to compare it with.

        Args:
            log: Of the account scores.
            since: A moment: what was published last as of then is compared with; None for the
                publication before. Without rows in the history nothing is.
        """
        former = log.before_full if since is None else _as_of(log, since)
        layers = log.layers(former) if former else None
        return cls(log.layers(log.newest) or (), layers or (), former if layers else None)


def _as_of(log: PublicationLog, moment: datetime) -> LogEntry | None:
    before = [one for one in log.not_undone if one.is_full and one.as_of <= moment]
    return before[-1] if before and before[-1] is not log.newest else None


@dataclass(frozen=True)
class AccountPages:
    """A list, of which pages are read inside the caller's transaction.

    Attributes:
        cursor: Of a transaction that sees one snapshot.
        states: Of what it speaks.
        asked: Which accounts, in which order.
    """

    cursor: Cursor
    states: States
    asked: AskedPage

    def page(self, *, after: Place | None = None, before: Place | None = None) -> AccountPage:
        """Reads one page.

        Args:
            after: Where it begins: with the next account.
            before: Where it ends, likewise; if neither is given, it is the first page.
        """
        backwards = before is not None
        places = self._places(before or after, SIZE + 1, backwards=backwards)
        is_more = len(places) > SIZE
        places = places[:SIZE]
        if backwards:
            places.reverse()
        if not places:
            return AccountPage((), None, None)
        has_before = is_more if backwards else after is not None
        has_after = backwards or is_more
        return AccountPage(
            self._listed([one.account_id for one in places]),
            places[0] if has_before else None,
            places[-1] if has_after else None,
        )

    def every(self, limit: int) -> Sequence[ListedAccount]:
        """Reads all pages, up to so many accounts."""
        accounts = [one.account_id for one in self._places(None, limit)]
        return [
            one
            for begin in range(0, len(accounts), _CHUNK)
            for one in self._listed(accounts[begin : begin + _CHUNK])
        ]

    def count(self) -> int:
        """Counts the accounts of all pages, up to COUNTED + 1."""
        conditions, values = self._conditions()
        statement = sql.SQL(_QUERIES["account_page_size"]).format(
            scores=ACCOUNT_RISK_SCORES.rows,
            joined=self._joined(sorts=False),
            conditions=sql.SQL(" AND ").join(conditions),
        )
        self.cursor.execute(statement, values | {"most": COUNTED + 1})
        return int(value(self.cursor))

    def _places(self, place: Place | None, limit: int, *, backwards: bool = False) -> list[Place]:
        conditions, values = self._conditions()
        key = SORTS[self.asked.sort]
        columns = [sql.SQL(key)] if key else []
        columns.append(sql.SQL("score.account_id"))
        if place is not None:
            conditions.append(
                sql.SQL("({}) {} ({})").format(
                    sql.SQL(", ").join(columns),
                    sql.SQL("<" if backwards else ">"),
                    sql.SQL("%(key)s, %(account_id)s" if key else "%(account_id)s"),
                )
            )
            values |= vars(place)
        direction = sql.SQL(" DESC" if backwards else "")
        statement = sql.SQL(_QUERIES["account_page"]).format(
            key=sql.SQL(key or "0::float8"),
            scores=ACCOUNT_RISK_SCORES.rows,
            joined=self._joined(sorts=True),
            conditions=sql.SQL(" AND ").join(conditions),
            order=sql.SQL(", ").join(one + direction for one in columns),
        )
        self.cursor.execute(statement, values | {"limit": limit})
        return [Place(float(key), account) for account, key in self.cursor.fetchall()]

    def _conditions(self) -> tuple[list[sql.Composable], dict[str, Any]]:
        asked = self.asked
        values: dict[str, Any] = {
            "find": asked.find.lower(),
            "bands": list(asked.bands),
            "tiers": list(asked.tiers),
            "regions": list(asked.regions),
            "moved_by": asked.moved_by,
        }
        found = {
            "true": True,
            "starts_with(lower(score.account_id), %(find)s)": asked.find and asked.starts,
            "strpos(lower(score.account_id), %(find)s) > 0": asked.find and not asked.starts,
            "score.risk_category = ANY(%(bands)s)": asked.bands,
            "detail.customer_tier = ANY(%(tiers)s)": asked.tiers,
            "detail.region = ANY(%(regions)s)": asked.regions,
            "(former.account_id IS NULL OR cardinality(%(bands)s::text[]) > 0 AND "
            "(former.risk_category = ANY(%(bands)s::text[])) IS NOT TRUE)": asked.new,
            # As the list of the command line does: 0.3 - 0.25 is no less than 0.05. The first
            # condition costs little, and leaves few rows to the other one.
            "abs(score.churn_probability - former.churn_probability) >= %(moved_by)s - 1e-8 AND "
            "round(abs(score.churn_probability - former.churn_probability)::numeric, 9) "
            ">= %(moved_by)s::numeric": asked.moved_by is not None,
        }
        return [sql.SQL(condition) for condition, wanted in found.items() if wanted], values

    def _joined(self, *, sorts: bool) -> sql.Composable:
        asked = self.asked
        by = asked.sort if sorts else ""
        parts: list[sql.Composable] = []
        if asked.tiers or asked.regions or by in ("silence", "tenure"):
            parts.append(
                sql.SQL("LEFT JOIN {} AS detail USING (account_id)").format(self._details())
            )
        if asked.new or asked.moved_by is not None or by == "moved":
            parts.append(
                sql.SQL("LEFT JOIN {} AS former USING (account_id)").format(self._former())
            )
        return sql.SQL("\n").join(parts)

    def _details(self, of: sql.Composable = _ALL) -> sql.Composable:
        """Returns the details of the published scores, of those accounts alone."""
        *later, oldest = self.states.layers or (None,)
        name = "details_of_layers" if later else "details_of_publication"
        return _rows(name, oldest, later, of)

    def _former(self, of: sql.Composable = _ALL) -> sql.Composable:
        """Returns the scores of the former state, likewise."""
        layers = self.states.former
        name = "scores_of_publication" if len(layers) == 1 else "scores_of_layers"
        return _rows(name, layers[-1] if layers else None, layers, of)

    def _listed(self, accounts: Sequence[str]) -> list[ListedAccount]:
        # Said of each table: the planner does not hand a list on from one to the other.
        of = sql.SQL("account_id = ANY(%(accounts)s)")
        statement = sql.SQL(_QUERIES["accounts_of_page"]).format(
            scores=ACCOUNT_RISK_SCORES.rows, former=self._former(of), details=self._details(of)
        )
        self.cursor.execute(statement, {"accounts": list(accounts)})
        found = {one.account_id: one for one in records(self.cursor, ListedAccount)}
        return [found[account] for account in accounts]


def _rows(
    name: str, publication: int | None, layers: Sequence[int | None], of: sql.Composable
) -> sql.Composable:
    query = sql.SQL(_QUERIES[name]).format(
        publication=sql.Literal(publication),
        layers=sql.Literal(list(layers)),
        of=of,
    )
    return sql.SQL("({})").format(query)


@dataclass(frozen=True)
class _Places:
    """Accounts of one tier and region."""

    customer_tier: str | None
    region: str | None
    accounts: int


def tiers_and_regions(cursor: Cursor, states: States) -> tuple[list[str], list[str]]:
    """Returns the tiers and the regions of the published accounts, the commonest first."""
    cursor.execute(_QUERIES["places_of_publications"], {"publications": list(states.layers)})
    tiers: dict[str, int] = {}
    regions: dict[str, int] = {}
    for one in records(cursor, _Places):
        for counts, name in ((tiers, one.customer_tier), (regions, one.region)):
            if name is not None:
                counts[name] = counts.get(name, 0) + one.accounts

    def ordered(counts: dict[str, int]) -> list[str]:
        return sorted(counts, key=lambda name: (-counts[name], name))

    return ordered(tiers), ordered(regions)


def spellings(wanted: str, known: Sequence[str]) -> tuple[str, ...]:
    """Returns what differs from a tier or region by capitals and blanks at its ends alone.

    The database compares columns as they are: of what a function makes of them it knows no
    statistics, and takes the slowest way.
    """
    folded = wanted.strip().lower()
    return tuple(one for one in known if one.strip().lower() == folded)
