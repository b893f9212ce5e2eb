"""The published accounts: found, filtered, sorted, page by page, and as CSV."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from components.page import numbers
from components.page.blocks import BAD, QUIET, WARN, Badge, Cell, Link, Noted, Table
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.account_list import ListedAccount
from components.publishing.account_page import (
    COUNTED,
    SORTS,
    AccountPage,
    AccountPages,
    AskedPage,
    Place,
    States,
    spellings,
    tiers_and_regions,
)
from components.publishing.publication_log import LogEntry, read_log
from pipeline.pages.page import (
    CSV,
    Page,
    Query,
    Shown,
    View,
    Whole,
    WrongQuestion,
    address,
    for_form,
    from_form,
    storable,
)
from pipeline.text.accounts import csv_of
from serving_model.reasons.factors import factor

PATH: Final = "/pages/accounts"
_CSV_PATH: Final = "/pages/accounts.csv"
BANDS: Final = {"critical": BAD, "high": WARN, "medium": QUIET, "low": QUIET}
"""And their tones."""
_SORTS: Final = {
    "risk": "risk",
    "moved": "change",
    "silence": "silence",
    "tenure": "tenure",
    "account": "id",
}
_MOST: Final = 100_000
"""Accounts of a CSV; the command line writes more."""
_NONE: Final = numbers.MINUS
_COLUMNS: Final = (
    *("Account", "Risk#", "Band", "Moved, points#", "Tier", "Region", "State"),
    "What raises it most",
)


@dataclass(frozen=True)
class Filter:
    """What the form asks for, as texts that are put back into it.

    Attributes:
        find: A part of an id.
        starts: Whether ids begin with it.
        bands: Risk bands.
        tier: A customer tier; empty for all.
        region: Likewise.
        new: Whether only what is new is asked for.
        moved_by: Percent points; empty for none.
        since: A day with which scores are compared; empty for the publication before.
        sort: One of SORTS.
    """

    find: str
    starts: bool
    bands: Sequence[str]
    tier: str
    region: str
    new: bool
    moved_by: str
    since: str
    sort: str

    @classmethod
    def of(cls, query: Query) -> "Filter":
        """Reads it.

        Raises:
            WrongQuestion: A band or an order is none.
        """
        bands, sort = query.all("band"), query.get("sort") or "risk"
        if unknown := [one for one in bands if one not in BANDS]:
            raise WrongQuestion(f"{unknown[0]!r} is no risk band: {', '.join(BANDS)}.")
        if sort not in SORTS:
            raise WrongQuestion(f"{sort!r} is no order: {', '.join(SORTS)}.")
        return cls(
            find=query.get("find").strip(),
            starts=bool(query.get("starts")),
            bands=tuple(one for one in BANDS if one in bands),
            tier=from_form(query.get("tier")),
            region=from_form(query.get("region")),
            new=bool(query.get("new")),
            moved_by=query.get("moved_by").strip(),
            since=query.get("since").strip(),
            sort=sort,
        )

    def asked(self, tiers: Sequence[str], regions: Sequence[str]) -> AskedPage:
        """Returns what is asked of the database.

        Args:
            tiers: All that there are.
            regions: Likewise.

        Raises:
            WrongQuestion: The change is no number of percent points, or no account is of the tier
                or the region: an empty list would look like good news.
        """
        return AskedPage(
            find=self.find,
            starts=self.starts,
            bands=tuple(self.bands),
            tiers=_known("tier", self.tier, tiers),
            regions=_known("region", self.region, regions),
            new=self.new,
            moved_by=_percent(self.moved_by) if self.moved_by else None,
            sort=self.sort,
        )

    @property
    def until(self) -> datetime | None:
        """The end of the day with which scores are compared, UTC.

        Raises:
            WrongQuestion: It is no day.
        """
        if not self.since:
            return None
        try:
            day = datetime.strptime(self.since, "%Y-%m-%d").replace(tzinfo=timezone.utc)
        except ValueError:
            raise WrongQuestion(f"{self.since!r} is no day, such as 2026-11-29.") from None
        return day + timedelta(days=1) - timedelta(microseconds=1)

    def address(self, path: str, **more: str) -> str:
        """Returns the address of what is asked for."""
        values = {
            "find": self.find,
            "starts": "1" if self.starts else "",
            "band": list(self.bands),
            "tier": for_form(self.tier),
            "region": for_form(self.region),
            "new": "1" if self.new else "",
            "moved_by": self.moved_by,
            "since": self.since,
            "sort": "" if self.sort == "risk" else self.sort,
        }
        return address(path, **values, **more)


def _known(what: str, wanted: str, known: Sequence[str]) -> tuple[str, ...]:
    found = spellings(wanted, known) if wanted else ()
    if wanted and not found:
        raise WrongQuestion(f"No published account has the {what} {wanted!r}.")
    return found


def _percent(text: str) -> float:
    found = re.fullmatch(r"(\d{1,3}(?:[.,]\d{0,6})?) ?%?", text)
    share = float(found[1].replace(",", ".")) / 100 if found else math.nan
    if not share <= 1:
        raise WrongQuestion(f"{text!r} is no change in percent points, such as 5 or 2.5.")
    return share


def _place(text: str) -> Place | None:
    if not text:
        return None
    try:
        key, account_id = json.loads(text)
        return Place(float(key), storable(str(account_id)))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise WrongQuestion(
            "The place in the list cannot be read: begin at its first page."
        ) from None


def _written(place: Place | None) -> str:
    return json.dumps([place.key, place.account_id], ensure_ascii=False) if place else ""


@dataclass(frozen=True)
class _List:
    """The list that is asked for.

    Attributes:
        pages: Of it.
        newest: The newest publication; None before the first.
        tiers: Of all published accounts.
        regions: Likewise.
    """

    pages: AccountPages
    newest: LogEntry | None
    tiers: Sequence[str]
    regions: Sequence[str]


def _list(view: View, asked: Filter) -> _List:
    log = read_log(view.cursor, ACCOUNT_RISK_SCORES)
    states = States.of(log, asked.until)
    tiers, regions = _places_of(view, states, log.newest)
    pages = AccountPages(view.cursor, states, asked.asked(tiers, regions))
    if pages.asked.compares and states.since is None:
        raise WrongQuestion(
            "Nothing is known that the scores could be compared with: there is no publication "
            "before, or its rows were dropped from the history."
        )
    return _List(pages, log.newest, tiers, regions)


def _build(view: View) -> Shown:
    asked = Filter.of(view.query)
    found = _list(view, asked)
    after, before = (_place(view.query.get(name)) for name in ("after", "before"))
    page = found.pages.page(after=after, before=before)
    values = {
        "asked": asked,
        "bands": list(BANDS),
        "sorts": _SORTS,
        "tiers": _choices(found.tiers, asked.tier),
        "regions": _choices(found.regions, asked.region),
        "table": _table(page.accounts, found.pages.states),
        "found": bool(page.accounts),
        "first": asked.address(PATH) if after or before else "",
        "previous": asked.address(PATH, before=_written(page.first)) if page.first else "",
        "next": asked.address(PATH, after=_written(page.last)) if page.last else "",
        "csv": asked.address(_CSV_PATH),
        "all": PATH,
    }
    return Shown(
        "Accounts",
        "accounts.j2",
        values,
        lead=_lead(found, page, is_first=not after and not before),
    )


_KNOWN: Final[dict[tuple[object, ...], tuple[list[str], list[str]]]] = {}
"""Tiers and regions of publications, which never change: all rows are looked through for them."""


def _places_of(view: View, states: States, newest: LogEntry | None) -> tuple[list[str], list[str]]:
    key = (tuple(states.layers), newest and (newest.published_at, newest.as_of))
    if key not in _KNOWN:
        found = tiers_and_regions(view.cursor, states)
        _KNOWN.clear()
        _KNOWN[key] = found
    return _KNOWN[key]


def _choices(known: Sequence[str], asked: str) -> list[tuple[str, str]]:
    """Returns one of each that differ by more than capitals and blanks, and what is asked for.

    Each is what the form hands back, and what people read.
    """
    by_name = {one.strip().lower(): one.strip() for one in [*reversed(known), asked] if one.strip()}
    if asked:
        by_name[asked.strip().lower()] = asked
    return [(for_form(one), one) for one in sorted(by_name.values(), key=str.lower)]


def _lead(found: _List, page: AccountPage, *, is_first: bool) -> str:
    """Says how many there are, on the first page alone: counting takes as long as finding."""
    if found.newest is None:
        return "No account has a score yet."
    said = "Further accounts"
    if is_first:
        count = found.pages.count() if page.last else len(page.accounts)
        said = numbers.counted(count, "account", "accounts")
        if count > COUNTED:
            said = f"More than {numbers.count(COUNTED)} accounts"
    said += f", scores as of {numbers.moment(found.newest.as_of.isoformat())}"
    since = found.pages.states.since
    moved = f"; moved since {numbers.moment(since.as_of.isoformat())}" if since else ""
    return f"{said}{moved}."


def _table(accounts: Sequence[ListedAccount], states: States) -> Table:
    return Table.of("Accounts", _COLUMNS, [_row(one, states) for one in accounts])


def _row(one: ListedAccount, states: States) -> tuple[Cell, ...]:
    reason = one.first_reason
    band: Cell = Badge(one.risk_category, BANDS.get(one.risk_category, QUIET))
    return (
        Link(name_of(one.account_id), address("/pages/account", id=one.account_id)),
        numbers.share(one.churn_probability),
        band,
        _moved(one, states),
        one.customer_tier or _NONE,
        one.region or _NONE,
        f"{one.silence_state or _NONE}{', leave alone' if one.holdout else ''}",
        f"{factor(reason['log_odds'])} {reason['text']}" if reason else _NONE,
    )


def _moved(one: ListedAccount, states: States) -> Cell:
    if one.moved is None:
        return "new" if states.since else _NONE
    said = points(one.moved)
    changed = one.former_category not in (None, one.risk_category)
    return Noted(said, f"was {one.former_category}") if changed else said


def points(change: float) -> str:
    """Returns a change of a probability in percent points, with its sign if it has one."""
    said = f"{100 * change:+.2f}"
    return "0.00" if float(said) == 0 else said.replace("-", numbers.MINUS)


def name_of(account_id: str) -> str:
    """Returns an id as it can be seen: in quotes where blanks begin or end it."""
    seen = account_id == account_id.strip() and account_id
    return account_id if seen else f"“{account_id}”"


def _csv(view: View) -> Whole:
    pages = _list(view, Filter.of(view.query)).pages
    return Whole(csv_of(pages.every(_MOST)).encode(errors="replace"), CSV, "accounts.csv")


_READS: Final = (
    "tens_insight.publications",
    "tens_insight.account_risk_score_history",
    "tens_insight.account_risk_detail_history",
)
PAGE: Final = Page(PATH, "Accounts", _build, _READS)
CSV_PAGE: Final = Page(_CSV_PATH, "", _csv, _READS)
